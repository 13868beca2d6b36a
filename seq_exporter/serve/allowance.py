"""When pages of subusers may ask SendGrid, and how much one of them may cost."""

from __future__ import annotations

import math
from collections import deque
from datetime import UTC, datetime

from seq_exporter.clock import Clock
from seq_exporter.errors import NoMoreRequests, PollError, PollStopped
from seq_exporter.publish.telemetry import AccountTelemetry
from seq_exporter.serve.polling import Poller

#: A page may cost so many requests: a month day by day, and a comparison, of up to 1,000 subusers.
MOST_REQUESTS_OF_PAGE = 40

#: All pages about one account may cost so many requests within an hour.
MOST_REQUESTS_OF_HOUR = 120

#: After a failure, SendGrid is left alone so long, or as long as it asks for.
FAILED_SECONDS = 60.0

# The wait is bounded, as that of polls: a wrong value would end all pages, or be no time at all.
_LONGEST_PAUSE_SECONDS = 3600.0

# Polls come first: what is left of the rate limit is theirs once no more than this share is left.
_SHARE_OF_POLLS = 0.1

# No request is made for a page so long after its first one.
_LONGEST_SECONDS = 30.0

_HOUR_SECONDS = 3600.0

_NO_SUCH_LIMIT = "the command below has no such limit"


class Allowance:
    """Decides whether the pages about one account may ask SendGrid now.

    The event loop asks it before a page, and the page's thread before each request; never both at
    the same time, as an account is asked for one page at a time.
    """

    def __init__(self, poller: Poller, telemetry: AccountTelemetry, clock: Clock) -> None:
        self._poller = poller
        self._telemetry = telemetry
        self._clock = clock
        self._asked_at: deque[float] = deque()  # by the monotonic clock
        self._left_alone = 0.0, ""  # until then, by the monotonic clock, and why
        self.is_stopped = False

    @property
    def has_failed(self) -> bool:
        """Whether SendGrid is left alone because of a failure."""
        return self._clock.monotonic() < self._left_alone[0]

    def find_obstacle(self) -> str:
        """Return why SendGrid must not be asked now, or nothing."""
        health, now = self._poller.health, self._clock.monotonic()
        until, failure = self._left_alone
        if health.last_poll is None:
            return "the first poll of this account has not ended"
        if health.failure:
            return f"SendGrid is not asked while polls of this account fail: {health.failure}"
        if now < until:
            return f"{failure}; SendGrid is asked again from {self._tell_time(until - now)} on"
        if quiet_seconds := self._poller.quiet_seconds:
            return f"SendGrid wants no requests before {self._tell_time(quiet_seconds)}"
        return self._find_rate_limit() or self._find_limit_of_hour()

    def leave_alone(self, err: PollError) -> str:
        """Ask SendGrid for nothing for a while after a failure; return the failure's message."""
        seconds = min(max(err.wait_seconds or 0.0, FAILED_SECONDS), _LONGEST_PAUSE_SECONDS)
        self._left_alone = self._clock.monotonic() + seconds, str(err)
        return str(err)

    def note_request(self) -> None:
        """Count a request that is about to be made. Raises NoMoreRequests or PollStopped."""
        if self.is_stopped:
            raise PollStopped
        if obstacle := self.find_obstacle():
            raise NoMoreRequests(obstacle)
        self._asked_at.append(self._clock.monotonic())

    def _find_rate_limit(self) -> str:
        """Return what is left of SendGrid's rate limit if that is too little, or nothing."""
        limit, remaining, reset = self._telemetry.rate_limit
        wait_seconds = math.inf if reset is None else reset - self._clock.now()
        is_low = remaining is not None and remaining <= _SHARE_OF_POLLS * (limit or 0.0)
        if is_low and wait_seconds > 0:
            of_all = f" of {limit:g}" if limit else ""
            is_soon = wait_seconds <= _LONGEST_PAUSE_SECONDS
            until = f": ask again at {self._tell_time(wait_seconds)}" if is_soon else ""
            return (
                f"{remaining:g}{of_all} requests are left of SendGrid's rate limit, "
                f"and polls come first{until}"
            )
        return ""

    def _find_limit_of_hour(self) -> str:
        """Return when the next request is allowed if there were too many, or nothing."""
        hour_ago = self._clock.monotonic() - _HOUR_SECONDS
        while self._asked_at and self._asked_at[0] <= hour_ago:
            self._asked_at.popleft()
        if len(self._asked_at) >= MOST_REQUESTS_OF_HOUR:
            return (
                f"pages about this account have cost {MOST_REQUESTS_OF_HOUR} requests within an "
                f"hour: ask again at {self._tell_time(self._asked_at[0] - hour_ago)}"
            )
        return ""

    def _tell_time(self, seconds: float) -> str:
        """Return the time of day so many seconds from now: `12:00:59 UTC`."""
        moment = datetime.fromtimestamp(math.ceil(self._clock.now() + seconds), UTC)
        return f"{moment:%H:%M:%S} UTC"


class PagePermit:
    """What one page may cost."""

    def __init__(self, allowance: Allowance, clock: Clock) -> None:
        self._allowance = allowance
        self._clock = clock
        self._started = clock.monotonic()
        self._taken = 0

    @property
    def is_used(self) -> bool:
        """Whether a request was made."""
        return self._taken > 0

    def require(self, requests: int) -> None:
        """Raise NoMoreRequests unless so many more are allowed."""
        if self._taken + requests > MOST_REQUESTS_OF_PAGE:
            raise NoMoreRequests(
                f"a page may cost {MOST_REQUESTS_OF_PAGE} requests, and the scores of a day take "
                f"{requests:,}: {_NO_SUCH_LIMIT}"
            )

    def take(self, _pause_seconds: float) -> None:
        """Take one request. Raises NoMoreRequests or PollStopped.

        An AccountReader calls it before each request, and never to pause: it does not try again.
        """
        if self._taken == MOST_REQUESTS_OF_PAGE:  # pages of scores are shorter than asked for
            raise NoMoreRequests(f"a page may cost {self._taken} requests: {_NO_SUCH_LIMIT}")
        if self._clock.monotonic() - self._started > _LONGEST_SECONDS:
            raise NoMoreRequests("SendGrid has answered slowly: reload this page later")
        self._allowance.note_request()
        self._taken += 1
