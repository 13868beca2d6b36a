"""The command `seq-exporter serve`: its flags."""

from __future__ import annotations

import gc
from collections.abc import Sequence

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
from seq_exporter.config.shard import Shard


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
    # What is imported stays, so looking for garbage meanwhile would be in vain: a twentieth of the
    # start. `run_exporter` enables it again.
    gc.disable()
    # Not imported with the flags: `--help` and a shell's completion need no server.
    from seq_exporter.commands.serve.run import run_serve

    run_serve(
        config_file,
        web_listen_address,
        web_config_file,
        auto_reload_seconds=config_auto_reload_interval,
        shard=shard,
        by_subuser=shard_by == "subuser",
        enable_lifecycle=web_enable_lifecycle,
        log_level=log_level,
        log_format=log_format,
    )
