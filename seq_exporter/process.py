"""One process: what runs beside what in its event loop, and what signals do to it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp

from seq_exporter.app import Exporter
from seq_exporter.config import Config
from seq_exporter.web.listen import describe_socket
from seq_exporter.web.routes import build_app
from seq_exporter.web.server import Server
from seq_exporter.web.settings import WebSettings

_log = logging.getLogger(__name__)

#: A server, and the open sockets that it serves on.
Served = tuple[Server, Sequence[socket.socket]]


async def run_exporter(
    config: Config,
    load: Callable[[], Config],
    sockets: Sequence[socket.socket],
    settings: WebSettings,
    *,
    enable_lifecycle: bool = False,
    beside: Sequence[Served] = (),
) -> None:
    """Poll and serve until SIGTERM or SIGINT; SIGHUP takes what `load` returns then.

    Servers that are to run `beside` it share its event loop.
    """
    exporter = Exporter(config, load)
    server = Server(build_app(exporter, settings, enable_lifecycle=enable_lifecycle), settings)
    reloads: set[asyncio.Task[str | None]] = set()  # a task that nobody holds may vanish

    def reload() -> None:
        task = asyncio.create_task(exporter.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    exporter.start()
    _log.info(
        "seq-exporter runs",
        extra={
            "address": ",".join(map(describe_socket, sockets)),
            "tls": settings.ssl_context is not None,
            "accounts": len(config.accounts),
        },
    )
    try:
        await run_servers((server, sockets), *beside)
    finally:
        exporter.stop()
    _log.info("seq-exporter stops")


async def run_app(app: ASGIApp, sockets: Sequence[socket.socket]) -> None:
    """Serve `app` until SIGTERM or SIGINT."""
    await run_servers((Server(app), sockets))


async def run_servers(*served: Served) -> None:
    """Serve until SIGTERM or SIGINT; the sockets are closed in the end."""

    def stop() -> None:
        for server, _ in served:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await asyncio.gather(*(server.serve(sockets=list(sockets)) for server, sockets in served))
