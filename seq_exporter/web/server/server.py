"""The HTTP server: uvicorn, with bounds on everything that a client can take or delay."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import math
import re
import socket
import string
import time
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import h11
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from seq_exporter.web.server.slices import SlicingProtocol
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings

_log = logging.getLogger(__name__)

# What accept() fails with if the process, or the system, has no descriptor left.
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
_WARNING_PAUSE_SECONDS = 60.0

# How many connections wait to be accepted, and how many the loop accepts in one turn.
_BACKLOG = 128

# What the kernel holds for a client that does not read; by default, it is four times as much.
_KERNEL_BYTES = 1024 * 1024

# The most that one record of TLS contains.
_TLS_RECORD_BYTES = 16 * 1024

# The scheme and host before the path of an absolute-form target (RFC 9112, 3.2.2).
_ABSOLUTE_FORM = re.compile(rb"https?://[^/?#]*(.*)", re.IGNORECASE | re.DOTALL)

# What a client that speaks plain HTTP to a TLS port begins with: a method. TLS begins with a byte
# that is not a letter.
_LETTERS = string.ascii_letters.encode()
_PLAIN_HTTP_TEXT = b"This port uses TLS: begin the URL with https://\n"
_PLAIN_HTTP_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_PLAIN_HTTP_TEXT), _PLAIN_HTTP_TEXT)
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may use. The defaults are documented; only tests set others.

    `connections`: each costs up to a quarter of a megabyte with TLS, and a file descriptor.
    Prometheus needs one or two.
    `header_bytes`: a request line with all headers; no proxy lets through more than half of this.
    `request_seconds`: from the connection, or the last answer, to the end of the next request's
    head. Longer than a minute, so a Prometheus that scrapes every minute keeps its connection.
    `answer_seconds`: from there until the client has taken the answer: 53 MB at 10 Mbit/s.
    `stop_seconds`: how long the server waits for unfinished answers when it stops.
    """

    connections: int = 256
    header_bytes: int = 16 * 1024
    request_seconds: float = 75.0
    answer_seconds: float = 60.0
    stop_seconds: int = 1


class Server(uvicorn.Server):
    """Serves an ASGI app until `should_exit` is set."""

    def __init__(
        self,
        app: ASGIApp,
        web_settings: ReloadableSettings | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits = limits or Limits()
        # asyncio keeps 256 KiB ready for what each TLS connection receives.
        SSLProtocol.max_size = _TLS_RECORD_BYTES
        context = (web_settings or ReloadableSettings(WebSettings)).ssl_context
        self._is_tls = context is not None
        super().__init__(
            uvicorn.Config(
                _OriginForm(app),
                access_log=False,
                backlog=_BACKLOG,
                h11_max_incomplete_event_size=limits.header_bytes,
                http=functools.partial(_TimedProtocol, limits),  # type: ignore[arg-type]
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                ssl_context_factory=(lambda config, default: context) if context else None,
                timeout_graceful_shutdown=limits.stop_seconds,
                timeout_keep_alive=math.ceil(limits.request_seconds),
                ws="none",
            )
        )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on `sockets`, which the server closes in the end."""
        open_connections = _OpenConnections(self._limits.connections, self._list_answering)
        asyncio.get_running_loop().set_exception_handler(_handle_exception)
        await super().serve(
            [_LimitedListener(each, open_connections, self._is_tls) for each in sockets or ()]
        )

    def _list_answering(self) -> set[int]:
        """Return the descriptors of the connections on which a request waits for its answer."""
        return {
            protocol.transport.get_extra_info("socket").fileno()
            for protocol in self.server_state.connections
            if isinstance(protocol, _TimedProtocol) and protocol.is_answering
        }

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise SIGTERM again at its end (exit status 143)."""
        yield


class _OriginForm:
    """ASGI middleware that gives a request with an absolute-form target the path in it.

    Clients that take the exporter for a proxy send such targets, and a server must accept them. The
    host is ignored, as `Host` is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = _ABSOLUTE_FORM.fullmatch(scope.get("raw_path", b""))
        if target:
            path = target[1] or b"/"
            scope = {**scope, "path": unquote(path.decode("ascii")), "raw_path": path}
        await self._app(scope, receive, send)


class _HeadLimit(h11.Connection):
    """The state of HTTP/1.1 on one connection; refuses a request whose head is over the limit.

    h11 itself measures a head only while it is incomplete, so one that arrives whole, or while the
    request before it is answered, may have any size.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(h11.SERVER, limit_bytes)
        self._limit_bytes = limit_bytes

    def next_event(self) -> Any:
        if self.their_state is not h11.IDLE:
            return super().next_event()
        received_bytes = len(self.trailing_data[0])
        event = super().next_event()
        head_bytes = received_bytes - len(self.trailing_data[0])
        if isinstance(event, h11.Request) and head_bytes > self._limit_bytes:
            raise h11.RemoteProtocolError("the head is too long", error_status_hint=431)
        return event


class _TimedProtocol(SlicingProtocol):
    """HTTP/1.1 on one connection; breaks it off if the client is too slow.

    uvicorn alone waits forever for the rest of a request, and for a client that does not read.
    """

    def __init__(self, limits: Limits, **options: Any) -> None:
        super().__init__(**options)
        self.conn = _HeadLimit(limits.header_bytes)
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._answering: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline(self._limits.request_seconds)

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not self._answering:  # a request's head is complete
            self._answering = self.cycle
            names = {name for name, _ in self.headers}
            if {b"content-length", b"transfer-encoding"} <= names:
                # A proxy may have taken the other of the two for the end of the body, and what
                # follows for another client's request (RFC 9112, 6.1).
                self.headers.append((b"connection", b"close"))
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
    connection is closed between two scrapes connects again. `list_answering` returns the
    descriptors of those that are not idle.
    """

    def __init__(self, limit: int, list_answering: Callable[[], Container[int]]) -> None:
        self._limit = limit
        self._list_answering = list_answering
        self._connections: dict[_Connection, None] = {}
        # Shut down, and not closed yet: the event loop does so in its next turn.
        self._leaving: set[_Connection] = set()

    def add(self, connection: _Connection) -> None:
        self._connections[connection] = None
        if len(self._connections) > self._limit:
            self._shut_down(next(iter(self._connections)))

    def remove(self, connection: _Connection) -> None:
        self._connections.pop(connection, None)
        self._leaving.discard(connection)

    def free_descriptor(self) -> bool:
        """Close the oldest idle connection; return whether a descriptor will soon be free."""
        if not self._leaving:
            answering = self._list_answering()
            idle = (each for each in self._connections if each.fileno() not in answering)
            for oldest in idle:
                self._shut_down(oldest)
                break
        return bool(self._leaving)

    def _shut_down(self, connection: _Connection) -> None:
        self.remove(connection)
        self._leaving.add(connection)
        with contextlib.suppress(OSError):  # the client has just closed it
            connection.shutdown(socket.SHUT_RDWR)


class _LimitedListener(socket.socket):
    """A listening socket that counts its connections; takes over the open socket `listening`.

    It counts at the socket because the event loop and its server learn of a TLS connection only
    after the handshake, which a client may leave unfinished.
    """

    def __init__(
        self, listening: socket.socket, open_connections: _OpenConnections, is_tls: bool
    ) -> None:
        super().__init__(fileno=listening.detach())
        self._open_connections = open_connections
        self._make_connection = _TlsConnection if is_tls else _Connection
        self._warned_at = -math.inf

    def accept(self) -> tuple[socket.socket, Any]:
        try:
            connection, address = super().accept()
        except OSError as err:
            if err.errno not in _NO_DESCRIPTOR:
                raise
            self._warn(err)
            if self._open_connections.free_descriptor():
                raise BlockingIOError from None  # the event loop tries again in its next turn
            raise  # it tries again in a second
        return self._make_connection(connection, self._open_connections), address

    def _warn(self, err: OSError) -> None:
        now = time.monotonic()
        if now - self._warned_at >= _WARNING_PAUSE_SECONDS:
            self._warned_at = now
            _log.warning(
                "no file descriptor is left: the oldest idle client is disconnected for each new "
                "one: raise the limit (ulimit -n, LimitNOFILE)",
                extra={"error": err.strerror},
            )


class _Connection(socket.socket):
    def __init__(self, connection: socket.socket, open_connections: _OpenConnections) -> None:
        super().__init__(fileno=connection.detach())
        self._open_connections = open_connections
        open_connections.add(self)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Linux, macOS
            with contextlib.suppress(OSError):  # the client has just closed it
                self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _KERNEL_BYTES)

    def close(self) -> None:
        self._open_connections.remove(self)
        super().close()


class _TlsConnection(_Connection):
    """A connection whose client must begin with TLS; plain HTTP gets 400 and the end.

    It is answered at the socket because the event loop breaks off a failed handshake unanswered.
    """

    _has_begun = False

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        received_bytes = super().recv_into(buffer, nbytes, flags)
        if not self._has_begun and received_bytes:
            self._has_begun = True
            if memoryview(buffer)[0] in _LETTERS:
                with contextlib.suppress(OSError):  # the client has left
                    self.send(_PLAIN_HTTP_ANSWER)
                return 0  # as if the client had closed the connection
        return received_bytes


def _handle_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what asyncio reports, but not that accept() failed: it would do so every second."""
    if getattr(context.get("exception"), "errno", None) not in _NO_DESCRIPTOR:
        loop.default_exception_handler(context)
