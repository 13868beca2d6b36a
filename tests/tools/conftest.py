"""Real processes on loopback: the exporter, the simulator, Prometheus."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.support import GIVE_UP_SECONDS
from tests.tools.pretence import Pretence


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[str]) -> requests.Response:
    """Return the first 200 of `url`, as long as `process` runs."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            response = requests.get(url, timeout=GIVE_UP_SECONDS)
        except requests.ConnectionError:
            response = None
        if response is not None and response.status_code == 200:
            return response
        time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Return once it is so, as long as `process` runs."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def find_tool(name: str) -> str:
    """Return the path of a tool; without it the test is skipped, or fails where it must run."""
    path = shutil.which(name)
    if path is None:
        message = f"{name} is not installed; .ci/run has the names of Debian's packages"
        if os.environ.get("SEQ_EXPORTER_TEST_TOOLS") == "required":
            pytest.fail(message)
        pytest.skip(message)
    return path


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start processes that end with the test."""
    running: list[subprocess.Popen[str]] = []

    def run(*command: str, **environ: str) -> subprocess.Popen[str]:
        clean = {key: value for key, value in os.environ.items() if "SEQ_EXPORTER" not in key}
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=clean | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.fixture
def exporter(start: Start) -> Start:
    """Start `seq-exporter` with the given arguments."""

    def run(*arguments: str, **environ: str) -> subprocess.Popen[str]:
        return start(sys.executable, "-m", "seq_exporter", *arguments, **environ)

    return run


def start_simulator(
    exporter: Start, subusers: int = 30, *arguments: str
) -> tuple[subprocess.Popen[str], Pretence]:
    """Start the simulator with three accounts, each with so many subusers."""
    process = exporter("simulate", "--listen=127.0.0.1:0", f"--subusers={subusers}", *arguments)
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(1 + 3 * 3)]
    return process, Pretence("".join(lines))


@pytest.fixture
def simulator(exporter: Start) -> Pretence:
    """Start the simulator; it ends with the test."""
    return start_simulator(exporter)[1]


@pytest.fixture
def served(exporter: Start, simulator: Pretence, tmp_path: Path) -> str:
    """Start `serve` on the simulator; return its address, host and port, once it has scores."""
    (tmp_path / "config.yaml").write_text(simulator.config)
    address = f"127.0.0.1:{free_port()}"
    process = exporter("serve", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", process)
    return address
