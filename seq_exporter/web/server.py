"""The HTTP server: uvicorn, with the sockets, the headers and the stop that this program wants."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from seq_exporter.web.settings import WebSettings


class Server(uvicorn.Server):
    """Serves an ASGI app, until `should_exit` is set."""

    def __init__(self, app: ASGIApp, settings: WebSettings | None = None) -> None:
        settings = settings or WebSettings()
        context = settings.ssl_context
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                headers=list(settings.headers.items()),
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                ssl_context_factory=(lambda config, default: context) if context else None,
                timeout_graceful_shutdown=1,
                ws="none",
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise SIGTERM again at its end: exit status 143."""
        yield
