"""A poll, compared with a bare `requests` loop over the same pages of the same simulator."""

from __future__ import annotations

import gzip
import re
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.processes import Process, run_python, running_exporter
from benchmarks.scraper import Connection

_SUM = re.compile(r"^seq_exporter_poll_duration_seconds_sum\{.*\} (\S+)$", re.MULTILINE)


def measure_polls(folder: Path, config: str, targets: list[str], subusers: int) -> Figures:
    """Measure polls and loops in turns, over the `targets` of a first poll.

    The CPU time of a poll begins when the exporter answers for the first time.
    """
    (folder / "targets.txt").write_text("\n".join(targets))
    (folder / "floor.yaml").write_text(config)
    limit = poll_limit_seconds(subusers)
    polls: list[tuple[float, float]] = []
    loops: list[tuple[float, float]] = []
    for _ in range(5 if subusers <= 100_000 else 2):
        with running_exporter(folder, _calm(config)) as exporter:
            started = exporter.cpu_seconds
            _await_poll(exporter, subusers)
            polls.append((read_poll_seconds(exporter), exporter.cpu_seconds - started))
        arguments = (str(folder / "floor.yaml"), str(folder / "targets.txt"))
        loops.append(tuple(run_python("benchmarks.bare_requests", *arguments, seconds=limit)))
    figures: Figures = {"poll requests": len(targets)}
    for name, found in (("poll", polls), ("loop", loops)):
        seconds, cpu_seconds = zip(*found, strict=True)
        figures[name] = statistics.median(seconds)
        figures[f"{name} cpu"] = statistics.median(cpu_seconds)
    return figures


@contextmanager
def polled_exporter(folder: Path, config: str, subusers: int) -> Iterator[Process]:
    """Run an exporter after its first poll; it does not poll again for an hour."""
    with running_exporter(folder, _calm(config)) as exporter:
        _await_poll(exporter, subusers)
        yield exporter


def _calm(config: str) -> str:
    return f"{config}poll: {{interval: 1h}}\n"


def _await_poll(exporter: Process, subusers: int) -> None:
    # A short pause would count hundreds of these requests as CPU time of the poll.
    pause = 0.1 if subusers <= 10_000 else 1.0
    limit = poll_limit_seconds(subusers)
    exporter.wait_until(lambda: exporter.answers("/-/ready"), limit, pause)


def read_poll_seconds(exporter: Process) -> float:
    """Return the total duration of the exporter's polls, from its own page."""
    with Connection(exporter.port) as connection:
        connection.fetch()
        found = _SUM.search(gzip.decompress(connection.body).decode())
    assert found, "the page has no poll duration"
    return float(found[1])


def poll_limit_seconds(subusers: int) -> float:
    """Return the time limit of a poll: the simulator makes some thousands of scores a second."""
    return 120 + subusers / 1000
