"""Processes on loopback, measured from outside: their CPU time, memory and answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.scraper import Connection

_ROOT = Path(__file__).resolve().parents[1]
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 60.0
_END_SECONDS = 10.0


class Process:
    """A started process. It writes to files, because a pipe that nobody reads would block it."""

    def __init__(
        self, command: Sequence[str], folder: Path, name: str, port: int | None = None
    ) -> None:
        self.port = port or free_port()
        self._errors = folder / f"{name}.err"
        self.output = folder / f"{name}.out"
        command = [part.replace("{port}", str(self.port)) for part in command]
        with self.output.open("w") as out, self._errors.open("w") as err:
            self._popen = subprocess.Popen(
                command, cwd=folder, env=environment(), stdout=out, stderr=err
            )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._popen.pid

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all threads so far."""
        stat = Path(f"/proc/{self._popen.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()  # a name may contain spaces, later fields do not
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def memory(self, field: str = "VmRSS") -> float:
        """Return resident bytes: current (`VmRSS`) or peak (`VmHWM`)."""
        for line in Path(f"/proc/{self._popen.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return float(line.split()[1]) * 1024
        raise ValueError(f"/proc has no field {field}")

    def wait_until(
        self, is_so: Callable[[], bool], seconds: float = _START_SECONDS, pause: float = 0.02
    ) -> None:
        """Wait until `is_so` is true; raise RuntimeError if the process or the time ends first."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if self._popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"failed or too slow: {self._errors.read_text()[-2000:]}")
            time.sleep(pause)

    def answers(self, path: str) -> bool:
        """Return whether `path` answers 200."""
        try:
            with Connection(self.port, path) as connection:
                return connection.fetch().status == 200
        except OSError:
            return False

    def end(self) -> int:
        """Stop the process and return its exit status."""
        self._popen.terminate()
        # With a time limit, `wait` looks for the end only every 50 ms.
        killing = threading.Timer(_END_SECONDS, self._popen.kill)
        killing.start()
        try:
            return self._popen.wait()
        finally:
            killing.cancel()


@contextmanager
def running(
    command: Sequence[str], folder: Path, name: str, port: int | None = None
) -> Iterator[Process]:
    """Run `command` until the block ends; `{port}` in it becomes `port` or a free port."""
    process = Process(command, folder, name, port)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def running_simulator(folder: Path, subusers: int) -> Iterator[Process]:
    """Run a simulated SendGrid with one account; its `output` is its configuration."""
    command = python(
        *("-m", "seq_exporter", "simulate", "--listen=127.0.0.1:{port}", "--accounts=1"),
        *(f"--subusers={subusers}", "--rate-limit=1000000"),
    )
    with running(command, folder, "simulator") as process:
        process.wait_until(lambda: process.output.read_text().endswith("\n"))
        yield process


@contextmanager
def running_exporter(folder: Path, config: str) -> Iterator[Process]:
    """Run `serve` with `config`; yield it as soon as it answers."""
    (folder / "config.yaml").write_text(config)
    command = python("-m", "seq_exporter", "serve", "--web.listen-address=127.0.0.1:{port}")
    with running(command, folder, "exporter") as process:
        process.wait_until(lambda: process.answers("/-/healthy"), pause=0.002)
        yield process


def run_python(module: str, *arguments: str, seconds: float) -> Any:
    """Run a module in its own process, and return the JSON that it prints."""
    done = subprocess.run(
        python("-m", module, *arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        timeout=seconds,
        check=True,
    )
    return json.loads(done.stdout)


def python(*arguments: str) -> list[str]:
    """Return a command that runs this Python."""
    return [sys.executable, *arguments]


def environment() -> dict[str, str]:
    """Return an environment that measures this checkout, not an installed package."""
    kept = {key: value for key, value in os.environ.items() if "SEQ_EXPORTER" not in key}
    return kept | {"PYTHONPATH": str(_ROOT)}


def free_port() -> int:
    """Return a free port on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
