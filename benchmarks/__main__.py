"""Compare the exporter with stock prometheus_client, nginx and others, and print one table.

    make bench                                      fleets of 1,000, 10,000 and 100,000 subusers
    make bench SIZES=1000000 MEASURE=scrapes        only this size and measurement
    make bench SIZES=100,1000 MEASURE=backfill      the backfill; not in the default: takes minutes
    make bench MEASURE=accounts ACCOUNTS=10,1000    many accounts of one subuser

Everything runs on loopback, with a simulated SendGrid. Absolute figures depend on the machine and
its other load. Compared programs are measured in turns, so the ratios are reliable.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.backfill import measure_backfill
from benchmarks.commands import measure_commands
from benchmarks.configuration import measure_configuration
from benchmarks.figures import Figures
from benchmarks.many_accounts import measure_accounts
from benchmarks.polls import measure_polls, polled_exporter
from benchmarks.processes import running_simulator
from benchmarks.requests_a_day import measure_day
from benchmarks.results_table import ACCOUNT_ROWS, ROWS, render_table
from benchmarks.scores_command import measure_scores
from benchmarks.scrape_waits import measure_waits
from benchmarks.scrapes import measure_scrapes
from benchmarks.slow_readers import measure_slow_readers
from benchmarks.startup import measure_startup
from benchmarks.status_page import measure_page

_SIZES = "1000,10000,100000"
_LARGEST = 1_000_000  # the simulator has no larger accounts
_ACCOUNTS = "10,100,1000,5000"
_MEASURES = "startup,commands,configuration,waits,polls,scrapes,page,slow,scores,day,accounts"
_ALL_MEASURES = f"{_MEASURES},backfill"


def main() -> None:
    """Run the measurements and print the table."""
    # Without this, a SIGTERM would leave the measured processes running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sizes, measures = _setting("SIZES", _SIZES), _setting("MEASURE", _MEASURES)
    accounts = _setting("ACCOUNTS", _ACCOUNTS)
    for name, numbers, example in (("SIZES", sizes, _SIZES), ("ACCOUNTS", accounts, _ACCOUNTS)):
        if not all(number.isdecimal() and 1 <= int(number) <= _LARGEST for number in numbers):
            text = f"use numbers from 1 to {_LARGEST}, as in {example}"
            sys.exit(f"{name} is {','.join(numbers)}: {text}")
    unknown = set(measures) - set(_ALL_MEASURES.split(","))
    if unknown:
        sys.exit(f"MEASURE has {', '.join(sorted(unknown))}: choose from {_ALL_MEASURES}")
    with tempfile.TemporaryDirectory() as folder:
        if set(measures) - {"accounts"}:
            by_size = {int(size): _measure(Path(folder), int(size), measures) for size in sizes}
            print(render_table("subusers of one account", ROWS, by_size))
        if "accounts" in measures:
            by_count = {
                int(count): _measure_accounts(Path(folder), int(count)) for count in accounts
            }
            print(render_table("accounts of one subuser", ACCOUNT_ROWS, by_count))


def _measure_accounts(folder: Path, count: int) -> Figures:
    _say(count, "accounts", "first polls, a minute of polls, reloads")
    return measure_accounts(folder, count)


def _measure(folder: Path, subusers: int, measures: list[str]) -> Figures:
    figures: Figures = {}
    if {"startup", "polls"} & set(measures):  # the CPU time of the start is no part of a poll's
        _say(subusers, "subusers", "start and stop")
        figures |= measure_startup(folder)
    if "commands" in measures:
        _say(subusers, "subusers", "commands that print a line")
        figures |= measure_commands()
    if "configuration" in measures:
        _say(subusers, "subusers", "a configuration with a list of usernames")
        figures |= measure_configuration(folder, subusers)
    if {"waits", "polls", "scrapes", "page", "slow", "scores"} & set(measures):
        figures |= _measure_with_simulator(folder, subusers, measures)
    if "day" in measures:
        _say(subusers, "subusers", "requests a day")
        figures |= measure_day(subusers)
    if "backfill" in measures:
        _say(subusers, "subusers", "backfill")
        figures |= measure_backfill(folder, subusers)
    if "poll cpu" in figures:
        figures["poll cpu"] -= figures["first request cpu"]
    return figures


def _measure_with_simulator(folder: Path, subusers: int, measures: list[str]) -> Figures:
    figures: Figures = {}
    with running_simulator(folder, subusers) as simulator:
        config = simulator.output.read_text()
        if {"waits", "polls"} & set(measures):
            _say(subusers, "subusers", "scrapes during polls")
            watched, targets = measure_waits(folder, config, simulator, subusers)
            figures |= watched
        if "polls" in measures:
            _say(subusers, "subusers", "polls and a bare loop")
            figures |= measure_polls(folder, config, targets, subusers)
        if {"scrapes", "page", "slow"} & set(measures):
            _say(subusers, "subusers", "a poll, scrapes, the status page, slow readers")
            with polled_exporter(folder, config, subusers) as exporter:
                if "scrapes" in measures:
                    figures |= measure_scrapes(exporter, folder, subusers)
                if "page" in measures:
                    figures |= measure_page(exporter)
                if "slow" in measures:
                    figures |= measure_slow_readers(exporter, folder, subusers)
        if "scores" in measures:
            _say(subusers, "subusers", "the table of scores")
            figures |= measure_scores(folder, config)
    return figures


def _setting(name: str, default: str) -> list[str]:
    return (os.environ.get(name) or default).split(",")


def _say(count: int, of_what: str, what: str) -> None:
    clock = time.strftime("%H:%M:%S")
    print(f"{clock} {count:,} {of_what}: {what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
