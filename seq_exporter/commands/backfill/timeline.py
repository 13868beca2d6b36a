"""Which day's scores the live exporter published at which time. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from seq_exporter.clock import midnight


class PublishedDay(NamedTuple):
    """The scores of `day` are published from `start` until just before `end` (epoch seconds)."""

    day: date
    start: int
    end: int


def list_published_days(
    days: Mapping[date, bool], *, delay_seconds: int, lookback_days: int, until: int
) -> list[PublishedDay]:
    """Return which day was published when, up to `until` (epoch seconds), in order of time.

    `days` are those that SendGrid has answered for, and whether anybody had a score on them.

    A day appears `delay_seconds` after its end, and is published until a later one appears; a day
    without any score is published only if there is no other. An exporter starts to publish a day
    while it is one of the `lookback_days` that end today, and withdraws it when it is more than
    that many days ago.
    """
    appears = {day: midnight(day + timedelta(days=1)) + delay_seconds for day in days}
    leaves = {day: midnight(day + timedelta(days=lookback_days + 1)) for day in days}
    moments = {*appears.values(), *leaves.values()}
    published: list[PublishedDay] = []
    held: date | None = None
    for start, end in pairwise([*sorted(moment for moment in moments if moment < until), until]):
        if held and leaves[held] <= start:
            held = None
        found = [
            day for day in days if appears[day] <= start < midnight(day + timedelta(lookback_days))
        ]
        scored = [day for day in found if days[day]]
        better = [held, *scored] if held and days[held] else scored or found
        held = max(better, default=held)
        if held and published and published[-1].day == held and published[-1].end == start:
            published[-1] = published[-1]._replace(end=end)
        elif held:
            published.append(PublishedDay(held, start, end))
    return published


def list_replaced_days(
    published: Sequence[PublishedDay], *, delay_seconds: int, lookback_days: int
) -> dict[date, date]:
    """Return, for each day that replaced another one when it appeared, that other day.

    A day that was withdrawn at that moment is not replaced: the exporter no longer held it.
    """
    return {
        later.day: earlier.day
        for earlier, later in pairwise(published)
        if earlier.end == later.start == midnight(later.day + timedelta(days=1)) + delay_seconds
        and later.start < midnight(earlier.day + timedelta(days=lookback_days + 1))
    }


def sample_times(published: PublishedDay, step_seconds: int, start: int, end: int) -> range:
    """Return the times of its samples from `start` until just before `end` (epoch seconds).

    They are counted from when the day appeared: they are the same however the time is divided.
    """
    steps_before = max(-(-(start - published.start) // step_seconds), 0)
    first = published.start + steps_before * step_seconds
    return range(first, min(published.end, end), step_seconds)
