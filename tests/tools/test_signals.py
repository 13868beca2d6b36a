"""Signals at any moment of a process: while it starts, serves, waits and ends.

`tests/long` sends each signal at each of its moments.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.faults.server import Exchange, FaultServer
from tests.processes import Start, free_port, wait_for, wait_for_end, wait_until
from tests.served import write_config
from tests.support import GIVE_UP_SECONDS

#: A command, the signal that it gets, and the seconds from its first instruction until then.
Moment = tuple[str, signal.Signals, float]


@contextlib.contextmanager
def running_slow_sendgrid() -> Iterator[FaultServer]:
    """Run a SendGrid that takes requests and answers none of them."""

    def wait(exchange: Exchange) -> None:
        exchange.closing.wait()

    with FaultServer(wait).running() as server:
        yield server


@pytest.fixture
def slow_sendgrid() -> Iterator[FaultServer]:
    with running_slow_sendgrid() as server:
        yield server


def wait_for_first_instruction(process: subprocess.Popen[str]) -> None:
    """Return once the process holds SIGHUP; before, Python itself starts, which is not ours."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        held = next(line for line in status.read_text().splitlines() if line.startswith("SigBlk"))
        if int(held.split()[1], 16) & 1 << (signal.SIGHUP - 1):
            return
        time.sleep(0.001)
    raise AssertionError(process.communicate())


def start_and_signal(
    exporter: Start, arguments: list[str], number: signal.Signals, seconds: float
) -> subprocess.Popen[str]:
    """Start the program, and send it a signal so long after its first instruction."""
    process = exporter(*arguments)
    wait_for_first_instruction(process)
    time.sleep(seconds)
    process.send_signal(number)
    return process


def check_stop(moment: Moment, exporter: Start, folder: Path) -> None:
    """Stop `serve`, `demo` or `simulate` while it starts: that is a success."""
    command, number, seconds = moment
    write_config(folder, "http://127.0.0.1:1")
    listen = "--listen" if command == "simulate" else "--web.listen-address"
    process = start_and_signal(exporter, [command, f"{listen}=127.0.0.1:0"], number, seconds)
    status, _, err = wait_for_end(process)
    assert status == 0
    assert "Traceback" not in err


@pytest.mark.small
@pytest.mark.parametrize(
    "moment",
    [
        ("serve", signal.SIGTERM, 0),  # it imports
        ("serve", signal.SIGINT, 0.3),  # it reads its files
        ("serve", signal.SIGTERM, 0.7),  # it serves
        ("demo", signal.SIGINT, 0.1),
        ("demo", signal.SIGTERM, 0.7),
        ("simulate", signal.SIGINT, 0),
        ("simulate", signal.SIGTERM, 0.3),
    ],
)
def test_a_stop_at_any_moment_of_the_start_is_a_success(
    moment: Moment, exporter: Start, tmp_path: Path
) -> None:
    check_stop(moment, exporter, tmp_path)


def check_reload(command: str, seconds: float, exporter: Start, folder: Path) -> None:
    """Send SIGHUP to a process that starts: it serves, and reloads once."""
    write_config(folder, "http://127.0.0.1:1")
    port = free_port()
    arguments = [command, f"--web.listen-address=127.0.0.1:{port}", "--log.level=info"]
    process = start_and_signal(exporter, arguments, signal.SIGHUP, seconds)
    wait_for(f"http://127.0.0.1:{port}/-/healthy", process)
    process.terminate()
    status, _, err = wait_for_end(process)
    assert status == 0
    assert err.count('msg="configuration reloaded"') == 1
    assert "Traceback" not in err


@pytest.mark.small
@pytest.mark.parametrize(("command", "seconds"), [("serve", 0), ("serve", 0.3), ("demo", 0.1)])
def test_a_reload_at_any_moment_of_the_start_ends_nothing(
    command: str, seconds: float, exporter: Start, tmp_path: Path
) -> None:
    check_reload(command, seconds, exporter, tmp_path)


def wait_for_reading(process: subprocess.Popen[str]) -> None:
    """Return once the process has a thread that reads a file for the one that loads them."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        if "\nThreads:\t3\n" in status.read_text():
            return
        time.sleep(0.01)
    raise AssertionError(process.communicate())


def check_stop_while_it_reads(
    name: str, number: signal.Signals, exporter: Start, folder: Path
) -> None:
    """Stop `serve` while reading its configuration or its key hangs: it does not wait."""
    (folder / "config.yaml").write_text("accounts: [{name: acme, api_key_file: key}]")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    process = exporter("serve", "--web.listen-address=127.0.0.1:0")
    wait_for_reading(process)
    time.sleep(0.1)  # mostly until it reads this file; at any moment, the outcome is the same
    told = time.monotonic()
    process.send_signal(number)
    assert wait_for_end(process) == (0, "", "")
    assert time.monotonic() - told < 5


@pytest.mark.small
@pytest.mark.parametrize(
    ("name", "number"), [("config.yaml", signal.SIGTERM), ("key", signal.SIGINT)]
)
def test_a_signal_stops_it_while_it_reads_its_first_configuration(
    name: str, number: signal.Signals, exporter: Start, tmp_path: Path
) -> None:
    check_stop_while_it_reads(name, number, exporter, tmp_path)


def check_ctrl_c(arguments: list[str], seconds: float, exporter: Start, folder: Path) -> None:
    """Press Ctrl-C so long after the start of a command: it writes one line or none."""
    with running_slow_sendgrid() as sendgrid:
        write_config(folder, sendgrid.url)
        process = start_and_signal(exporter, arguments, signal.SIGINT, seconds)
        status, _, err = wait_for_end(process)
    # It may have ended already, or be ending.
    assert (status, err) in {
        (0, ""),
        (1, "seq-exporter: stopped by Ctrl-C\n"),
        (-signal.SIGINT, ""),
    }


@pytest.mark.small
@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        (["check"], 0.1),
        (["scores"], 0.3),
        (["check", "--offline"], 0),
        (["check", "--offline"], 0.3),
        (["scores", "--help"], 0.1),
        (["scores", "--help"], 0.3),
    ],
)
def test_ctrl_c_at_any_moment_is_one_line_or_none(
    arguments: list[str], seconds: float, exporter: Start, tmp_path: Path
) -> None:
    check_ctrl_c(arguments, seconds, exporter, tmp_path)


@pytest.mark.parametrize("command", ["check", "scores"])
def test_ctrl_c_while_it_waits_for_sendgrid_is_one_line(
    command: str, exporter: Start, slow_sendgrid: FaultServer, tmp_path: Path
) -> None:
    write_config(tmp_path, slow_sendgrid.url)
    process = exporter(command)
    wait_until(lambda: bool(slow_sendgrid.requests), process)
    process.send_signal(signal.SIGINT)
    status, _, err = wait_for_end(process)
    assert (status, err) == (1, "seq-exporter: stopped by Ctrl-C\n")


def check_end_by_signal(
    number: signal.Signals, seconds: float, exporter: Start, folder: Path
) -> None:
    """Send `check` a signal that it does not handle: it ends as any program."""
    with running_slow_sendgrid() as sendgrid:
        write_config(folder, sendgrid.url)
        process = start_and_signal(exporter, ["check"], number, seconds)
        assert wait_for_end(process)[::2] == (-number, "")


@pytest.mark.small
@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGTERM, 1.5), (signal.SIGHUP, 0.2)])
def test_other_commands_end_by_these_signals_as_any_program(
    number: signal.Signals, seconds: float, exporter: Start, tmp_path: Path
) -> None:
    check_end_by_signal(number, seconds, exporter, tmp_path)


def start_to_serve(exporter: Start) -> tuple[subprocess.Popen[str], int]:
    """Return `serve` once it serves, and its port."""
    port = free_port()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}")
    wait_for(f"http://127.0.0.1:{port}/-/healthy", process)
    return process, port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_the_middle_of_a_slow_poll(
    number: signal.Signals, exporter: Start, slow_sendgrid: FaultServer, tmp_path: Path
) -> None:
    write_config(tmp_path, slow_sendgrid.url, "poll: {timeout: 1h}")
    process, port = start_to_serve(exporter)
    wait_until(lambda: bool(slow_sendgrid.requests), process)
    ready = requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=GIVE_UP_SECONDS)
    assert ready.status_code == 503
    process.send_signal(number)
    assert wait_for_end(process)[0] == 0  # while the request still goes on


def test_a_client_that_does_not_read_does_not_keep_it(
    exporter: Start, slow_sendgrid: FaultServer, tmp_path: Path
) -> None:
    write_config(tmp_path, slow_sendgrid.url)
    process, port = start_to_serve(exporter)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        process.send_signal(signal.SIGTERM)
        assert wait_for_end(process)[0] == 0


def test_signals_while_it_ends_do_not_change_its_status(exporter: Start, tmp_path: Path) -> None:
    write_config(tmp_path, "http://127.0.0.1:1")
    process, _ = start_to_serve(exporter)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    while process.poll() is None:
        for number in numbers:
            process.send_signal(number)
        time.sleep(0.001)
    status, _, err = wait_for_end(process)
    assert status == 0, err
    assert "Traceback" not in err
