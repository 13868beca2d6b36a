"""Time, as an argument so that tests can run on any day; and UTC days, in which SendGrid counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time (`now`, epoch seconds) and a clock that never jumps (`monotonic`, seconds)."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def today(self) -> date:
        """Return the current day in UTC."""
        return utc_day(self.now())


def utc_day(seconds: float) -> date:
    """Return the UTC day that contains `seconds` (epoch)."""
    return datetime.fromtimestamp(seconds, UTC).date()


def midnight(day: date) -> int:
    """Return when `day` begins in UTC, in epoch seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
