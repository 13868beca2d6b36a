"""The HTTP server: uvicorn, with bounds on everything that a client can take or delay."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from seq_exporter.web.settings.file import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings

# How many connections wait to be accepted, and how many the loop accepts in one turn.
_BACKLOG = 128
_CHUNK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may use. The defaults are documented; only tests set others.

    `connections`: each costs up to half a megabyte with TLS, and a file descriptor. Prometheus
    needs one or two.
    `header_bytes`: no proxy lets through more than half of this.
    `request_seconds`: from the connection, or the last answer, to the end of the next request's
    head. Longer than a minute, so a Prometheus that scrapes every minute keeps its connection.
    `answer_seconds`: from there until the client has taken the answer: 53 MB at 10 Mbit/s.
    """

    connections: int = 256
    header_bytes: int = 16 * 1024
    request_seconds: float = 75.0
    answer_seconds: float = 60.0


class Server(uvicorn.Server):
    """Serves an ASGI app until `should_exit` is set."""

    def __init__(
        self,
        app: ASGIApp,
        web_settings: ReloadableSettings | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits = limits or Limits()
        context = (web_settings or ReloadableSettings(WebSettings)).ssl_context
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                backlog=_BACKLOG,
                h11_max_incomplete_event_size=limits.header_bytes,
                http=functools.partial(_TimedProtocol, limits),  # type: ignore[arg-type]
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                ssl_context_factory=(lambda config, default: context) if context else None,
                timeout_graceful_shutdown=1,
                timeout_keep_alive=math.ceil(limits.request_seconds),
                ws="none",
            )
        )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on `sockets`, which the server closes in the end."""
        open_connections = _OpenConnections(self._limits.connections)
        await super().serve([_LimitedListener(each, open_connections) for each in sockets or ()])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise SIGTERM again at its end (exit status 143)."""
        yield


class _TimedProtocol(H11Protocol):
    """HTTP/1.1 on one connection; breaks it off if the client is too slow.

    uvicorn alone waits forever for the rest of a request, and for a client that does not read.
    """

    def __init__(self, limits: Limits, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._answering: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline(self._limits.request_seconds)

    def data_received(self, data: bytes) -> None:
        # In chunks: h11 measures a request's head only while the head is incomplete.
        for start in range(0, len(data), _CHUNK_BYTES):
            if not self.transport.is_closing():
                super().data_received(data[start : start + _CHUNK_BYTES])

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not self._answering:  # a request's head is complete
            self._answering = self.cycle
            if not self.cycle.response_complete:
                self._set_deadline(self._limits.answer_seconds)

    def on_response_complete(self) -> None:
        # Before the next request is handled, which may have been received already.
        self._set_deadline(self._limits.request_seconds)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _set_deadline(self, seconds: float) -> None:
        if self._deadline:
            self._deadline.cancel()
        # Not close(), which waits until the client has read the rest.
        self._deadline = self.loop.call_later(seconds, self.transport.abort)


class _OpenConnections:
    """The open connections, oldest first. When there are more than `limit`, closes the oldest.

    So a thousand idle clients lock nobody out. A scrape takes milliseconds, and a client whose
    connection is closed between two scrapes connects again.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._connections: dict[_Connection, None] = {}

    def add(self, connection: _Connection) -> None:
        self._connections[connection] = None
        if len(self._connections) > self._limit:
            oldest = next(iter(self._connections))
            self.remove(oldest)
            with contextlib.suppress(OSError):  # the client has just closed it
                oldest.shutdown(socket.SHUT_RDWR)

    def remove(self, connection: _Connection) -> None:
        self._connections.pop(connection, None)


class _LimitedListener(socket.socket):
    """A listening socket that counts its connections; takes over the open socket `listening`.

    It counts at the socket because the event loop and its server learn of a TLS connection only
    after the handshake, which a client may leave unfinished.
    """

    def __init__(self, listening: socket.socket, open_connections: _OpenConnections) -> None:
        super().__init__(fileno=listening.detach())
        self._open_connections = open_connections

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        return _Connection(connection, self._open_connections), address


class _Connection(socket.socket):
    def __init__(self, connection: socket.socket, open_connections: _OpenConnections) -> None:
        super().__init__(fileno=connection.detach())
        self._open_connections = open_connections
        open_connections.add(self)

    def close(self) -> None:
        self._open_connections.remove(self)
        super().close()
