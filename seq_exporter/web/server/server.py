"""The HTTP server: uvicorn, with the sockets, the limits and the stop that this program wants."""

from __future__ import annotations

import contextlib
import functools
import math
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from seq_exporter.web.server.connections import ConnectionLimit, LimitedListener
from seq_exporter.web.server.protocol import Limits, TimedProtocol
from seq_exporter.web.settings.file import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings

# Connections that wait to be accepted; and how many are accepted in one turn of the loop.
_BACKLOG = 128


class Server(uvicorn.Server):
    """Serves an ASGI app, until `should_exit` is set."""

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
                http=functools.partial(TimedProtocol, limits),  # type: ignore[arg-type]
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
        """Serve on `sockets`, which belong to the server from here on."""
        guests = ConnectionLimit(self._limits.connections)
        await super().serve([LimitedListener(listening, guests) for listening in sockets or ()])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise SIGTERM again at its end: exit status 143."""
        yield
