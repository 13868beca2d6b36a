"""The rate limit of the web configuration: so many requests, and no more."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from seq_exporter.web.auth import OPEN_PATHS
from seq_exporter.web.live import LiveSettings


class RateLimited:
    """ASGI middleware that answers 429 to what comes too soon, from whomever; not to probes.

    A request takes a token; there are `burst` of them, and one comes back each interval.
    """

    def __init__(
        self, app: ASGIApp, live: LiveSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._live = live
        self._clock = clock
        self._taken = 0.0  # tokens that have not come back, as of
        self._at = clock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429, or pass the request on."""
        is_open = scope["type"] != "http" or scope["path"] in OPEN_PATHS
        if is_open or self._take():
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse("Too many requests\n", 429)(scope, receive, send)

    def _take(self) -> bool:
        limit = self._live.current.rate_limit
        if limit is None:
            return True
        now = self._clock()
        taken = max(self._taken - (now - self._at) / limit.interval_seconds, 0.0)
        is_allowed = taken + 1 <= limit.burst
        self._taken, self._at = taken + is_allowed, now
        return is_allowed
