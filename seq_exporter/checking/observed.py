"""What SendGrid's headers tell beside the answers."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import requests

from seq_exporter.clock import Clock
from seq_exporter.transport import RateLimit


class Observed:
    """Notes the newest rate limit, and how far the clock is from that of the server.

    `clock_seconds` is positive where this machine is ahead, None where no answer had a date.
    """

    def __init__(self, clock: Clock) -> None:
        self.rate_limit: RateLimit | None = None
        self.clock_seconds: float | None = None
        self._clock = clock

    def listen_to(self, session: requests.Session) -> requests.Session:
        """Return the session, which from now on tells of the date of every answer."""
        session.hooks["response"] = [self._note_date]
        return session

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Nothing: nobody counts here."""

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Note it."""
        self.rate_limit = rate_limit

    def _note_date(self, response: requests.Response, **_: Any) -> None:
        try:
            date = parsedate_to_datetime(response.headers["Date"]).timestamp()
        except (KeyError, ValueError, OverflowError):
            return
        # Its seconds are cut off: in the middle it is half a second later.
        self.clock_seconds = self._clock.now() - date - 0.5
