"""Asks for one account's newest scores, and for those of earlier days to compare them with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from seq_exporter.clock import Clock
from seq_exporter.config.model import Account, PollSettings, SubuserSelection
from seq_exporter.errors import EndpointFailed
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.newest_day import Calendar, NewestDay
from seq_exporter.sendgrid.usernames import Usernames, select_subusers

#: Scores are compared with those of so many days before.
CHANGES = (7, 30)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: the newest day, or `day`; and `history` days for a graph, that one too."""

    day: date | None = None
    history: int = 0

    def list_earlier(self, newest: date) -> list[date]:
        """Return the days before `newest` that are needed, the latest first."""
        back = {*CHANGES, *range(1, self.history)}
        return [newest - timedelta(days) for days in sorted(back)]


@dataclass(frozen=True)
class AccountScores:
    """What an account's scores are, and what they were: overall scores by day and user_id.

    A day that SendGrid does not answer for is not in `earlier` or `own_earlier`.
    """

    snapshot: Snapshot
    earlier: Mapping[date, Mapping[str, float]] = field(default_factory=dict)
    own_earlier: Mapping[date, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Asker:
    """Asks for one account; `step` is called after each day. Every method may raise a PollError."""

    account: Account
    settings: PollSettings
    sendgrid: SendGrid
    clock: Clock
    step: Callable[[], None]

    def ask(self, wish: Wish) -> AccountScores:
        """Return the scores that are wished for."""
        subusers = self._find_subusers(self.account.subusers, wish)
        own = self._find_own(wish) if self.account.own_score else None
        snapshot = Snapshot(self.account.name, subusers, own)
        self.step()
        return AccountScores(
            snapshot,
            self._ask_earlier(wish.list_earlier(subusers.day)) if subusers else {},
            self._ask_own_earlier(wish.list_earlier(own.day)) if own else {},
        )

    def _find_subusers(
        self, selection: SubuserSelection | None, wish: Wish
    ) -> SubuserScores | None:
        if selection is None:
            return None
        names, now = Usernames(), self.clock.now()

        def read(day: date) -> SubuserScores | None:
            scores = self.sendgrid.fetch_subusers(day)
            if scores is None:
                return None
            named = names.complete(scores, self.sendgrid, now)
            return select_subusers(day, named, selection, self.sendgrid.anomalies, now)

        return read(wish.day) if wish.day else self._find_newest(NewestDay(), read)

    def _find_own(self, wish: Wish) -> OwnScore | None:
        def read(day: date) -> OwnScore | None:
            score = self.sendgrid.fetch_own(day)
            return OwnScore(day, score) if score else None

        return read(wish.day) if wish.day else self._find_newest(NewestDay(), read)

    def _find_newest(self, newest: NewestDay[Any], read: Callable[[date], Any]) -> Any:
        calendar = Calendar(self.clock.now(), self.settings)
        return newest.find(None, read, calendar, self.sendgrid.transport.key)

    def _ask_earlier(self, days: Iterable[date]) -> Mapping[date, Mapping[str, float]]:
        found = {}
        for day in days:
            try:
                scores = self.sendgrid.fetch_subusers(day)
            except EndpointFailed:
                scores = None  # 90 days are kept: it is older, or only this day fails
            if scores is not None:
                overall = {each.user_id: each.overall for each in scores}
                found[day] = {who: score for who, score in overall.items() if score is not None}
            self.step()
        return found

    def _ask_own_earlier(self, days: list[date]) -> Mapping[date, float]:
        try:
            found = self.sendgrid.fetch_own_days(min(days), max(days))
        except EndpointFailed:
            return {}
        overall = {day: score.overall for day, score in found.items()}
        return {day: score for day, score in overall.items() if score is not None}
