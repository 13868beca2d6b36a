"""Which day's scores the live exporter would have shown at which moment. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from seq_exporter.clock import midnight


class Shown(NamedTuple):
    """The scores of `day` are on the page from `start` until just before `end` (epoch seconds)."""

    day: date
    start: int
    end: int


def trace_days(
    days: Mapping[date, bool], *, delay_seconds: int, lookback_days: int, until: int
) -> list[Shown]:
    """Return what was shown when, up to `until` (epoch seconds), in order of time.

    `days` are those that SendGrid has answered for, and whether anybody had a score on them.

    A day appears `delay_seconds` after its end, and is shown until a later one appears; one without
    any score only where there is no other. It is taken up while it is one of the `lookback_days`
    that end today, and is gone when it is more than that many days ago.
    """
    appears = {day: midnight(day + timedelta(days=1)) + delay_seconds for day in days}
    leaves = {day: midnight(day + timedelta(days=lookback_days + 1)) for day in days}
    moments = {*appears.values(), *leaves.values()}
    shown: list[Shown] = []
    held: date | None = None
    for start, end in pairwise([*sorted(moment for moment in moments if moment < until), until]):
        if held and leaves[held] <= start:
            held = None
        taken_up = [
            day for day in days if appears[day] <= start < midnight(day + timedelta(lookback_days))
        ]
        scored = [day for day in taken_up if days[day]]
        if held and days[held]:
            held = max([held, *scored])
        else:
            held = max(scored or taken_up, default=held)
        if held and shown and shown[-1].day == held and shown[-1].end == start:
            shown[-1] = shown[-1]._replace(end=end)
        elif held:
            shown.append(Shown(held, start, end))
    return shown


def instants(shown: Shown, step_seconds: int, start: int, end: int) -> range:
    """Return when its samples are, of those from `start` until just before `end` (epoch seconds).

    They are counted from when it appeared: the same ones, however the time is divided.
    """
    steps_before = max(-(-(start - shown.start) // step_seconds), 0)
    first = shown.start + steps_before * step_seconds
    return range(first, min(shown.end, end), step_seconds)
