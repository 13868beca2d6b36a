"""Who may ask, and how often: API keys and the rate limit."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seq_exporter.simulator.answers import Refused
from seq_exporter.simulator.fleet import Fleet, SimulatedAccount

_WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Quota:
    """What a request leaves of a rate limit, until `reset` (epoch seconds); limit 0 is none."""

    limit: int
    used: int
    reset: int

    @property
    def is_over(self) -> bool:
        """Whether this request was one too many."""
        return 0 < self.limit < self.used

    @property
    def headers(self) -> Mapping[str, str]:
        """What tells the client: X-RateLimit-Limit, -Remaining and -Reset; or nothing."""
        if not self.limit:
            return {}
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(self.limit - self.used, 0)),
            "X-RateLimit-Reset": str(self.reset),
        }


class RateLimit:
    """Counts requests by account and endpoint in fixed windows of a minute of `clock`."""

    def __init__(self, clock: Callable[[], float], limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._window = 0
        self._used: Counter[tuple[str, str]] = Counter()

    def spend(self, account: str, endpoint: str) -> Quota:
        """Count one request, and return what it leaves."""
        window = int(self._clock() // _WINDOW_SECONDS)
        if window != self._window:
            self._window = window
            self._used.clear()
        self._used[account, endpoint] += 1
        reset = (window + 1) * _WINDOW_SECONDS
        return Quota(self._limit, self._used[account, endpoint], reset)


def identify(fleet: Fleet, authorization: str | None) -> SimulatedAccount:
    """Return the account whose key the header `Authorization: Bearer KEY` holds.

    Raises Refused (401).
    """
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Refused(401, "authorization required")
    # Every key is compared, and each in constant time, as anything does that guards secrets.
    matches = [
        account
        for account in fleet.accounts
        if hmac.compare_digest(account.api_key.encode(), key.strip().encode())
    ]
    if not matches:
        raise Refused(401, "The provided authorization grant is invalid, expired, or revoked")
    return matches[0]
