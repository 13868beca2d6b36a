"""Kinds of fleet through the shipped rules: a line of a table for each, and what must hold."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.incidents.kinds import Part, list_parts
from tests.incidents.verdict import Outcome, Verdict, judge_part

_SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one kind of fleet, over all of its seeds and parts."""

    kind: str
    verdicts: Sequence[Verdict]

    @property
    def subuser_years(self) -> float:
        return sum(verdict.subuser_years for verdict in self.verdicts)

    def rate(self, *severities: str) -> float:
        """Return how many alarms of these severities are false, in a subuser's year."""
        alarms = [alarm for verdict in self.verdicts for alarm in verdict.false_alarms]
        found = [alarm for alarm in alarms if alarm.labels.get("severity") in severities]
        return len(found) / self.subuser_years

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for verdict in self.verdicts for outcome in verdict.outcomes]

    def required(self, *courses: str) -> list[Outcome]:
        """Return the incidents of these courses that have to be told; of all, without any."""
        return [
            outcome
            for outcome in self.outcomes
            if outcome.is_required and (not courses or outcome.truth.course in courses)
        ]

    def count_late(self, course: str) -> int:
        """Return how many incidents that have to be told are told late or never."""
        return sum(not outcome.is_in_time for outcome in self.required(course))

    @property
    def most_notifications(self) -> int:
        found = (o.notifications for o in self.outcomes if o.truth.course != "poor")
        return max(found, default=0)

    @property
    def most_of_a_condition(self) -> int:
        counts = (count for v in self.verdicts for count in v.conditions.values())
        return max(counts, default=0)

    @property
    def resolved_early(self) -> int:
        return sum(outcome.resolved_early for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Target:
    """What must hold: `measure` is at most `limit`, or that of `others` for some kinds."""

    name: str
    measure: Callable[[Row], float]
    limit: float
    others: dict[str, float] = field(default_factory=dict)

    def limit_of(self, kind: str) -> float:
        return self.others.get(kind, self.limit)


#: What must hold on every kind of fleet.
TARGETS = (
    Target("false criticals", lambda row: row.rate("critical"), 0),
    Target(
        "false criticals and warnings a subuser-year",
        lambda row: row.rate("critical", "warning"),
        0.1,
    ),
    Target(
        "false infos a subuser-year",
        lambda row: row.rate("info"),
        0.5,
        {"weekends-1.0": 1.0, "default": 0.1},
    ),
    Target("clear falls told late or never", lambda row: row.count_late("fall"), 0),
    Target("declines told late or never", lambda row: row.count_late("decline"), 0),
    Target("notifications of an incident", lambda row: row.most_notifications, 3),
    Target("notifications of a lasting condition", lambda row: row.most_of_a_condition, 3),
    Target("falls reported resolved too early", lambda row: row.resolved_early, 0),
)


def play_kinds(
    kinds: Sequence[str],
    seeds: Sequence[int],
    promtool: str,
    alertmanager: str,
    subusers: int | None = None,
) -> Iterator[Row]:
    """Play kinds of fleet, and yield a row for each, in their order.

    `subusers` is how many an account has at most, instead of those of the kind.
    """

    def play_part(part: Part) -> Verdict:
        with tempfile.TemporaryDirectory() as folder:
            return judge_part(part, promtool, alertmanager, Path(folder))

    # promtool takes one processor, and while Alertmanager settles, none is busy.
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        waiting = [
            (
                kind,
                [
                    pool.submit(play_part, part)
                    for seed in seeds
                    for part in list_parts(kind, seed, subusers)
                ],
            )
            for kind in kinds
        ]
        for kind, verdicts in waiting:
            yield Row(kind, [verdict.result() for verdict in verdicts])


def list_misses(row: Row, targets: Sequence[Target] = TARGETS) -> list[str]:
    """Return a line for each target that a kind of fleet misses."""
    return [
        f"{row.kind}: {target.name}: {target.measure(row):.3g}, not {target.limit_of(row.kind):g}"
        for target in targets
        if target.measure(row) > target.limit_of(row.kind)
    ]


def list_details(row: Row) -> Iterator[str]:
    """Yield a line for each incident, lasting condition and false alarm; days are vendor days.

    newsletter-uk: fall of 2.1 on day 36: told after 1.5 days, 7 notifications, resolved early
    false: warning SeqScoreDropped subuser=shop-fr, day 51.2 to 53.0
    """
    for verdict in row.verdicts:
        for outcome in verdict.outcomes:
            yield f"  {_describe(outcome)}"
        for name, count in verdict.conditions.most_common(5):
            yield f"  {name or 'account'}: poor: {count} notifications in a quarter"
        for alarm in verdict.false_alarms:
            labels = alarm.labels
            who = " ".join(f"{n}={labels[n]}" for n in ("subuser", "metric") if n in labels)
            days = f"day {alarm.start / 24:.1f} to {alarm.end / 24:.1f}"
            yield f"  false: {labels.get('severity')} {alarm.name} {who}, {days}"


def _describe(outcome: Outcome) -> str:
    truth = outcome.truth
    names = ", ".join(name or "account" for name in truth.subusers[:2])
    told = "never told" if outcome.days is None else f"told after {outcome.days:.1f} days"
    late = " (late)" if outcome.is_required and not outcome.is_in_time else ""
    early = ", resolved early" if outcome.resolved_early else ""
    return (
        f"{names}: {truth.course} of {truth.lost:.1f} on day {truth.first_day}: {told}{late}, "
        f"{outcome.notifications} notifications{early}"
    )


_COLUMNS = (
    ("kind", 18),
    ("years", 6),
    ("crit", 6),
    ("warn", 6),
    ("info", 6),
    ("told", 10),
    ("other", 7),
    ("days", 5),
    ("most", 5),
    ("poor", 5),
    ("early", 5),
)


def write_header() -> str:
    """Return the head of the table."""
    return "".join(name.ljust(width) for name, width in _COLUMNS).rstrip()


def write_row(row: Row) -> str:
    """Return a line of the table, of at most 80 columns.

    kind              years crit  warn  info  told      other  days most poor early
    integers          10.9  0     5.31  8.2   3/4/5     1/2    1.5  4    13   3
    """
    required = row.required()
    in_time = sum(outcome.is_in_time for outcome in required)
    ever = [outcome.days for outcome in required if outcome.days is not None]
    others = [outcome for outcome in row.outcomes if not outcome.is_required]
    told = sum(outcome.days is not None for outcome in others)
    cells = (
        row.kind,
        f"{row.subuser_years:.1f}",
        *(f"{row.rate(severity):.2g}" for severity in _SEVERITIES),
        f"{in_time}/{len(ever)}/{len(required)}",
        f"{told}/{len(others)}",
        f"{median(ever):.1f}" if ever else "-",
        str(row.most_notifications),
        str(row.most_of_a_condition),
        str(row.resolved_early),
    )
    widths = (width for _, width in _COLUMNS)
    return "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
