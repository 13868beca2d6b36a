"""How fast to ask SendGrid: a live exporter with the same key must not be held up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seq_exporter.clock import Clock
from seq_exporter.errors import RateLimited
from seq_exporter.sendgrid.client import pause_of_poll
from seq_exporter.sendgrid.observer import RateLimit, RequestObserver

# The share of the requests that SendGrid allows in a window which is left to others.
_SHARE_LEFT = 0.25
_LONGEST_PAUSE_SECONDS = 3600.0

# A longer pause is reported: without a word, it would look like a fault.
_SHORT_PAUSE_SECONDS = 5.0

# How many pauses one request waits for, and how long each is if SendGrid gives no time.
_MOST_PAUSES = 10
_USUAL_PAUSE_SECONDS = 60.0


class Pacer(RequestObserver):
    """Sleeps before each request of one key, and reads the rate limit from each answer.

    It is the `observer` of an AccountReader, and has its `sleep` and its `pause_after`.
    """

    def __init__(
        self,
        requests_per_minute: float,
        clock: Clock,
        sleep: Callable[[float], None],
        report_pause: Callable[[str], None] = lambda reason: None,
    ) -> None:
        """Begin; `report_pause` is called with the reason of each long pause."""
        self._report_pause = report_pause
        self._spacing_seconds = 60.0 / requests_per_minute
        self._clock = clock
        self._sleep = sleep
        self._next_at = clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait until the next request is due, and for `seconds` at least."""
        pause = max(seconds, self._next_at - self._clock.monotonic(), 0.0)
        if pause > max(seconds, _SHORT_PAUSE_SECONDS):
            self._report_pause(f"pausing {pause:.0f} s until SendGrid's rate limit allows more")
        if pause:
            self._sleep(pause)

    def pause_after(self, failures: Sequence[Exception]) -> float | None:
        """Return how many seconds to pause after `failures` of one request; None to give up.

        A pause that SendGrid's rate limit asks for is waited for, up to an hour each and ten
        times. Other failures are counted apart, and tried again as often as in a poll.
        """
        last = failures[-1]
        if not isinstance(last, RateLimited):
            return pause_of_poll([err for err in failures if not isinstance(err, RateLimited)])
        if sum(isinstance(err, RateLimited) for err in failures) > _MOST_PAUSES:
            return None
        pause = min(last.wait_seconds or _USUAL_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._report_pause(f"pausing {pause:.0f} s as SendGrid asks")
        return pause

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Note that a request took `seconds`."""
        now = self._clock.monotonic()
        self._next_at = max(self._next_at, now - seconds) + self._spacing_seconds

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Let the next request wait for the next window if little is left of this one."""
        limit, remaining, reset = rate_limit
        if limit is not None and remaining is not None and reset is not None:
            wait = min(reset - self._clock.now(), _LONGEST_PAUSE_SECONDS)
            if remaining <= limit * _SHARE_LEFT and wait > 0:
                self._next_at = max(self._next_at, self._clock.monotonic() + wait)
