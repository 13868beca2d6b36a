"""Which days to ask for: finds the newest day with scores in as few requests as possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Generic, TypeVar

from seq_exporter.clock import utc_day
from seq_exporter.config.model import PollSettings
from seq_exporter.config.secret import Secret
from seq_exporter.errors import BadRequest
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores

_DAY = timedelta(days=1)
_Held = TypeVar("_Held", SubuserScores, OwnScore)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that a poll at `now` (epoch seconds) may ask for and show."""

    now: float
    settings: PollSettings

    @property
    def today(self) -> date:
        """The present day in UTC."""
        return utc_day(self.now)

    @property
    def oldest(self) -> date:
        """The oldest day to ask for: `lookback_days` counts today."""
        return self.today - (self.settings.lookback_days - 1) * _DAY

    def is_due(self, read_at: float) -> bool:
        """Whether a day that was read at `read_at` (epoch seconds) must be read again."""
        # If the clock was set back, the age is negative and means nothing.
        return not 0 <= self.now - read_at < self.settings.refresh_interval_seconds

    def withdraw_expired(self, snapshot: Snapshot) -> Snapshot:
        """Return `snapshot` without scores of a day more than `lookback_days` ago."""
        return replace(
            snapshot,
            subusers=self._unless_expired(snapshot.subusers),
            own=self._unless_expired(snapshot.own),
        )

    def _unless_expired(self, held: _Held | None) -> _Held | None:
        is_kept = held and (self.today - held.day).days <= self.settings.lookback_days
        return held if is_kept else None


class NewestDay(Generic[_Held]):
    """Finds the newest day with scores, for the subusers of one account or for its own score.

    Every poll asks for the days that are not calculated yet. A day that SendGrid has answered
    without any score may still be filled: every poll asks for it again until SendGrid answers for
    a later day, and after that once in a refresh interval.
    """

    def __init__(self, key: Secret | None = None) -> None:
        self._read_without_scores: dict[date, float] = {}
        self._key = key  # the key that found the held data

    def find(
        self,
        held: _Held | None,
        read: Callable[[date], _Held | None],
        calendar: Calendar,
        key: Secret,
    ) -> _Held | None:
        """Return the newest day with a score, or `held` if there is no newer one.

        Asks backwards from today, only for days newer than the held one; reads the held day again
        when it is due. `read` returns None for a day that is not calculated. If no day has a
        score, returns the newest day that SendGrid has answered for.

        Data that another key found may be another account's: if `key` is new, nothing is held.
        """
        if self._key not in (None, key):
            held, self._read_without_scores = None, {}
        found = self._search(held, read, calendar)
        self._key = key
        return found

    def is_found_with(self, key: Secret) -> bool:
        """Whether this key found the held data, and not an earlier one."""
        return self._key == key

    def _search(
        self, held: _Held | None, read: Callable[[date], _Held | None], calendar: Calendar
    ) -> _Held | None:
        self._read_without_scores = {
            day: at for day, at in self._read_without_scores.items() if day >= calendar.oldest
        }
        scored = held if held and held.has_scores else None
        first = max(calendar.oldest, scored.day + _DAY) if scored else calendar.oldest
        newest_answered = None
        refused: BadRequest | None = None
        day = calendar.today
        while day >= first:
            found = None
            read_at = self._read_without_scores.get(day)
            if newest_answered is None or read_at is None or calendar.is_due(read_at):
                try:
                    found = read(day)
                except BadRequest as err:
                    if day != calendar.today:
                        raise
                    refused = err  # around midnight, our today may not have begun for SendGrid
            if found and found.has_scores:
                return found
            if found:
                self._read_without_scores[day] = calendar.now
                newest_answered = newest_answered or found
            day -= _DAY
        if not scored:
            if refused and first == calendar.today:  # and there was no other day to ask for
                raise refused
            return newest_answered or held
        if not calendar.is_due(scored.read_at) or scored.day > calendar.today:
            return scored
        again = read(scored.day)
        return again if again and again.has_scores else replace(scored, read_at=calendar.now)
