"""Time until the whole status page has arrived, not only its first byte, and its size."""

from __future__ import annotations

import statistics

from benchmarks.figures import Figures
from benchmarks.processes import Process
from benchmarks.scraper import Connection

_RUNS = 30


def measure_page(exporter: Process) -> Figures:
    """Return medians for the first page, and for a page sorted by a metric."""
    figures: Figures = {}
    for name, path in (("page", "/"), ("page sorted", "/?sort=spam_rate&order=descending")):
        with Connection(exporter.port, path) as connection:
            answers = [connection.fetch() for _ in range(_RUNS)]
        assert {answer.status for answer in answers} == {200}
        figures[name] = statistics.median(answer.seconds for answer in answers)
        figures[f"{name} size"] = max(answer.body_bytes for answer in answers)
    return figures
