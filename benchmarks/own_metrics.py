"""CPU time of the exporter's own metrics with many accounts, compared with prometheus_client.

Run as `python -m benchmarks.own_metrics ACCOUNTS`: it prints seconds, as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from seq_exporter.publish.formats import TEXT
from seq_exporter.publish.own_metrics import OWN_METRICS
from seq_exporter.publish.telemetry import AccountTelemetry, Telemetry
from seq_exporter.sendgrid.observer import RateLimit

_RUNS = 25
_KINDS: dict[str, Any] = {"gauge": Gauge, "counter": Counter, "histogram": Histogram}


def main() -> None:
    """Measure with as many accounts as the command line asks for."""
    names = [f"account-{number}" for number in range(int(sys.argv[1]))]
    scraped = [0]
    telemetry = Telemetry(monotonic=lambda: 2.0 * len(scraped))
    accounts = telemetry.open_all(names)
    for number, account in enumerate(accounts):
        _poll(account, number)
    registry = _make_stock(names)

    def scrape(number: int) -> None:
        scraped.append(number)  # later by two seconds: what the process uses is read again
        telemetry.render(TEXT)

    figures = {
        "own render": _median(scrape),
        "own publish": _median(lambda number: _poll(accounts[number * 7919 % len(names)], number)),
        "stock render": _median(lambda number: generate_latest(registry), 3),
    }
    print(json.dumps(figures))


def _poll(account: AccountTelemetry, number: int) -> None:
    """Observe what a poll observes that finds no new day."""
    for endpoint in ("subusers_scores", "scores"):
        account.observe_request(endpoint, "200", 0.1)
        account.observe_rate_limit(RateLimit(600, number % 600, 1_793_880_000.0 + number))
    account.observe_series(43)
    account.observe_poll(1_793_880_000.0 + number, 0.2, None, {})


def _make_stock(names: list[str]) -> CollectorRegistry:
    """Return prometheus_client's own objects for the same metrics."""
    registry = CollectorRegistry()
    for metric in OWN_METRICS:
        made = _KINDS[metric.kind](metric.name, metric.help, metric.labels, registry=registry)
        for name in names if metric.labels[0] == "account" else ():
            for labels in metric.start or [("x",) * (len(metric.labels) - 1)]:
                made.labels(name, *labels)
    return registry


def _median(function: Callable[[int], object], runs: int = _RUNS) -> float:
    """Return the median CPU time of a call, in seconds."""
    found = []
    for number in range(runs):
        started = time.process_time()
        function(number)
        found.append(time.process_time() - started)
    return statistics.median(found)


if __name__ == "__main__":
    main()
