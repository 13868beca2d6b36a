"""`serve`, `simulate` and `demo` as processes: what a user starts, signals and reads."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from seq_exporter import __version__
from tests.processes import Start, free_port, wait_for, wait_until
from tests.simulator import Samples, Simulator
from tests.support import GIVE_UP_SECONDS, KEY


def read_page(base: str) -> str:
    return requests.get(f"{base}/metrics", timeout=GIVE_UP_SECONDS).text


def read_scores(base: str) -> Samples:
    """Return the scores on the page, by name and label values."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(read_page(base))
        for sample in family.samples
        if family.name.endswith("_score") and family.name.startswith("sendgrid_seq")
    }


def write_config(folder: Path, base_url: str, more: str = "") -> Path:
    file = folder / "config.yaml"
    file.write_text(
        f"accounts:\n  - {{name: acme, api_key: {KEY}, base_url: '{base_url}'}}\n{more}"
    )
    return file


class Slow(BaseHTTPRequestHandler):
    """Takes a request, says so, and never answers it."""

    asked = threading.Event()
    ended = threading.Event()

    def do_GET(self) -> None:
        self.asked.set()
        self.ended.wait()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def slow_sendgrid() -> Iterator[ThreadingHTTPServer]:
    Slow.asked, Slow.ended = threading.Event(), threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        Slow.ended.set()
        server.shutdown()


def test_the_scores_of_a_fleet(exporter: Start, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(simulator.config)
    port = free_port()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}", "--log.level=debug")
    base = f"http://127.0.0.1:{port}"
    assert wait_for(f"{base}/-/healthy", process).text == "seq-exporter is healthy.\n"
    wait_for(f"{base}/-/ready", process)
    expected = simulator.read_newest()
    assert len(expected) > 3 * 20 * 6
    assert read_scores(base) == expected
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=GIVE_UP_SECONDS)
    assert (process.returncode, out) == (0, "")
    assert err.count('msg="scores of a new day"') == 6
    assert "SG." not in err


def test_every_way_to_choose_scores(exporter: Start, simulator: Simulator, tmp_path: Path) -> None:
    everything = simulator.read_newest()
    account = yaml.safe_load(simulator.config)["accounts"][0]
    name = account["name"]
    usernames = [key[2] for key in everything if key[:2] == ("sendgrid_seq_score", name)]
    listed, globbed = usernames[:2], [user for user in usernames if user.startswith("s")]
    (tmp_path / "key").write_text(f"{account['api_key']}\n")
    common = {"api_key_file": "key", "base_url": account["base_url"]}
    forms: list[dict[str, object]] = [
        {"name": "list", "subusers": [*listed, "nobody"], "own_score": False},
        {"name": "globs", "subusers": {"include": ["s*"]}, "own_score": False},
        {"name": "own", "subusers": "none"},
        {"name": "behalf", "on_behalf_of": listed[0], "subusers": "none"},
    ]
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({"accounts": [common | form for form in forms]})
    )
    port = free_port()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}")
    base = f"http://127.0.0.1:{port}"
    wait_for(f"{base}/-/ready", process)
    found = read_scores(base)
    score = "sendgrid_seq_score"
    assert {key: value for key, value in found.items() if key[0] == score} == {
        (score, form, user): everything[score, name, user]
        for form, users in (("list", listed), ("globs", globbed))
        for user in users
    }
    own = "sendgrid_seq_account_score"
    assert {key: value for key, value in found.items() if key[0] == own} == {
        (own, "own"): everything[own, name],
        (own, "behalf"): everything[score, name, listed[0]],
    }
    page = read_page(base)
    assert '\nsendgrid_seq_subusers{account="list",state="missing"} 1.0\n' in page


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_the_middle_of_a_slow_poll(
    exporter: Start, slow_sendgrid: ThreadingHTTPServer, tmp_path: Path, number: signal.Signals
) -> None:
    write_config(tmp_path, f"http://127.0.0.1:{slow_sendgrid.server_port}", "poll: {timeout: 1h}")
    port = free_port()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}")
    wait_for(f"http://127.0.0.1:{port}/-/healthy", process)
    assert Slow.asked.wait(GIVE_UP_SECONDS)
    ready = requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=GIVE_UP_SECONDS)
    assert ready.status_code == 503
    process.send_signal(number)
    process.communicate(timeout=GIVE_UP_SECONDS)  # while the request still goes on
    assert process.returncode == 0


def test_a_client_that_does_not_read_does_not_keep_it(
    exporter: Start, slow_sendgrid: ThreadingHTTPServer, tmp_path: Path
) -> None:
    write_config(tmp_path, f"http://127.0.0.1:{slow_sendgrid.server_port}")
    port = free_port()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}")
    wait_for(f"http://127.0.0.1:{port}/-/healthy", process)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=GIVE_UP_SECONDS)
    assert process.returncode == 0


def run(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=GIVE_UP_SECONDS)
    return process.returncode, out, err


def test_a_port_in_use_is_one_clear_line(exporter: Start, tmp_path: Path) -> None:
    write_config(tmp_path, "http://127.0.0.1:1")
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert run(exporter("serve", f"--web.listen-address={address}")) == (
            1,
            "",
            f"seq-exporter: cannot listen on {address}: address already in use: "
            "stop the process that listens there, or choose another --web.listen-address\n",
        )


def test_every_mistake_in_the_file_is_a_line(exporter: Start, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "accounts:\n"
        "  - {name: a, api_key: '${A_KEY}', regoin: eu}\n"
        "  - {name: b, api_key: k, own_score: 1}\n"
        "  - {name: c, api_key_file: /nowhere/key}\n"
        "poll: {interval: soon}\n"
    )
    status, out, err = run(exporter("serve", "--config.file=bad.yaml", B_KEY="never shown"))
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "seq-exporter: bad.yaml: 5 mistakes",
        "bad.yaml:2: accounts[0].api_key: the environment variable A_KEY is not set: "
        "set it, or correct the name",
        "bad.yaml:2: accounts[0].regoin: unknown key; did you mean 'region'?",
        "bad.yaml:3: accounts[1].own_score: must be true or false, not 1",
        "bad.yaml:4: accounts[2].api_key_file: no such file '/nowhere/key': "
        "put the API key there, or correct the path",
        "bad.yaml:5: poll.interval: must be a duration such as 90s, 15m, 1h30m or 7d, not 'soon'",
    ]


def test_without_a_file_it_says_where_it_looked(exporter: Start, tmp_path: Path) -> None:
    status, _, err = run(exporter("serve"))
    assert status == 2
    assert err == (
        f"seq-exporter: no configuration file: looked for {tmp_path}/config.yaml\n"
        "Write one as config.example.yaml shows, or name one with --config.file=FILE.\n"
        "To look around without a SendGrid key: seq-exporter demo\n"
    )


def test_flags_can_be_set_in_the_environment(exporter: Start, tmp_path: Path) -> None:
    write_config(tmp_path, "http://127.0.0.1:1").rename(tmp_path / "other.yaml")
    first, second = free_port(), free_port()
    process = exporter(
        "serve",
        SEQ_EXPORTER_CONFIG_FILE="other.yaml",
        SEQ_EXPORTER_WEB_LISTEN_ADDRESS=f"127.0.0.1:{first} localhost:{second}",
        SEQ_EXPORTER_WEB_ENABLE_LIFECYCLE="true",
        SEQ_EXPORTER_LOG_FORMAT="json",
    )
    wait_for(f"http://127.0.0.1:{first}/-/healthy", process)
    wait_for(f"http://localhost:{second}/-/healthy", process)
    reload = requests.post(f"http://127.0.0.1:{first}/-/reload", timeout=GIVE_UP_SECONDS)
    assert reload.status_code == 200
    process.terminate()
    status, _, err = run(process)
    assert status == 0
    assert json.loads(err.splitlines()[0])["msg"] == "seq-exporter started"


def test_reloading(exporter: Start, simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(simulator.config)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle")
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    accounts = sorted({labels[1] for labels in everything})

    file.write_text(simulator.config.replace("api_key:", "api_kee:"))
    refused = requests.post(f"{base}/-/reload", timeout=GIVE_UP_SECONDS)
    assert refused.status_code == 500
    assert "accounts[0].api_kee: unknown key; did you mean 'api_key'?" in refused.text
    assert read_scores(base) == everything
    page = read_page(base)
    assert "\nseq_exporter_config_last_reload_successful 0.0\n" in page

    head, *rest = simulator.config.split("  - name: ")
    kept = [part for part in rest if not part.startswith(accounts[0])]
    file.write_text(head + "".join(f"  - name: {part}" for part in kept))
    assert requests.post(f"{base}/-/reload", timeout=GIVE_UP_SECONDS).status_code == 200
    left = {labels: value for labels, value in everything.items() if labels[1] != accounts[0]}
    assert read_scores(base) == left
    page = read_page(base)
    assert f'account="{accounts[0]}"' not in page
    assert "\nseq_exporter_config_last_reload_successful 1.0\n" in page

    file.write_text(simulator.config)
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: read_scores(base) == everything, process)


def test_a_change_of_the_file_is_followed(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(simulator.config)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = exporter(
        "serve",
        f"--web.listen-address=127.0.0.1:{port}",
        "--config.auto-reload-interval=100ms",
    )
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    accounts = sorted({labels[1] for labels in everything})

    def replace(text: str) -> None:
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").rename(file)

    replace("accounts: []")
    refused = "\nseq_exporter_config_last_reload_successful 0.0\n"
    wait_until(lambda: refused in read_page(base), process)
    assert read_scores(base) == everything
    replace(simulator.config.replace(accounts[0], "renamed"))
    renamed = {"renamed", *accounts[1:]}
    wait_until(lambda: {labels[1] for labels in read_scores(base)} == renamed, process)
    process.terminate()
    status, _, err = run(process)
    assert status == 0
    assert err.count('msg="reload failed, the old configuration stays in force"') == 1
    assert "config.yaml:1: accounts: is empty: name at least one" in err


@pytest.mark.parametrize("by", ["account", "subuser"])
def test_shards_are_the_whole_together(
    exporter: Start, simulator: Simulator, tmp_path: Path, by: str
) -> None:
    (tmp_path / "config.yaml").write_text(simulator.config)
    together: Samples = {}
    for ordinal in range(3):
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        process = exporter(
            "serve",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--shard={ordinal}/3",
            f"--shard-by={by}",
        )
        wait_for(f"{base}/-/ready", process)
        part = read_scores(base)
        assert not together.keys() & part.keys()
        together |= part
        page = read_page(base)
        assert f"\nseq_exporter_shard_ordinal {ordinal}.0\n" in page
        assert "\nseq_exporter_shards 3.0\n" in page
    assert together == simulator.read_newest()


def test_the_demo(exporter: Start) -> None:
    port = free_port()
    process = exporter("demo", f"--web.listen-address=127.0.0.1:{port}")
    base = f"http://127.0.0.1:{port}"
    wait_for(f"{base}/-/ready", process)
    scores = read_scores(base)
    assert len({labels[1] for labels in scores}) == 3
    process.send_signal(signal.SIGINT)
    status, out, err = run(process)
    assert (status, err) == (0, "")
    assert f"  metrics      {base}/metrics\n" in out


def test_the_version(exporter: Start) -> None:
    status, out, _ = run(exporter("--version"))
    assert status == 0
    assert out.startswith(f"seq-exporter {__version__} (python 3.")


@pytest.mark.parametrize("arguments", [["sevre"], ["serve", "--shard=3/2"]])
def test_wrong_use_is_exit_status_2(exporter: Start, arguments: list[str]) -> None:
    status, out, err = run(exporter(*arguments))
    assert (status, out) == (2, "")
    assert f"'{arguments[-1].partition('=')[2] or arguments[-1]}'" in err
    assert "Traceback" not in err


def test_a_reload_of_what_is_published_keeps_the_scores(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    accounts = yaml.safe_load(simulator.config)["accounts"]
    file, port = tmp_path / "config.yaml", free_port()
    base = f"http://127.0.0.1:{port}"

    def write(**changes: object) -> None:
        file.write_text(yaml.safe_dump({"accounts": [each | changes for each in accounts]}))

    def reload() -> Samples:
        assert requests.post(f"{base}/-/reload", timeout=GIVE_UP_SECONDS).status_code == 200
        return read_scores(base)

    write()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle")
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    write(series={"metrics": []}, max_series=5000)
    fewer = reload()
    assert fewer == {
        key: value for key, value in everything.items() if key[0] != "sendgrid_seq_metric_score"
    }
    write(max_series=10)  # below what is published: it stays, and polls fail
    assert reload() == fewer
    up = f'seq_exporter_account_up{{account="{accounts[0]["name"]}"}}'
    wait_until(lambda: f"\n{up} 0.0\n" in read_page(base), process)
    write()
    assert reload() == everything
    wait_until(lambda: f"\n{up} 1.0\n" in read_page(base), process)


def with_keys(simulator: Simulator, folder: Path) -> str:
    """Return the simulator's configuration with each key in a file of `folder`."""
    accounts = yaml.safe_load(simulator.config)["accounts"]
    for account in accounts:
        (folder / account["name"]).write_text(account.pop("api_key"))
        account["api_key_file"] = account["name"]
    return yaml.safe_dump({"accounts": accounts, "poll": {"interval": "1s"}})


def test_a_key_file_that_hangs_fails_its_account_and_keeps_nothing_else_from_working(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    file, port = tmp_path / "config.yaml", free_port()
    file.write_text(with_keys(simulator, tmp_path))
    base = f"http://127.0.0.1:{port}"
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle")
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    hung, other = (each["name"] for each in yaml.safe_load(simulator.config)["accounts"][:2])
    key = (tmp_path / hung).read_text()
    (tmp_path / hung).unlink()
    os.mkfifo(tmp_path / hung)  # reading it hangs, as on a mount whose server is gone

    def is_up(name: str, value: int) -> bool:
        return f'\nseq_exporter_account_up{{account="{name}"}} {value}.0\n' in read_page(base)

    wait_until(lambda: is_up(hung, 0), process)
    failures = f'seq_exporter_poll_failures_total{{account="{hung}",reason="key_unavailable"}}'
    assert f"\n{failures} " in read_page(base)
    assert f"\n{failures} 0.0\n" not in read_page(base)
    assert is_up(other, 1)
    assert read_scores(base) == everything
    failed = requests.post(f"{base}/-/reload", timeout=GIVE_UP_SECONDS)
    assert failed.status_code == 500
    assert f"api_key_file: cannot read the key file '{hung}': no answer " in failed.text
    assert "\nseq_exporter_config_last_reload_successful 0.0\n" in read_page(base)

    (tmp_path / "new").write_text(key)
    (tmp_path / "new").rename(tmp_path / hung)
    wait_until(lambda: is_up(hung, 1), process)
    (tmp_path / hung).unlink()
    os.mkfifo(tmp_path / hung)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)  # until the reload and a poll hang
    told = time.monotonic()
    process.terminate()
    assert run(process)[0] == 0
    assert time.monotonic() - told < 5


def test_no_content_of_the_file_ends_the_following_of_changes(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    file, port = tmp_path / "config.yaml", free_port()
    good = with_keys(simulator, tmp_path)
    file.write_text(good)
    base = f"http://127.0.0.1:{port}"
    process = exporter(
        "serve", f"--web.listen-address=127.0.0.1:{port}", "--config.auto-reload-interval=50ms"
    )
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    page = "\nseq_exporter_config_last_reload_successful"

    def replace(text: bytes) -> None:
        (tmp_path / "new").write_bytes(text)
        (tmp_path / "new").rename(file)

    for text in (
        b'!!int ""',
        b"accounts: !!float ':'",
        b"\xff",
        b"",
        b"&a [*a]",
        b"a: " + b"[" * 9999,
    ):
        replace(text)
        wait_until(lambda: f"{page} 0.0\n" in read_page(base), process)
        replace(good.encode())
        wait_until(lambda: f"{page} 1.0\n" in read_page(base), process)
    file.unlink()
    file.symlink_to("/dev/zero")
    wait_until(lambda: f"{page} 0.0\n" in read_page(base), process)
    replace(good.encode())
    wait_until(lambda: f"{page} 1.0\n" in read_page(base), process)
    assert read_scores(base) == everything
    process.terminate()
    status, _, err = run(process)
    assert status == 0
    assert "Traceback" not in err


def test_a_key_file_that_appears_later_is_followed(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    file, port = tmp_path / "config.yaml", free_port()
    everything = with_keys(simulator, tmp_path)
    document = yaml.safe_load(everything)
    late = document["accounts"].pop()["name"]
    file.write_text(yaml.safe_dump(document))
    (tmp_path / late).rename(tmp_path / "elsewhere")
    base = f"http://127.0.0.1:{port}"
    process = exporter(
        "serve", f"--web.listen-address=127.0.0.1:{port}", "--config.auto-reload-interval=50ms"
    )
    wait_for(f"{base}/-/ready", process)
    file.write_text(everything)
    successful = "\nseq_exporter_config_last_reload_successful"
    wait_until(lambda: f"{successful} 0.0\n" in read_page(base), process)
    time.sleep(0.5)  # several looks, which log the mistake once
    assert late not in {labels[1] for labels in read_scores(base)}
    (tmp_path / "elsewhere").rename(tmp_path / late)
    wait_until(lambda: late in {labels[1] for labels in read_scores(base)}, process)
    assert f"{successful} 1.0\n" in read_page(base)
    process.terminate()
    status, _, err = run(process)
    assert status == 0
    assert err.count(f"no such file '{late}'") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["config.yaml", "key"])
def test_a_signal_stops_it_while_it_reads_its_first_configuration(
    exporter: Start, tmp_path: Path, number: signal.Signals, name: str
) -> None:
    (tmp_path / "config.yaml").write_text("accounts: [{name: acme, api_key_file: key}]")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    process = exporter("serve", "--web.listen-address=127.0.0.1:0")
    wait_for_first_instruction(process)
    time.sleep(1.5)  # mostly until it reads; at any moment, the outcome is the same
    told = time.monotonic()
    process.send_signal(number)
    assert run(process) == (0, "", "")
    assert time.monotonic() - told < 5


# Seconds from the program's first instruction: while it imports, while it reads its files, and once
# it serves.
MOMENTS = (0, 0.1, 0.3, 0.7)


def wait_for_first_instruction(process: subprocess.Popen[str]) -> None:
    """Return once the process holds SIGHUP; before, Python itself starts, which is not ours."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        held = next(line for line in status.read_text().splitlines() if line.startswith("SigBlk"))
        if int(held.split()[1], 16) & 1 << (signal.SIGHUP - 1):
            return
    raise AssertionError(process.communicate())


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_reload_at_any_moment_of_the_start_ends_nothing(
    exporter: Start, tmp_path: Path, command: str
) -> None:
    write_config(tmp_path, "http://127.0.0.1:1")
    for seconds in MOMENTS:
        port = free_port()
        process = exporter(command, f"--web.listen-address=127.0.0.1:{port}", "--log.level=info")
        wait_for_first_instruction(process)
        time.sleep(seconds)
        process.send_signal(signal.SIGHUP)
        wait_for(f"http://127.0.0.1:{port}/-/healthy", process)
        process.terminate()
        status, _, err = run(process)
        assert status == 0
        assert err.count('msg="configuration reloaded"') == 1
        assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["serve", "demo", "simulate"])
def test_a_stop_at_any_moment_of_the_start_is_a_success(
    exporter: Start, tmp_path: Path, command: str, number: signal.Signals
) -> None:
    write_config(tmp_path, "http://127.0.0.1:1")
    listen = "--listen" if command == "simulate" else "--web.listen-address"
    for seconds in MOMENTS:
        process = exporter(command, f"{listen}=127.0.0.1:0")
        wait_for_first_instruction(process)
        time.sleep(seconds)
        process.send_signal(number)
        status, _, err = run(process)
        assert status == 0
        assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments", [["check"], ["scores"], ["check", "--offline"], ["scores", "--help"]]
)
def test_ctrl_c_at_any_moment_is_one_line_or_none(
    exporter: Start, slow_sendgrid: ThreadingHTTPServer, tmp_path: Path, arguments: list[str]
) -> None:
    write_config(tmp_path, f"http://127.0.0.1:{slow_sendgrid.server_port}")
    for seconds in (*MOMENTS, 1.5):
        process = exporter(*arguments)
        wait_for_first_instruction(process)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        status, _, err = run(process)
        # It may have ended already, or be ending.
        assert (status, err) in {
            (0, ""),
            (1, "seq-exporter: stopped by Ctrl-C\n"),
            (-signal.SIGINT, ""),
        }


def test_ctrl_c_while_it_waits_for_sendgrid_is_one_line(
    exporter: Start, slow_sendgrid: ThreadingHTTPServer, tmp_path: Path
) -> None:
    write_config(tmp_path, f"http://127.0.0.1:{slow_sendgrid.server_port}")
    for command in ("check", "scores"):
        Slow.asked.clear()
        process = exporter(command)
        assert Slow.asked.wait(GIVE_UP_SECONDS)
        process.send_signal(signal.SIGINT)
        status, _, err = run(process)
        assert (status, err) == (1, "seq-exporter: stopped by Ctrl-C\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_commands_end_by_these_signals_as_any_program(
    exporter: Start, slow_sendgrid: ThreadingHTTPServer, tmp_path: Path, number: signal.Signals
) -> None:
    write_config(tmp_path, f"http://127.0.0.1:{slow_sendgrid.server_port}")
    for seconds in (0.2, 1.5):
        process = exporter("check")
        wait_for_first_instruction(process)
        time.sleep(seconds)
        process.send_signal(number)
        assert run(process)[::2] == (-number, "")


def test_signals_while_it_ends_do_not_change_its_status(exporter: Start, tmp_path: Path) -> None:
    write_config(tmp_path, "http://127.0.0.1:1")
    port = free_port()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}")
    wait_for(f"http://127.0.0.1:{port}/-/healthy", process)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    while process.poll() is None:
        for number in numbers:
            process.send_signal(number)
        time.sleep(0.001)
    status, _, err = run(process)
    assert status == 0
    assert "Traceback" not in err


def test_an_error_of_the_system_is_not_taken_for_one_of_the_output(start: Start) -> None:
    command = f"exec {sys.executable} -m seq_exporter"
    full = run(start("sh", "-c", f"{command} --version > /dev/full"))
    message = "cannot write to standard output: No space left on device"
    assert full == (1, "", f"seq-exporter: {message}\n")
    gone = run(start("sh", "-c", f"mkdir gone; cd gone; rmdir ../gone; {command} scores"))
    assert gone == (1, "", "seq-exporter: [Errno 2] No such file or directory\n")


@pytest.mark.parametrize(("kind", "names"), [("integers", 4), ("own", 2)])
def test_simulate_answers_for_another_kind_of_fleet(exporter: Start, kind: str, names: int) -> None:
    process = exporter("simulate", "--listen=127.0.0.1:0", "--accounts=1", f"--kind={kind}")
    assert process.stdout
    config = "".join(process.stdout.readline() for _ in range(4))
    scores = Simulator(config).read_newest()
    assert len({key[0] for key in scores}) == names
    assert all(float(value).is_integer() for value in scores.values()) == (kind == "integers")
