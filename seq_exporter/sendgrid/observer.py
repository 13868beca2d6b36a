"""What each request tells of itself while a poll runs: its outcome, and the rate limit."""

from __future__ import annotations

from typing import NamedTuple


class RateLimit(NamedTuple):
    """The rate-limit headers of a response; None for a header that is absent."""

    limit: float | None
    remaining: float | None
    reset_timestamp_seconds: float | None


class RequestObserver:
    """Is called for each request while a poll runs; this one ignores everything."""

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Count one request; `code` is its HTTP status, or `error` without a complete answer."""

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Note the rate limit of the newest response."""
