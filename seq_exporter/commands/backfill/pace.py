"""How fast SendGrid is asked, so that a live exporter with the same key is not held up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seq_exporter.clock import Clock
from seq_exporter.errors import RateLimited
from seq_exporter.sendgrid.client import pause_of_poll
from seq_exporter.sendgrid.transport import RateLimit

# Of what SendGrid allows in a window, this much is left to others.
_SHARE_LEFT = 0.25
_LONGEST_WAIT_SECONDS = 3600.0

_WONDER_SECONDS = 5.0

# How often SendGrid may ask for a pause before one request, and how long a pause is where it does
# not say.
_MOST_PAUSES = 10
_USUAL_PAUSE_SECONDS = 60.0


class Pacer:
    """Sleeps before each request of one key; hears of the rate limit from each answer.

    An AccountReader takes it for its `observer`, and its methods for `sleep` and `pause_after`.
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

    def pause_after(self, failures: Sequence[Exception]) -> float | None:
        """Return how long to pause after `failures` of one request; None to give up.

        SendGrid's rate limit is waited out, up to an hour and ten times; what else failed is tried
        as often as a poll tries it.
        """
        last = failures[-1]
        if not isinstance(last, RateLimited):
            return pause_of_poll([err for err in failures if not isinstance(err, RateLimited)])
        if sum(isinstance(err, RateLimited) for err in failures) > _MOST_PAUSES:
            return None
        pause = min(last.wait_seconds or _USUAL_PAUSE_SECONDS, _LONGEST_WAIT_SECONDS)
        self._tell(f"pausing {pause:.0f} s as SendGrid asks")
        return pause

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
