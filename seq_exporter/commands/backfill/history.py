"""An account's archived days as series over time, each just as the live page would have it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from seq_exporter.commands.backfill.account_archive import NUMBERS, AccountArchive
from seq_exporter.commands.backfill.timeline import Shown
from seq_exporter.config.model import Account
from seq_exporter.publish.families import FAMILIES
from seq_exporter.scores import OwnScore, Score, Snapshot, SubuserScores

#: What was shown, and when.
_Moments = Iterable[tuple[Shown, Snapshot]]


class Series(NamedTuple):
    """One series over time: its family, `name{labels}`, and what value it had when, in order."""

    family: str
    text: str
    values: list[tuple[Shown, str]]


@dataclass(frozen=True, slots=True)
class _CountedScores(SubuserScores):
    """A day whose subusers are counted, and not there."""

    counts: dict[str, int] = field(default_factory=dict)
    fingerprint: str = ""
    bands: Mapping[str, Mapping[int, int]] = field(default_factory=dict)


class History:
    """What an account has in the archive, once `label_scores` has gone through it."""

    def __init__(self, account: Account, archive: AccountArchive) -> None:
        self.account = account
        self._archive = archive

    def fingerprint(self, day: date) -> str:
        """Return a text that is another one whenever the subusers' scores of `day` are."""
        return self._counted[day].fingerprint

    def own_fingerprint(self, day: date) -> str:
        """Return a text that is another one whenever the account's own score of `day` is."""
        return repr(self._own[day])

    @cached_property
    def subuser_days(self) -> Mapping[date, bool]:
        """The days that the subusers' scores are there of, and whether anybody has one."""
        return {day.day: day.has_scores for day in self._counted.values()}

    @cached_property
    def own_days(self) -> Mapping[date, bool]:
        """The days that the account's own score is there of, and whether it is eligible."""
        return {day.day: day.has_scores for day in self._own.values()}

    def count_scores(self, day: date) -> int:
        """Return how many subusers have a score on `day`."""
        return self._counted[day].counts["scored"] if day in self._counted else 0

    def count_series(self, day: date) -> int:
        """Return how many series the subusers have on `day`, about: a metric may be left out."""
        wanted, counts = self.account.series, self._counted[day].counts
        users = counts["scored"] + counts["ineligible"]
        return counts["scored"] * (wanted.scores + len(wanted.metrics)) + users * wanted.eligible

    def list_series(self, subusers: Iterable[Shown], own: Iterable[Shown]) -> Iterator[Series]:
        """Return all series of the times given, those of the subusers and of the account's own.

        Those of one family come in the order of their labels, but families one after the other
        only for each subuser.
        """
        subusers = list(subusers)
        counted = [(shown, self._snapshot(self._counted[shown.day])) for shown in subusers]
        owned = [(shown, Snapshot(self.account.name, own=self._own[shown.day])) for shown in own]
        yield from self._render([*counted, *owned], of_subusers=False)
        for moments in self._list_subusers({shown.day: shown for shown in subusers}):
            yield from self._render(moments, of_subusers=True)

    def _render(self, moments: _Moments, *, of_subusers: bool) -> Iterator[Series]:
        for family in FAMILIES:
            if family.is_of_subusers is of_subusers:
                found: dict[str, list[tuple[Shown, str]]] = {}
                for shown, snapshot in moments:
                    lines = "".join(family.lines(snapshot, self.account.series)).split("\n")
                    for line in lines[:-1]:
                        text, _, value = line.rpartition(" ")
                        found.setdefault(text, []).append((shown, value))
                for text, values in found.items():
                    yield Series(family.name, text, values)

    def _list_subusers(self, shown: Mapping[date, Shown]) -> Iterator[_Moments]:
        """Return the moments of each subuser, one after the other."""
        if not shown:
            return
        query = (
            f"SELECT label, day, user_id, {', '.join(NUMBERS)} FROM scores WHERE account = ? "  # noqa: S608
            "AND day BETWEEN ? AND ? AND label IS NOT NULL ORDER BY label, day"
        )
        key = self._archive.account_id, min(shown).isoformat(), max(shown).isoformat()
        rows = self._archive.connection.execute(query, key)
        for label, found in groupby(rows, lambda row: row[0]):
            moments = []
            for _, text, user_id, overall, *metrics in found:
                day = date.fromisoformat(text)
                if day in shown:
                    score = Score(user_id, None, overall, tuple(metrics))
                    snapshot = self._snapshot(SubuserScores(day, {label: score}))
                    moments.append((shown[day], snapshot))
            yield moments

    def _snapshot(self, subusers: SubuserScores) -> Snapshot:
        return Snapshot(self.account.name, subusers)

    @cached_property
    def _counted(self) -> Mapping[date, _CountedScores]:
        query = (
            "SELECT day, has_scores, summary FROM days "
            "WHERE account = ? AND state = 'done' ORDER BY day"
        )
        found = {}
        for text, has_scores, summary in self._archive.connection.execute(
            query, (self._archive.account_id,)
        ):
            day, read = date.fromisoformat(text), json.loads(summary)
            bands = {
                metric: {int(band): count for band, count in counts.items()}
                for metric, counts in read["bands"].items()
            }
            found[day] = _CountedScores(
                day,
                {},
                has_scores=bool(has_scores),
                counts=read["counts"],
                bands=bands,
                fingerprint=summary,
            )
        return found

    @cached_property
    def _own(self) -> Mapping[date, OwnScore]:
        return {day: OwnScore(day, score) for day, score in self._archive.own_scores().items()}
