"""Many accounts of one subuser: what they take, and what they make others wait."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.figures import Figures
from benchmarks.processes import Process, python, run_python, running
from benchmarks.scraper import Connection

# The simulator has no more; above, several accounts share a key.
_MOST_SIMULATED = 1000
# The exporter polls so often, or so many accounts a second if there are more than a thousand.
_INTERVAL_SECONDS = 60
_POLLS_A_SECOND = 1000 / 60
_WATCH_SECONDS = 70.0
_SCRAPE_SECONDS = 2.0
_PROBE_SECONDS = 0.05
_LIMIT_SECONDS = 600.0


def measure_accounts(folder: Path, count: int) -> Figures:
    """Measure the first polls of `count` accounts, more than a minute of others, and a reload."""
    own = run_python("benchmarks.own_metrics", str(count), seconds=_LIMIT_SECONDS)
    command = python(
        *("-m", "seq_exporter", "simulate", "--listen=127.0.0.1:{port}", "--subusers=1"),
        *(f"--accounts={min(count, _MOST_SIMULATED)}", "--rate-limit=1000000"),
    )
    with running(command, folder, "simulator") as simulator:
        simulator.wait_until(lambda: simulator.output.read_text().endswith("\n"))
        known = yaml.load(simulator.output.read_text(), yaml.CSafeLoader)["accounts"]
        accounts = [
            {**known[number % len(known)], "name": f"account-{number:05}"}
            for number in range(count)
        ]
        with _running_exporter(folder, accounts) as exporter:
            return {**own, **_watch(exporter, folder, accounts)}


def _watch(exporter: Process, folder: Path, accounts: list[dict[str, str]]) -> Figures:
    started = time.monotonic()
    with _Probe(exporter) as first:
        exporter.wait_until(lambda: exporter.answers("/-/ready"), _LIMIT_SECONDS, pause=0.5)
    figures: Figures = {
        "accounts ready": time.monotonic() - started,
        "accounts ready cpu": exporter.cpu_seconds,
        "healthy, first": first.longest,
        "descriptors": first.most_descriptors,
    }
    before = exporter.cpu_seconds
    with _Probe(exporter) as later:
        time.sleep(_WATCH_SECONDS)
    figures |= {
        "healthy, later": later.longest,
        "descriptors": max(figures["descriptors"], later.most_descriptors),
        "accounts cpu": (exporter.cpu_seconds - before) / _WATCH_SECONDS,
        "accounts page": later.page_bytes,
        "accounts memory": exporter.memory(),
        "accounts unchanged": _reload(exporter),
    }
    _write_config(folder, accounts[:1])
    return {**figures, "accounts removed": _reload(exporter)}


class _Probe:
    """Asks for /-/healthy all the time, and for the page now and then, until the block ends."""

    def __init__(self, exporter: Process) -> None:
        self.longest = 0.0
        self.most_descriptors = 0
        self.page_bytes = 0
        self._exporter = exporter
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=each)
            for each in ((self._ask, _PROBE_SECONDS), (self._scrape, _SCRAPE_SECONDS))
        ]

    def __enter__(self) -> _Probe:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, act: Callable[[], None], pause: float) -> None:
        while not self._is_over.wait(pause):
            act()

    def _ask(self) -> None:
        with Connection(self._exporter.port, "/-/healthy") as connection:
            self.longest = max(self.longest, connection.fetch().seconds)
        found = len(os.listdir(f"/proc/{self._exporter.pid}/fd"))
        self.most_descriptors = max(self.most_descriptors, found)

    def _scrape(self) -> None:
        with Connection(self._exporter.port) as connection:
            self.page_bytes = connection.fetch().body_bytes


@contextmanager
def _running_exporter(folder: Path, accounts: list[dict[str, str]]) -> Iterator[Process]:
    _write_config(folder, accounts)
    command = python(
        *("-m", "seq_exporter", "serve", "--web.listen-address=127.0.0.1:{port}"),
        "--web.enable-lifecycle",
    )
    with running(command, folder, "exporter") as process:
        process.wait_until(lambda: process.answers("/-/healthy"))
        yield process


def _write_config(folder: Path, accounts: list[dict[str, str]]) -> None:
    interval = max(_INTERVAL_SECONDS, round(len(accounts) / _POLLS_A_SECOND))
    config = {"accounts": accounts, "poll": {"interval": f"{interval}s"}}
    (folder / "config.yaml").write_text(yaml.dump(config, Dumper=yaml.CSafeDumper))


def _reload(exporter: Process) -> float:
    """Reload, and return how long it took."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=_LIMIT_SECONDS)
    connection.request("POST", "/-/reload")
    status = connection.getresponse().status
    connection.close()
    assert status == 200, f"reload: {status}"
    return time.monotonic() - started
