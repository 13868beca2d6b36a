"""Time as an argument, so that tests can be on any day."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time (`now`, epoch seconds) and a clock that never steps (`monotonic`, seconds)."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
