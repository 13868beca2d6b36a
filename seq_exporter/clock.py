"""Time as an argument, so that tests can be on any day."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time (`now`, epoch seconds) and a clock that never steps (`monotonic`, seconds)."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def today(self) -> date:
        """Return the present day in UTC, the days that SendGrid counts in."""
        return datetime.fromtimestamp(self.now(), UTC).date()
