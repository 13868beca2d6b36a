"""`seq-exporter serve`: the long-running process, with its flags."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import click

from seq_exporter.commands.flags import (
    config_flag,
    duration,
    flag,
    listen_flag,
    log_flags,
    read_shard,
    web_config_flag,
)
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
from seq_exporter.web.settings.file import WebSettings, load_web_settings
from seq_exporter.web.settings.reloadable import ReloadableSettings


@click.command()
@config_flag
@flag(
    "config.auto-reload-interval",
    default="0s",
    type=duration,
    help="How often to check --config.file for changes and reload it; 0s: never.",
)
@listen_flag
@web_config_flag
@flag("web.enable-lifecycle", is_flag=True, help="Allow reloading by POST /-/reload.")
@flag(
    "shard",
    default="0/1",
    metavar="I/N",
    callback=read_shard,
    help="Do part I (counted from 0) of the work of N processes.",
)
@flag(
    "shard-by",
    type=click.Choice(["account", "subuser"]),
    default="account",
    help="Divide the accounts, or the subusers of each account; then each process polls every "
    "account.",
)
@log_flags("info")
def serve(
    config_file: str,
    web_listen_address: Sequence[str],
    web_config_file: str,
    config_auto_reload_interval: float,
    shard: Shard,
    shard_by: str,
    web_enable_lifecycle: bool,
    log_level: str,
    log_format: str,
) -> None:
    """Poll SendGrid and serve the scores on /metrics.

    SIGHUP reloads the configuration file; SIGTERM and SIGINT stop.
    """
    configure_logs(log_level, log_format)

    def load() -> Config:
        config = load_config(path, os.environ)
        return take_part(config, shard, by_subuser=shard_by == "subuser")

    seconds = config_auto_reload_interval
    with exiting_when_stopped():
        path = load_within(lambda: find_config(config_file), config_file)
        # Created before the file is read, so that it notices a change in between.
        auto_reload = AutoReload(Watch(lambda: [path]), seconds) if seconds else None
        config = load_within(load, str(path))
        web_settings = ReloadableSettings(lambda: _load_web_settings(web_config_file))
        sockets = _listen(web_listen_address)
    running = run_exporter(
        config,
        load,
        sockets,
        web_settings,
        enable_lifecycle=web_enable_lifecycle,
        auto_reload=auto_reload,
        shard=shard,
    )
    asyncio.run(running)


def _load_web_settings(name: str) -> WebSettings:
    if not name:
        return WebSettings()
    return load_within(lambda: load_web_settings(Path(name)), name)


def _listen(addresses: Sequence[str]) -> list[socket.socket]:
    """Open the sockets in a thread: while a name is resolved, nobody could stop the process."""
    try:
        return call_within(LOAD_SECONDS, lambda: open_sockets(addresses), "listen")
    except OSError as err:
        raise ListenError(
            f"cannot listen on {', '.join(addresses)}: {err.strerror}: correct --web.listen-address"
        ) from err
