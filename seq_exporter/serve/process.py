"""One process: the tasks in its event loop, and its signals."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial

from seq_exporter.config.model import Config
from seq_exporter.config.shard import WHOLE, Shard
from seq_exporter.serve.descriptors import raise_descriptor_limit
from seq_exporter.serve.exporter import Exporter
from seq_exporter.serve.signals import hold_signals, release_signals
from seq_exporter.serve.watch import Watch, follow
from seq_exporter.threads import DaemonThreads
from seq_exporter.web.routes import build_app
from seq_exporter.web.server.listen import describe_socket
from seq_exporter.web.server.server import Server
from seq_exporter.web.settings.reloadable import ReloadableSettings

_log = logging.getLogger(__name__)

#: A server, and the open sockets that it serves on.
Served = tuple[Server, Sequence[socket.socket]]

# How soon a new certificate, or the removal of a user, takes effect.
_WEB_RELOAD_SECONDS = 5.0

# How long a poll that renders may keep the event loop waiting. With Python's default of 5 ms, a
# scrape, which takes many steps, would wait a tenth of a second.
_SWITCH_SECONDS = 0.0005

# Python's defaults, but for the last number: a full garbage collection comes after so many of newer
# objects, instead of after 10. It looks at all accounts, and a scrape waits for it: 0.2 s with
# 5,000 accounts, and with 10 several times in their first polls. It frees the cycles that errors
# and templates leave: with 1000, they took some megabytes before it came.
_GC_THRESHOLDS = (700, 10, 100)

# glibc's M_MMAP_THRESHOLD. Larger blocks that are freed go back to the system, and smaller ones
# are used again. Unless it is set, glibc raises it from 128 KiB to the size of the largest block
# freed so far, and keeps 20 MB after a poll of 100,000 subusers. With 128 KiB, each of SendGrid's
# pages, of 270 kB, would be in new memory: a poll would take 4 % more CPU time.
_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES = -3, 512 * 1024


@dataclass(frozen=True, slots=True)
class AutoReload:
    """Reload when `watch` sees a change; look every `interval_seconds`."""

    watch: Watch
    interval_seconds: float


async def run_exporter(
    config: Config,
    load: Callable[[], Config],
    sockets: Sequence[socket.socket],
    web_settings: ReloadableSettings,
    *,
    enable_lifecycle: bool = False,
    auto_reload: AutoReload | None = None,
    shard: Shard = WHOLE,
    also: Sequence[Served] = (),
) -> None:
    """Poll and serve until SIGTERM or SIGINT; SIGHUP reloads the configuration with `load`.

    The servers in `also` share its event loop.
    """
    raise_descriptor_limit()
    _tune_interpreter()
    exporter = Exporter(config, load, shard=shard)
    server = Server(
        build_app(exporter, web_settings, enable_lifecycle=enable_lifecycle), web_settings
    )
    reloads = _begin_reloads(exporter, web_settings, auto_reload)
    exporter.start()
    _log.info(
        "seq-exporter started",
        extra={
            "address": ",".join(map(describe_socket, sockets)),
            "tls": web_settings.ssl_context is not None,
            "accounts": len(config.accounts),
        },
    )
    try:
        await run_servers((server, sockets), *also, before_stop=exporter.end_views)
    finally:
        exporter.stop()
        for task in reloads:
            task.cancel()
    _log.info("seq-exporter stopped")


def _tune_interpreter() -> None:
    """Set how Python and glibc share the processor and return memory."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    # What is imported stays: garbage collection need not look at it.
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)


def _begin_reloads(
    exporter: Exporter, web_settings: ReloadableSettings, auto_reload: AutoReload | None
) -> set[asyncio.Task[object]]:
    """Reload at SIGHUP and when files change from now on; return the tasks that do so."""
    tasks: set[asyncio.Task[object]] = set()  # a task without a reference may be garbage-collected

    def begin(coroutine: Coroutine[None, None, object]) -> None:
        task = asyncio.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    threads = DaemonThreads(1)

    async def reload_web() -> None:
        is_successful = False
        try:
            is_successful = await threads.run(web_settings.reload)
        finally:  # `follow` logs the error
            exporter.telemetry.observe_web_reload(is_successful)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: begin(exporter.reload()))
    watch = Watch(lambda: web_settings.current.files)
    # Again after each failure: the mistake may be in a file that is not watched yet.
    begin(
        follow(
            lambda: watch.has_changed() or web_settings.is_behind, _WEB_RELOAD_SECONDS, reload_web
        )
    )
    if auto_reload:
        # Again after each failure: the mistake may be a key file that does not exist yet.
        begin(
            follow(
                lambda: auto_reload.watch.has_changed() or exporter.is_behind,
                auto_reload.interval_seconds,
                partial(exporter.reload, is_retry=True),
            )
        )
    return tasks


async def run_servers(*served: Served, before_stop: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, then close the sockets.

    A server stops once it has answered: `before_stop` ends what an answer may wait for. Takes the
    signals that are held, and holds later ones: the process ends with status 0.
    """

    def stop() -> None:
        before_stop()
        for server, _ in served:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    release_signals()
    try:
        await asyncio.gather(*(server.serve(sockets=list(sockets)) for server, sockets in served))
    finally:
        hold_signals()  # the event loop ends, and with it the handlers
