"""HTTP/1.1 on one connection, with an end to everything that a client can draw out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults are what is documented; only tests have others.

    `request_seconds` run from the connection, or from the last answer, to the whole head of the
    next request: longer than a minute, so that who scrapes each minute keeps its connection.
    `answer_seconds` run from there until the answer is taken: 53 MB at 10 Mbit/s. No proxy lets
    through more than half of `header_bytes`. A connection costs up to half a megabyte with TLS,
    and a file descriptor: Prometheus needs one or two of the `connections`.
    """

    connections: int = 256
    header_bytes: int = 16 * 1024
    request_seconds: float = 75.0
    answer_seconds: float = 60.0


_PIECE_BYTES = 4096


class TimedProtocol(H11Protocol):
    """Breaks off a connection whose client is too slow; uvicorn waits for it for ever."""

    def __init__(self, limits: Limits, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._answering: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._set_deadline(self._limits.request_seconds)

    def data_received(self, data: bytes) -> None:
        """Take what has come in piece by piece: h11 measures a head only while it is not whole."""
        for start in range(0, len(data), _PIECE_BYTES):
            if not self.transport.is_closing():
                super().data_received(data[start : start + _PIECE_BYTES])

    def handle_events(self) -> None:
        """Take what has come in; where it ends a request's head, the answer's time begins."""
        super().handle_events()
        if self.cycle is not self._answering:
            self._answering = self.cycle
            if not self.cycle.response_complete:
                self._set_deadline(self._limits.answer_seconds)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, which may have come in already."""
        self._set_deadline(self._limits.request_seconds)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _set_deadline(self, seconds: float) -> None:
        if self._deadline:
            self._deadline.cancel()
        # Not close(), which waits until the client has read what is left.
        self._deadline = self.loop.call_later(seconds, self.transport.abort)
