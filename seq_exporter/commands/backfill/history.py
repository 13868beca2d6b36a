"""An account's archived days as series over time, each as the live exporter published it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from seq_exporter.commands.backfill.archive import AccountArchive, CountedScores
from seq_exporter.commands.backfill.timeline import PublishedDay
from seq_exporter.config.model import Account
from seq_exporter.publish.families import FAMILIES, Family, SubuserFamily
from seq_exporter.scores import METRICS, OwnScore, Score, Snapshot, SubuserScores

_SUBUSER_FAMILIES = [family for family in FAMILIES if isinstance(family, SubuserFamily)]
_ACCOUNT_FAMILIES = [family for family in FAMILIES if family not in _SUBUSER_FAMILIES]

_SCORED = Score("", None, 1.0, (1.0,) * len(METRICS))
_INELIGIBLE = Score("")


class Series(NamedTuple):
    """One series over time: its family, the values of its labels, and its own values in order."""

    family: Family
    label_values: tuple[str, ...]
    values: list[tuple[PublishedDay, float]]

    @property
    def labels(self) -> dict[str, str]:
        """The labels with their values, in the order of their names."""
        return dict(zip(self.family.labels, self.label_values, strict=True))


class AccountHistory:
    """The days of an account in the archive, once they are labelled."""

    def __init__(self, account: Account, archive: AccountArchive) -> None:
        self.account = account
        self._archive = archive

    def fingerprint(self, day: date) -> str:
        """Return a text that differs whenever the subusers' scores of `day` do."""
        return self._counted[day].fingerprint

    def own_fingerprint(self, day: date) -> str:
        """Return a text that differs whenever the account's own score of `day` does."""
        return repr(self._own[day])

    @cached_property
    def subuser_days(self) -> Mapping[date, bool]:
        """The days with subusers' scores in the archive, and whether anybody has one."""
        return {day: counted.has_scores for day, counted in self._counted.items()}

    @cached_property
    def own_days(self) -> Mapping[date, bool]:
        """The days with the account's own score in the archive, and whether it is eligible."""
        return {day: own.has_scores for day, own in self._own.items()}

    def count_scores(self, day: date) -> int:
        """Return how many subusers have a score on `day`."""
        return self._counted[day].counts["scored"] if day in self._counted else 0

    def count_series(self, day: date) -> int:
        """Return how many series the subusers' scores of `day` have.

        It may be too many: a score may lack a metric.
        """
        counted = self._counted[day]
        return (
            self._count(_ACCOUNT_FAMILIES, counted)
            + counted.counts["scored"] * self._count_each(_SCORED)
            + counted.counts["ineligible"] * self._count_each(_INELIGIBLE)
        )

    def count_own_series(self, day: date) -> int:
        """Return how many series the account's own score of `day` has."""
        return self._count(_ACCOUNT_FAMILIES, own=self._own[day])

    def _count_each(self, score: Score) -> int:
        """Return how many series a subuser with such a score has."""
        return self._count(_SUBUSER_FAMILIES, SubuserScores(date.min, {"": score}))

    def _count(
        self,
        families: Sequence[Family],
        subusers: SubuserScores | None = None,
        own: OwnScore | None = None,
    ) -> int:
        snapshot = Snapshot(self.account.name, subusers, own)
        samples = (family.samples(snapshot, self.account.series) for family in families)
        return sum(len(list(each)) for each in samples)

    def list_series(
        self, subusers: Iterable[PublishedDay], own: Iterable[PublishedDay]
    ) -> Iterator[Series]:
        """Yield all series of these days, first those of the account, then of each subuser.

        The series of one family come in the order of their labels, but families one after the
        other only for each subuser.
        """
        name, by_day = self.account.name, {each.day: each for each in subusers}
        counted = [(each, Snapshot(name, self._counted[day])) for day, each in by_day.items()]
        owned = [(each, Snapshot(name, own=self._own[each.day])) for each in own]
        yield from self._list_series(_ACCOUNT_FAMILIES, [*counted, *owned])
        for snapshots in self._list_subusers(by_day):
            yield from self._list_series(_SUBUSER_FAMILIES, snapshots)

    def _list_series(
        self, families: Sequence[Family], snapshots: Sequence[tuple[PublishedDay, Snapshot]]
    ) -> Iterator[Series]:
        for family in families:
            found: dict[tuple[str, ...], list[tuple[PublishedDay, float]]] = {}
            for published, snapshot in snapshots:
                for label_values, value in family.samples(snapshot, self.account.series):
                    found.setdefault(label_values, []).append((published, value))
            for label_values, values in found.items():
                yield Series(family, label_values, values)

    def _list_subusers(
        self, published: Mapping[date, PublishedDay]
    ) -> Iterator[list[tuple[PublishedDay, Snapshot]]]:
        """Yield the days of each subuser, one subuser after the other."""
        if not published:
            return
        rows = self._archive.labelled_scores(min(published), max(published))
        for label, found in groupby(rows, lambda row: row[0]):
            yield [
                (
                    published[day],
                    Snapshot(self.account.name, SubuserScores(day, {label: score})),
                )
                for _, day, score in found
                if day in published
            ]

    @cached_property
    def _counted(self) -> Mapping[date, CountedScores]:
        return self._archive.counted_days()

    @cached_property
    def _own(self) -> Mapping[date, OwnScore]:
        return {day: OwnScore(day, score) for day, score in self._archive.own_scores().items()}
