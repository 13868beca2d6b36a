"""The long-running process: reads its files, listens, and serves until it is stopped."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from seq_exporter.config.file import find_config, load_config
from seq_exporter.config.model import Config, take_part
from seq_exporter.config.shard import Shard
from seq_exporter.errors import ListenError
from seq_exporter.logs import configure_logs
from seq_exporter.serve.loading import LOAD_SECONDS, load_within
from seq_exporter.serve.process import AutoReload, run_exporter
from seq_exporter.serve.signals import exiting_when_stopped
from seq_exporter.serve.watch import Watch
from seq_exporter.threads import call_within
from seq_exporter.web.server.listen import open_sockets
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings


def run_serve(
    config_file: str,
    listen_addresses: Sequence[str],
    web_config_file: str,
    *,
    auto_reload_seconds: float,
    shard: Shard,
    by_subuser: bool,
    enable_lifecycle: bool,
    log_level: str,
    log_format: str,
) -> None:
    """Poll and serve until SIGTERM or SIGINT. Raises ConfigError or ListenError."""
    configure_logs(log_level, log_format)

    def load() -> Config:
        return take_part(load_config(path, os.environ), shard, by_subuser=by_subuser)

    seconds = auto_reload_seconds
    with exiting_when_stopped():
        path = load_within(lambda: find_config(config_file), config_file)
        # Created before the file is read, so that it notices a change in between.
        auto_reload = AutoReload(Watch(lambda: [path]), seconds) if seconds else None
        config = load_within(load, str(path))
        web_settings = ReloadableSettings(lambda: _load_web_settings(web_config_file))
        sockets = _listen(listen_addresses)
    running = run_exporter(
        config,
        load,
        sockets,
        web_settings,
        enable_lifecycle=enable_lifecycle,
        auto_reload=auto_reload,
        shard=shard,
    )
    asyncio.run(running)


def _load_web_settings(name: str) -> WebSettings:
    if not name:
        return WebSettings()
    # Imported only if there is a file: without one, its sections and bcrypt would be of no use.
    from seq_exporter.web.settings.file import load_web_settings

    return load_within(lambda: load_web_settings(Path(name)), name)


def _listen(addresses: Sequence[str]) -> list[socket.socket]:
    """Open the sockets in a thread: while a name is resolved, nobody could stop the process."""
    try:
        return call_within(LOAD_SECONDS, lambda: open_sockets(addresses), "listen")
    except OSError as err:
        raise ListenError(
            f"cannot listen on {', '.join(addresses)}: {err.strerror}: correct --web.listen-address"
        ) from err
