"""The processes of a soak: started on loopback, ended whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import find_tool, free_port, wait_for

_PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: seq-exporter
    static_configs: [{{targets: ["{address}"]}}]
"""


class Processes:
    """Starts processes in `folder`; each writes to files there, as nobody reads a pipe for long."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str, *command: str) -> subprocess.Popen[str]:
        environ = {key: value for key, value in os.environ.items() if "SEQ_EXPORTER" not in key}
        with self.path(name, "out").open("w") as out, self.path(name, "err").open("w") as err:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environ, stdout=out, stderr=err, text=True
            )
        self.running[name] = process
        return process

    def path(self, name: str, stream: str) -> Path:
        return self.folder / f"{name}.{stream}"

    def assert_running(self) -> None:
        for name, process in self.running.items():
            assert process.poll() is None, f"{name}: {self.path(name, 'err').read_text()[-2000:]}"

    def kill(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
            process.wait()


@contextmanager
def processes_in(folder: Path) -> Iterator[Processes]:
    processes = Processes(folder)
    try:
        yield processes
    finally:
        processes.kill()


def start_simulator(processes: Processes, delay_seconds: int, accounts: int = 3) -> str:
    """Return the configuration that the simulator prints."""
    processes.start(
        "simulator",
        *(sys.executable, "-m", "seq_exporter", "simulate", "--listen=127.0.0.1:0"),
        *(f"--accounts={accounts}", "--subusers=40", "--rate-limit=1000000"),
        f"--delay={delay_seconds}s",
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        processes.assert_running()
        config = processes.path("simulator", "out").read_text()
        if config.count("base_url:") == accounts and config.endswith("\n"):
            return config
        time.sleep(0.05)
    raise AssertionError("the simulator prints no configuration")


def start_exporter(processes: Processes) -> str:
    """Start `serve` on config.yaml, and return its address once it answers."""
    address = f"127.0.0.1:{free_port()}"
    process = processes.start(
        "exporter",
        *(sys.executable, "-m", "seq_exporter", "serve", "--log.level=debug"),
        "--config.auto-reload-interval=1s",
        f"--web.listen-address={address}",
    )
    wait_for(f"http://{address}/-/healthy", process)
    return address


def start_prometheus(processes: Processes, scraped: str) -> str:
    """Return the base URL of a Prometheus that scrapes the address `scraped` every second."""
    (processes.folder / "prometheus.yml").write_text(_PROMETHEUS.format(address=scraped))
    base = f"http://127.0.0.1:{free_port()}"
    process = processes.start(
        "prometheus",
        *(find_tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"),
        f"--web.listen-address={base.removeprefix('http://')}",
    )
    wait_for(f"{base}/-/ready", process)
    return base
