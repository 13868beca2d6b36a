"""The effect of a poll on simultaneous scrapes, and the delay until its scores are on the page."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Figures
from benchmarks.polls import poll_limit_seconds
from benchmarks.processes import Process, python, running, running_exporter
from benchmarks.scraper import Connection, Scrape

_EVERY_SECONDS = 0.02
_HOLD_SECONDS = 3.0
_PIECE_BYTES = 65536
_SCORE = b"\nsendgrid_seq_score{"


class Event(NamedTuple):
    """An event at the proxy: a request `asked` or `answered`, at a monotonic second."""

    at: float
    what: str
    target: str


class Waits(NamedTuple):
    """The figures, and the targets that a first poll requests, in order."""

    figures: Figures
    targets: list[str]


def measure_waits(folder: Path, config: str, simulator: Process, subusers: int) -> Waits:
    """Scrape during a first poll, a poll that waits for SendGrid, and a refresh."""
    command = python("-m", "benchmarks.proxy", "{port}", str(simulator.port))
    with running(command, folder, "proxy") as proxy:
        proxy.wait_until(lambda: _is_open(proxy.port))
        restless = config.replace(f":{simulator.port}", f":{proxy.port}")
        restless += "poll: {interval: 1s, refresh_interval: 1s}\n"
        with (
            running_exporter(folder, restless) as exporter,
            Connection(exporter.port) as connection,
        ):
            watch = _Watch(connection, _Log(proxy.output), folder / "hold")
            return watch.through_two_polls(exporter, poll_limit_seconds(subusers))


@dataclass
class _Watch:
    """Scrapes at fixed intervals, and reads the proxy's log."""

    connection: Connection
    log: _Log
    hold: Path
    longest: Figures = field(default_factory=dict)

    def through_two_polls(self, exporter: Process, limit: float) -> Waits:
        empty_bytes = self.connection.fetch().body_bytes
        served = self._scrape("first", lambda last: self._has_scores(last, empty_bytes), limit)
        self.hold.touch()
        # The next poll may have begun by now, if searching a large page took long.
        answers = [
            event
            for event in self.log.read()
            if event.what == "answered" and event.at < served.ended
        ]
        targets = [event.target for event in answers]
        memory = exporter.memory()
        self._scrape("between", lambda _: self._polls_begun(targets[0]) == 2, limit)
        until = time.monotonic() + _HOLD_SECONDS
        self._scrape("waiting", lambda last: last.ended > until, limit)
        self.hold.unlink()
        self._scrape("refresh", lambda _: self._polls_begun(targets[0]) == 3, limit)
        figures = {
            "last answer to served": served.ended - answers[-1].at,
            "poll memory": memory,
            "refresh memory": exporter.memory(),
            "peak memory": exporter.memory("VmHWM"),
        }
        return Waits(figures | self.longest, targets)

    def _scrape(self, name: str, is_over: Callable[[Scrape], bool], limit: float) -> Scrape:
        """Scrape until `is_over`, and return the last scrape; record the longest under `name`."""
        longest, deadline = 0.0, time.monotonic() + limit
        while True:
            last = self.connection.fetch()
            assert last.status == 200
            longest = max(longest, last.seconds)
            if is_over(last):
                self.longest[f"longest wait, {name}"] = longest
                return last
            if last.ended > deadline:
                raise RuntimeError(f"the poll takes too long: {name}")
            time.sleep(max(last.asked + _EVERY_SECONDS - time.monotonic(), 0))

    def _has_scores(self, last: Scrape, empty_bytes: int) -> bool:
        # Decompressing each page would distort the measured times.
        return last.body_bytes > 2 * empty_bytes and _is_in(_SCORE, self.connection.body)

    def _polls_begun(self, first_target: str) -> int:
        """Return how many polls have begun: each requests the newest day of subusers first."""
        self.log.read()
        return sum(event[1:] == ("asked", first_target) for event in self.log.events)


class _Log:
    """The proxy's log, as far as it has been written."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self._path = path
        self._offset = 0

    def read(self) -> list[Event]:
        """Read new events, and return all events."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        self.events += [Event(**json.loads(line)) for line in whole.splitlines()]
        return self.events


def _is_in(wanted: bytes, packed: bytes) -> bool:
    """Return whether a gzipped page holds `wanted`; decompress only as much as needed."""
    inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    text = b"\n"
    for start in range(0, len(packed), _PIECE_BYTES):
        text = text[-len(wanted) :] + inflate.decompress(packed[start : start + _PIECE_BYTES])
        if wanted in text:
            return True
    return False


def _is_open(port: int) -> bool:
    listening = Path("/proc/net/tcp").read_text()
    return f"0100007F:{port:04X} 00000000:0000 0A" in listening
