"""Runs in the sandbox: follow the documentation word by word, as somebody with a key would.

Reads the blocks from standard input. The reader sits in a fresh clone. SendGrid is simulated at its
own address; a Prometheus runs; the package index is a folder. Commands that serve go on in another
shell, until one of the same port is started. Fails with what a command said, if one fails.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from seq_exporter.clock import Clock
from seq_exporter.serve.process import run_servers
from seq_exporter.simulator.api import build_app
from seq_exporter.simulator.fleet import Fleet
from seq_exporter.web.server.listen import open_sockets
from seq_exporter.web.server.server import Server
from seq_exporter.web.settings.file import load_web_settings
from seq_exporter.web.settings.reloadable import ReloadableSettings

CLONE = Path("/tmp/clone")
# What serves until it is stopped, and how a reader sees that it does.
_EXPORTER, _SIMULATOR = "http://localhost:10737/-/ready", "http://localhost:10738/"
_SERVING = {"make demo": _EXPORTER, "seq-exporter serve": _EXPORTER, "simulate": _SIMULATOR}
_GIVE_UP_SECONDS = 300


def simulate_sendgrid(fleet: Fleet, folder: Path) -> None:
    settings = ReloadableSettings(lambda: load_web_settings(folder / "web.yaml"))
    server = Server(build_app(fleet), settings)
    asyncio.run(run_servers((server, open_sockets(["127.0.0.1:443"]))))


def is_serving(url: str) -> bool:
    try:
        return requests.get(url, timeout=_GIVE_UP_SECONDS).status_code != 503
    except requests.ConnectionError:
        return False


class Reader:
    """Whoever follows the documentation, with `key` to paste."""

    def __init__(self, key: str, folder: Path) -> None:
        self._key = key
        self._serving: dict[str, subprocess.Popen[str]] = {}
        self._environ = {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            # Later pages write `seq-exporter` for the one that the first ones install.
            "PATH": f"{CLONE}/.venv/bin:{sys.base_prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": f"{folder}/packages",
            "SSL_CERT_FILE": f"{folder}/ca.pem",
        }

    def follow(self, block: dict[str, Any], place: str) -> str:
        """Do what the block says, and return what is printed; `place` is where it is."""
        text = block["text"].replace("SG....", self._key)
        if block["file"]:
            (CLONE / block["file"]).write_text(text)
            return ""
        served = {url for command, url in _SERVING.items() if command in text}
        for url in served:
            self._stop(url)
        log, pasted = Path("/tmp/log"), Path("/tmp/pasted")
        pasted.write_text(f"{self._key}\n")
        with log.open("w") as output, pasted.open() as key:
            process = subprocess.Popen(
                ["bash", "-eo", "pipefail", "-c", text],
                cwd=CLONE / "prometheus" if block["document"] == "docs/alerts.md" else CLONE,
                env=self._environ,
                stdin=key,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while process.poll() is None and not (served and all(map(is_serving, served))):
            assert time.monotonic() < deadline, f"{place}: {log.read_text()}"
            time.sleep(0.1)
        # 128 and SIGPIPE: `head` has read enough of a pipe before all is written to it.
        is_right = process.poll() is None if served else process.returncode in (0, 141)
        assert is_right, f"{place}: {log.read_text()}"
        for url in served:
            self._serving[url] = process
        return log.read_text()

    def _stop(self, url: str) -> None:
        """Press Ctrl-C in the shell of what serves there."""
        if process := self._serving.pop(url, None):
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


def main(planned: dict[str, Any]) -> None:
    root, folder = Path(planned["root"]), Path(planned["folder"])
    for name in planned["files"]:
        (CLONE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, CLONE / name)
    # What the pages about other programs take for granted.
    Path("/etc/grafana/provisioning/dashboards").mkdir(parents=True)
    shutil.copy(folder / "ca.pem", CLONE / "cert.pem")
    fleet = Fleet(accounts=1, subusers=8, anchor=Clock().today())
    context = multiprocessing.get_context("fork")
    context.Process(target=simulate_sendgrid, args=(fleet, folder), daemon=True).start()
    config = Path("/tmp/prometheus.yaml")  # as docs/backfill.md asks
    config.write_text("storage: {tsdb: {out_of_order_time_window: 91d}}\n")
    prometheus = ["prometheus", f"--config.file={config}", "--storage.tsdb.path=/tmp/prometheus"]
    prometheus += ["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100d"]
    running = subprocess.Popen(prometheus, stderr=subprocess.DEVNULL)
    reader = Reader(fleet.accounts[0].api_key, folder)
    try:
        for block in planned["blocks"]:
            place = f"{block['document']}:{block['line']}"
            print(json.dumps([place, reader.follow(block, place)]), flush=True)
    finally:
        running.kill()


if __name__ == "__main__":
    main(json.load(sys.stdin))
