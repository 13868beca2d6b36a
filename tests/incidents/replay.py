"""The shipped rules over a simulated past, by Prometheus' own engine: promtool's rule tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from tests.support import ROOT

RULES = ROOT / "prometheus" / "seq-exporter.rules.yaml"

#: The rules are evaluated so often: what lasts 12 hours in them is seen to, and it takes a minute
#: for the quarter of a year instead of an hour.
STEP_HOURS = 6
_ASKED = re.compile(r"time: (\S+),\n.*\n\s+got: (.*)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_UNIT_HOURS = {"w": 168, "d": 24, "h": 1}

#: A series' value in each hour, None where it is not there.
Hours = list[float | None]


class Played(Protocol):
    """Series over some hours."""

    hours: int

    @property
    def series(self) -> Mapping[str, Hours]:
        """The value of each series in each hour."""


@dataclass(frozen=True, slots=True, eq=False)
class Firing:
    """An alert that fired without a break, from one hour until another, both inclusive."""

    start: int
    end: int
    labels: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.labels["alertname"]


def replay(past: Played, promtool: str, folder: Path) -> list[Firing]:
    """Return every alert that the shipped rules raise, in order of time.

    promtool tells what a query answered only where that was not expected. So it is asked at each
    step for all alerts, and none is expected.
    """
    case = folder / "case.yaml"
    case.write_text(json.dumps(_write_case(past)), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", str(case)],
        capture_output=True,
        text=True,
        timeout=600,
        # A third less of CPU: Go collects less often, and on the one processor that it needs.
        env=os.environ | {"GOGC": "400", "GOMAXPROCS": "1"},
        check=False,
    )
    said = done.stdout + done.stderr
    # A rule that cannot be evaluated would look like an alert that does not fire.
    if "err:" in said or "FAILED" not in said:
        raise AssertionError(said[:2000])
    return sorted(_join(_read_alerts(said)), key=lambda firing: firing.start)


def _write_case(past: Played) -> object:
    """Return a rule test with a sample of each series at each step or, if it needs them, each hour.

    More samples than that would change no result: the rules look back to midnights. But promtool
    would read them all for each rule, and take a third longer.
    """
    sample_hours = STEP_HOURS if _changes_at_steps_only(past) else 1
    series = [
        {"series": name, "values": _shorten(hours[::sample_hours])}
        for name, hours in past.series.items()
    ]
    if not any(name.startswith("up{") for name in past.series):
        count = len(range(0, past.hours, sample_hours))
        series.append({"series": 'up{job="seq-exporter"}', "values": f"1x{count - 1}"})
    asked = [
        {"eval_time": f"{hour}h", "expr": 'ALERTS{alertstate="firing"}', "exp_samples": []}
        for hour in range(0, past.hours, STEP_HOURS)
    ]
    interval = f"{sample_hours}h"
    test = {"interval": interval, "input_series": series, "promql_expr_test": asked}
    evaluation = f"{STEP_HOURS}h"
    return {"rule_files": [str(RULES)], "evaluation_interval": evaluation, "tests": [test]}


def _changes_at_steps_only(past: Played) -> bool:
    return all(
        len(set(hours[hour : hour + STEP_HOURS])) == 1
        for hours in past.series.values()
        for hour in range(0, past.hours, STEP_HOURS)
    )


def _shorten(values: Hours) -> str:
    """Write values as promtool takes them: `_x6 4.4x3` are 6 steps of nothing, 4 of 4.4."""
    runs = ((value, len(list(run))) for value, run in groupby(values))
    return " ".join(f"_x{n}" if value is None else f"{value:g}x{n - 1}" for value, n in runs)


def _read_alerts(said: str) -> Iterator[tuple[int, tuple[tuple[str, str], ...]]]:
    for time, got in _ASKED.findall(said):
        hour = sum(int(n) * _UNIT_HOURS[unit] for n, unit in re.findall(r"(\d+)([wdh])", time))
        for sample in re.findall(r"\{(.*?)\}", got):
            labels = dict(_LABEL.findall(sample))
            del labels["__name__"], labels["alertstate"]
            yield hour, tuple(sorted(labels.items()))


def _join(alerts: Iterator[tuple[int, tuple[tuple[str, str], ...]]]) -> Iterator[Firing]:
    by_labels = sorted((labels, hour) for hour, labels in alerts)
    for labels, found in groupby(by_labels, key=lambda alert: alert[0]):
        hours = [hour for _, hour in found]
        start = hours[0]
        for hour, following in zip(hours, [*hours[1:], None], strict=True):
            if following is None or following > hour + STEP_HOURS:
                yield Firing(start, hour, dict(labels))
                start = following or 0
