"""A scrape of the exporter, of stock prometheus_client, and of nginx with the same bytes."""

from __future__ import annotations

import gzip
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.nginx import running_nginx
from benchmarks.processes import Process, python, run_python, running
from benchmarks.scraper import Connection

_ROUNDS = 10
_BURST_SECONDS = 0.4
_STOCK_SECONDS = 20.0
_STOCK_START_SECONDS = 300.0
_LOAD_ROUNDS = 5
_LOAD_SECONDS = 2.0
_CONNECTIONS = 4

# A gauge child takes nearly a kilobyte, and time at each scrape: with more subusers, the
# measurement would take minutes, and its result follows from smaller fleets anyway.
_MOST_STOCK_SUBUSERS = 200_000


class _Scraped:
    """A server, and the cost of its scrapes."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.process = process
        self.seconds: list[float] = []
        self._cpu_seconds = 0.0
        self._connection = Connection(process.port)
        self._connection.fetch()  # connect, and trigger all work that is done only once

    def burst(self) -> None:
        """Scrape for a while, but at least once."""
        cpu_seconds, started = self.process.cpu_seconds, time.monotonic()
        while True:
            scrape = self._connection.fetch()
            assert scrape.status == 200
            self.seconds.append(scrape.seconds)
            if scrape.ended - started > _BURST_SECONDS:
                break
        self._cpu_seconds += self.process.cpu_seconds - cpu_seconds

    def figures(self) -> Figures:
        return {
            f"{self.name} scrape median": statistics.median(self.seconds),
            f"{self.name} scrape longest": max(self.seconds),
            f"{self.name} scrape cpu": self._cpu_seconds / len(self.seconds),
        }


def measure_scrapes(exporter: Process, folder: Path, subusers: int) -> Figures:
    """Measure scrapes of `exporter`, which has polled, and of the other servers."""
    with Connection(exporter.port) as connection:
        connection.fetch()
        packed = connection.body
    page = gzip.decompress(packed)
    figures: Figures = {
        "page bytes": len(page),
        "packed bytes": len(packed),
        "series": page.count(b"\n") - page.count(b"\n#") - page.startswith(b"#"),
        "scraped memory": exporter.memory(),
    }
    (folder / "page.txt").write_bytes(page)
    with ExitStack() as stack:
        servers = [_Scraped("exporter", exporter)]
        nginx = stack.enter_context(running_nginx(folder, packed))
        if nginx:
            servers.append(_Scraped("nginx", nginx))
        stock = None
        if subusers <= _MOST_STOCK_SUBUSERS:
            stock = _Scraped(
                "stock", stack.enter_context(_running_stock(folder, figures["series"]))
            )
        else:
            print("too many series for stock prometheus_client: not compared", file=sys.stderr)
        figures |= _measure_in_turns(servers, stock)
        figures |= _measure_load([server.process for server in servers])
        if stock:
            figures["stock memory"] = stock.process.memory()
    return figures


@contextmanager
def _running_stock(folder: Path, series: float) -> Iterator[Process]:
    command = python("-m", "benchmarks.stock_client", "page.txt", "{port}")
    with running(command, folder, "stock") as process:
        process.wait_until(lambda: bool(process.output.read_text()), _STOCK_START_SECONDS)
        count = int(process.output.read_text())
        assert count == series, f"stock has {count} of {series} series"
        yield process


def _measure_in_turns(servers: list[_Scraped], stock: _Scraped | None) -> Figures:
    """Scrape the servers in turn, so other load on the machine affects all of them."""
    for _ in range(_ROUNDS):
        for server in servers:
            server.burst()
        if stock and sum(stock.seconds) < _STOCK_SECONDS:
            stock.burst()
    figures: Figures = {}
    for server in [*servers, stock] if stock else servers:
        figures |= server.figures()
    return figures


def _measure_load(processes: list[Process]) -> Figures:
    rates: dict[str, list[float]] = {}
    for _ in range(_LOAD_ROUNDS):
        for name, process in zip(("exporter", "nginx"), processes, strict=False):
            arguments = map(str, (process.port, _CONNECTIONS, _LOAD_SECONDS))
            rate = run_python("benchmarks.scrape_load", *arguments, seconds=_LOAD_SECONDS + 60)
            rates.setdefault(f"{name} scrapes a second", []).append(rate)
    return {name: statistics.median(found) for name, found in rates.items()}
