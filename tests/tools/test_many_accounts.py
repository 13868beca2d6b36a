"""Hundreds of accounts in one process: what they take of the system."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import trustme
import yaml

from tests.processes import Start, free_port, wait_for, wait_until
from tests.served import read_page
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS

_POLLS_AT_ONCE = 16
# Those of the process itself: listening, the event loop, the clients of this test.
_OTHER_DESCRIPTORS = 16


def write_config(simulator: Simulator, count: int, folder: Path) -> None:
    """Write a configuration of many accounts, which share the keys of the simulator's."""
    known = yaml.safe_load(simulator.config)["accounts"]
    accounts = [{**known[number % 3], "name": f"account-{number:03}"} for number in range(count)]
    config = {"accounts": accounts, "poll": {"interval": "1s"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def count_descriptors(process: subprocess.Popen[str]) -> int:
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def test_descriptors_follow_the_polls_and_not_the_accounts(
    start: Start, simulator: Simulator, tmp_path: Path
) -> None:
    write_config(simulator, 200, tmp_path)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    # Started with a low soft limit, as by most shells and container runtimes.
    command = f"ulimit -Sn 64; exec {sys.executable} -m seq_exporter serve"
    process = start("sh", "-c", f"{command} --web.listen-address=127.0.0.1:{port}")
    wait_for(f"{base}/-/healthy", process)
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    (soft, hard) = next(line for line in limits.splitlines() if "open files" in line).split()[3:5]
    assert soft == hard != "64"
    counts: list[int] = []

    def have_all_been_polled() -> bool:
        counts.append(count_descriptors(process))
        return read_page(base).count("\nseq_exporter_account_up{") == 200

    wait_until(have_all_been_polled, process)
    assert max(counts) <= _POLLS_AT_ONCE + _OTHER_DESCRIPTORS
    assert set(re.findall(r"\nseq_exporter_account_up\{.*\} (.*)", read_page(base))) == {"1.0"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_without_a_descriptor_the_oldest_idle_client_goes(
    scheme: str, start: Start, simulator: Simulator, tmp_path: Path
) -> None:
    write_config(simulator, 3, tmp_path)
    port = free_port()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    pair = {"cert_file": "server.pem", "key_file": "server.pem"}
    settings = {"tls_server_config": pair} if scheme == "https" else {}
    (tmp_path / "web.yml").write_text(yaml.safe_dump(settings))
    command = f"ulimit -n 48; exec {sys.executable} -m seq_exporter serve"
    flags = f"--web.listen-address=127.0.0.1:{port} --web.config.file=web.yml"
    process = start("sh", "-c", f"{command} {flags}")
    verify = str(tmp_path / "ca.pem")

    def scrape() -> str:
        page = requests.get(f"{scheme}://localhost:{port}/metrics", timeout=60, verify=verify)
        assert page.status_code == 200
        return page.text

    wait_until(lambda: is_open(port), process)
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for _ in range(5):
        assert "seq_exporter_build_info" in scrape()
    assert count_descriptors(process) <= 48
    clients[0].settimeout(60)
    assert clients[0].recv(1) == b""
    for client in clients:
        client.close()
    wait_until(lambda: "process_open_fds" in scrape(), process)
    process.terminate()
    _, err = process.communicate(timeout=GIVE_UP_SECONDS)
    assert err.count("no file descriptor is left") == 1
    assert "Traceback" not in err


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
