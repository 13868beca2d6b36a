"""Which days to ask for: the newest one with scores, in as few requests as that takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from seq_exporter.config import PollSettings
from seq_exporter.errors import BadRequest
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores

_DAY = timedelta(days=1)
_Answer = TypeVar("_Answer")
_Held = TypeVar("_Held", SubuserScores, OwnScore)

#: Reads the subusers of one day; None: not calculated yet.
ReadSubusers = Callable[[date], SubuserScores | None]
#: Reads the own scores from one day to another; None: not all calculated yet.
ReadOwn = Callable[[date, date], list[OwnScore] | None]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that matter at the moment `now` (epoch seconds)."""

    now: float
    settings: PollSettings

    @property
    def today(self) -> date:
        """The present day in UTC."""
        return datetime.fromtimestamp(self.now, UTC).date()

    @property
    def oldest(self) -> date:
        """The last day to look back to: `lookback_days` counts today."""
        return self.today - (self.settings.lookback_days - 1) * _DAY

    def is_due(self, held: SubuserScores | OwnScore) -> bool:
        """Whether `held` is to be read again; a day that is still to come cannot be."""
        age_seconds = self.now - held.read_at
        # Where the clock was set back, the age is negative and says nothing.
        is_old = not 0 <= age_seconds < self.settings.refresh_interval_seconds
        return is_old and held.day <= self.today

    def withdraw_expired(self, snapshot: Snapshot) -> Snapshot:
        """Return `snapshot` without what is for a day more than `lookback_days` ago."""
        return replace(
            snapshot,
            subusers=self._unless_expired(snapshot.subusers),
            own=self._unless_expired(snapshot.own),
        )

    def _unless_expired(self, held: _Held | None) -> _Held | None:
        is_kept = held and (self.today - held.day).days <= self.settings.lookback_days
        return held if is_kept else None


def find_newest_subusers(
    held: SubuserScores | None, read: ReadSubusers, calendar: Calendar
) -> SubuserScores | None:
    """Return the newest day on which any subuser has a score, or `held` if there is none newer.

    Asks backwards from today, for days newer than the one held only; reads the held day again
    when that is due. If no day has a score, the newest that SendGrid answered for is returned.
    """
    shown, newest_without = held, None
    if held and not held.has_scores:
        held = None
    first = max(calendar.oldest, held.day + _DAY) if held else calendar.oldest
    day = calendar.today
    while day >= first:
        found = _allow_early(read, day, calendar)
        if found and found.has_scores:
            return found
        newest_without = newest_without or found
        day -= _DAY
    if not held:
        return newest_without or shown
    if not calendar.is_due(held):
        return held
    again = read(held.day)
    return again if again and again.has_scores else replace(held, read_at=calendar.now)


def find_newest_own(held: OwnScore | None, read: ReadOwn, calendar: Calendar) -> OwnScore | None:
    """Return the account's newest own score, or `held` if there is none newer.

    One request covers a range of days, so the whole range is asked for, the held day within it
    when it is due; while SendGrid has not calculated all of it, the range ends a day earlier.
    """
    is_due = held is not None and calendar.is_due(held)
    first = calendar.oldest
    if held:
        first = max(first, held.day if is_due else held.day + _DAY)
    last = calendar.today
    found = None
    while found is None and last >= first:
        found = _allow_early(lambda day: read(first, day), last, calendar)
        last -= _DAY
    newest = max(found or (), key=lambda own: own.day, default=None)
    if newest is None and not is_due:
        return held
    newest = newest or held
    return newest and replace(newest, read_at=calendar.now)


def _allow_early(
    read: Callable[[date], _Answer | None], day: date, calendar: Calendar
) -> _Answer | None:
    """Read `day`; around midnight our today may be a day that SendGrid has yet to reach."""
    try:
        return read(day)
    except BadRequest:
        if day == calendar.today:
            return None
        raise
