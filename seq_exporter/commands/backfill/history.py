"""An account's archived days as series over time, each as the live exporter published it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from seq_exporter.clock import midnight
from seq_exporter.commands.backfill.archive import AccountArchive
from seq_exporter.config.model import Account
from seq_exporter.publish.families import FAMILIES, Family, SubuserFamily
from seq_exporter.score import Score
from seq_exporter.scores import METRICS, Snapshot, SubuserScores

_SUBUSER_FAMILIES = [family for family in FAMILIES if isinstance(family, SubuserFamily)]
_ACCOUNT_FAMILIES = [family for family in FAMILIES if family not in _SUBUSER_FAMILIES]

# A score of each state of a subuser.
_EXAMPLES = {"scored": Score("", None, 1.0, (1.0,) * len(METRICS)), "ineligible": Score("")}


class PublishedDay(NamedTuple):
    """The scores of `day` are published from `start` until just before `end` (epoch seconds)."""

    day: date
    start: int
    end: int


#: When the scores of a day were published: those of the subusers, or the account's own.
PublishedScores = tuple[PublishedDay, Snapshot]


class Series(NamedTuple):
    """One series over time: its family, the values of its labels, and its own values in order."""

    family: Family
    label_values: tuple[str, ...]
    values: list[tuple[PublishedDay, float]]

    @property
    def labels(self) -> dict[str, str]:
        """The labels with their values, in the order of their names."""
        return dict(zip(self.family.labels, self.label_values, strict=True))


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """The scores of an account in the archive, and when which of them were published."""

    account: Account
    archive: AccountArchive
    days: Sequence[PublishedScores]

    def within(self, window: tuple[int, int]) -> list[PublishedScores]:
        """Return the scores that were published in `window`."""
        start, end = window
        return [(each, what) for each, what in self.days if each.start < end and each.end > start]

    def count_samples(self, step_seconds: int, window: tuple[int, int]) -> int:
        """Return how many samples there are in `window`, about."""
        return sum(
            len(sample_times(each, step_seconds, *window)) * self.count_series(scores)
            for each, scores in self.within(window)
        )

    def count_series(self, day: Snapshot) -> int:
        """Return how many series the counted scores of a day have.

        It may be too many: a score may lack a metric.
        """
        counts = day.subusers.counts if day.subusers else {}
        total = self._count(_ACCOUNT_FAMILIES, day)
        for state, score in _EXAMPLES.items():
            one = Snapshot(day.account, SubuserScores(date.min, {"": score}))
            total += counts.get(state, 0) * self._count(_SUBUSER_FAMILIES, one)
        return total

    def _count(self, families: Sequence[Family], snapshot: Snapshot) -> int:
        samples = (family.samples(snapshot, self.account.series) for family in families)
        return sum(len(list(each)) for each in samples)

    def list_series(self, window: tuple[int, int]) -> Iterator[Series]:
        """Yield the series with samples in `window`, first the account's, then each subuser's.

        The series of one family come in the order of their labels, but families one after the
        other only for each subuser.
        """
        yield from self.list_account_series(window)
        yield from self.list_subuser_series(window)

    def list_account_series(self, window: tuple[int, int]) -> Iterator[Series]:
        """Yield the series of the account as a whole."""
        yield from self._list_series(_ACCOUNT_FAMILIES, self.within(window))

    def list_subuser_series(self, window: tuple[int, int]) -> Iterator[Series]:
        """Yield the series of each subuser."""
        days = self.within(window)
        published = {each.day: each for each, scores in days if scores.subusers}
        if not published:
            return
        rows = self.archive.labelled_scores(min(published), max(published))
        for label, found in groupby(rows, lambda row: row[0]):
            one = [
                (published[day], Snapshot(self.account.name, SubuserScores(day, {label: score})))
                for _, day, score in found
                if day in published
            ]
            yield from self._list_series(_SUBUSER_FAMILIES, one)

    def _list_series(
        self, families: Sequence[Family], days: Sequence[PublishedScores]
    ) -> Iterator[Series]:
        for family in families:
            found: dict[tuple[str, ...], list[tuple[PublishedDay, float]]] = {}
            for published, scores in days:
                for label_values, value in family.samples(scores, self.account.series):
                    found.setdefault(label_values, []).append((published, value))
            for label_values, values in found.items():
                yield Series(family, label_values, values)


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
