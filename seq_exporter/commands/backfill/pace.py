"""How fast SendGrid is asked, so that a live exporter with the same key is not held up."""

from __future__ import annotations

from collections.abc import Callable

from seq_exporter.clock import Clock
from seq_exporter.sendgrid.transport import RateLimit

# Of what SendGrid allows in a window, this much is left to others.
_SHARE_LEFT = 0.25
_LONGEST_WAIT_SECONDS = 3600.0

_WONDER_SECONDS = 5.0


class Pacer:
    """Sleeps before each request of one key; hears of the rate limit from each answer.

    It is the `sleep` of a SendGrid, and the `observer` of its Transport.
    """

    def __init__(
        self,
        requests_per_minute: float,
        clock: Clock,
        sleep: Callable[[float], None],
        tell: Callable[[str], None] = lambda reason: None,
    ) -> None:
        """Begin; `tell` is told of a pause that a person would wonder about."""
        self._tell = tell
        self._spacing_seconds = 60.0 / requests_per_minute
        self._clock = clock
        self._sleep = sleep
        self._next_at = clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for as long as the next request has to, and `seconds` at least."""
        pause = max(seconds, self._next_at - self._clock.monotonic(), 0.0)
        if pause > max(seconds, _WONDER_SECONDS):
            self._tell(f"pausing {pause:.0f} s until SendGrid's rate limit allows more")
        if pause:
            self._sleep(pause)

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Take note of a request, which took `seconds`."""
        now = self._clock.monotonic()
        self._next_at = max(self._next_at, now - seconds) + self._spacing_seconds

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Wait for the next window where little is left of this one."""
        limit, remaining, reset = rate_limit
        if limit is not None and remaining is not None and reset is not None:
            wait = min(reset - self._clock.now(), _LONGEST_WAIT_SECONDS)
            if remaining <= limit * _SHARE_LEFT and wait > 0:
                self._next_at = max(self._next_at, self._clock.monotonic() + wait)
