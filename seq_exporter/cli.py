"""Commands, flags and exit status: 0 done, 1 failed, 2 wrong use or configuration."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from seq_exporter import __version__
from seq_exporter.backfill.command import backfill
from seq_exporter.checking.command import check
from seq_exporter.config import Config, take_part
from seq_exporter.configfile import find_config, load_config
from seq_exporter.durations import DAY_SECONDS
from seq_exporter.errors import ConfigError, SeqExporterError
from seq_exporter.flags import (
    config_flag,
    flag,
    listen_flag,
    log_flags,
    read_duration,
    read_shard,
    web_config_flag,
)
from seq_exporter.logs import configure_logs
from seq_exporter.process import AutoReload, run_app, run_exporter
from seq_exporter.scoreboard.command import scores
from seq_exporter.shard import Shard
from seq_exporter.simulator.api import build_app as build_simulator
from seq_exporter.simulator.configuration import render_config
from seq_exporter.simulator.fleet import Fleet
from seq_exporter.watch import Watch
from seq_exporter.web.listen import local_url, open_sockets
from seq_exporter.web.live import LiveSettings
from seq_exporter.web.server import Server
from seq_exporter.web.settings import WebSettings, load_web_settings


def main() -> None:
    """Run the command line; the program's own errors become one message and an exit status."""
    try:
        commands(prog_name="seq-exporter")
    except SeqExporterError as err:
        click.echo(f"seq-exporter: {err}", err=True)
        sys.exit(2 if isinstance(err, ConfigError) else 1)
    except OSError as err:  # of standard output: a full disk, above all
        click.echo(f"seq-exporter: cannot write what there is to say: {err.strerror}", err=True)
        # What is left in the buffer would be tried again at the end, and fail with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


# The marks keep click from filling the lines anew.
_EPILOG = """\b
A look, without a key:  seq-exporter demo
With yours:             seq-exporter check && seq-exporter serve
Completion, in bash:    eval "$(_SEQ_EXPORTER_COMPLETE=bash_source seq-exporter)"

Each flag can be an environment variable too: SEQ_EXPORTER_ and its name, as
`seq-exporter COMMAND --help` shows it. The exit status is 0 for done, 1 for
failed, 2 for wrong use or a wrong configuration.
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(
    __version__, message=f"%(prog)s %(version)s (python {platform.python_version()})"
)
def commands() -> None:
    """Prometheus exporter for SendGrid Engagement Quality (SEQ) scores."""


@commands.command()
@config_flag
@flag(
    "config.auto-reload-interval",
    default="0s",
    show_default=True,
    metavar="DURATION",
    callback=read_duration,
    help="How often to look whether --config.file has changed, and reload it then; 0s: never.",
)
@listen_flag
@web_config_flag
@flag("web.enable-lifecycle", is_flag=True, help="Allow reloading by POST /-/reload.")
@flag(
    "shard",
    default="0/1",
    show_default=True,
    metavar="I/N",
    callback=read_shard,
    help="Do part I, counted from 0, of the work of N processes.",
)
@flag(
    "shard-by",
    type=click.Choice(["account", "subuser"]),
    default="account",
    show_default=True,
    help="Divide accounts, or the subusers of each: then each process polls every account.",
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
    path = find_config(config_file)

    def load() -> Config:
        config = load_config(path, os.environ)
        return take_part(config, shard, by_subuser=shard_by == "subuser")

    # Before the file is read: a change after that is one.
    watch = Watch(lambda: [path])
    seconds = config_auto_reload_interval
    config = load()
    live = LiveSettings(
        lambda: load_web_settings(Path(web_config_file)) if web_config_file else WebSettings()
    )
    running = run_exporter(
        config,
        load,
        open_sockets(web_listen_address),
        live,
        enable_lifecycle=web_enable_lifecycle,
        auto_reload=AutoReload(watch, seconds) if seconds else None,
        shard=shard,
    )
    asyncio.run(running)


@commands.command()
@listen_flag
@log_flags("warn")
def demo(web_listen_address: Sequence[str], log_level: str, log_format: str) -> None:
    """Serve a pretend fleet: no key, no network, no file.

    It has three accounts, each with 40 subusers and 90 days of history.
    """
    configure_logs(log_level, log_format)
    fleet = Fleet(anchor=datetime.now(UTC).date())
    sockets = open_sockets(web_listen_address)
    simulator_sockets = open_sockets(["127.0.0.1:0"])
    config = _parse_config(render_config(fleet, local_url(simulator_sockets[0])))
    url = local_url(sockets[0])
    click.echo(
        "A pretend fleet of three accounts is polled; its scores are there in a second:\n\n"
        f"  metrics      {url}/metrics\n"
        f"  status page  {url}/\n\n"
        "Ctrl-C stops the demo."
    )
    beside = (Server(build_simulator(fleet)), simulator_sockets)
    live = LiveSettings(WebSettings)
    asyncio.run(run_exporter(config, lambda: config, sockets, live, beside=[beside]))


@commands.command()
@click.option(
    "--listen",
    default="127.0.0.1:10738",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on.",
)
@click.option(
    "--accounts",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help="How many accounts there are.",
)
@click.option(
    "--subusers",
    type=click.IntRange(0, 1_000_000),
    default=40,
    show_default=True,
    help="How many subusers each account has.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Another number is another fleet; the same is the same one.",
)
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Pretend that it is this day (UTC).  [default: the real one]",
)
@click.option(
    "--delay",
    default="12h",
    show_default=True,
    callback=read_duration,
    metavar="DURATION",
    help="How long after the end of a day its scores appear.",
)
@click.option(
    "--rate-limit",
    type=click.IntRange(1),
    default=600,
    show_default=True,
    help="Requests a minute that a key has for each endpoint.",
)
def simulate(
    listen: str,
    accounts: int,
    subusers: int,
    seed: int,
    today: datetime | None,
    delay: float,
    rate_limit: int,
) -> None:
    """Pretend to be SendGrid, and print a config for it.

    The configuration makes `seq-exporter serve` poll this pretence.
    """
    configure_logs("warn", "logfmt")
    offset_seconds = 0.0
    if today:
        midnight = time.time() // DAY_SECONDS * DAY_SECONDS
        offset_seconds = today.replace(tzinfo=UTC).timestamp() - midnight

    def clock() -> float:
        return time.time() + offset_seconds

    fleet = Fleet(seed, accounts, subusers, anchor=datetime.fromtimestamp(clock(), UTC).date())
    sockets = open_sockets([listen], "--listen")
    click.echo(render_config(fleet, local_url(sockets[0])))
    app = build_simulator(fleet, clock=clock, delay_seconds=delay, rate_limit_per_minute=rate_limit)
    asyncio.run(run_app(app, sockets))


commands.add_command(backfill)
commands.add_command(check)
commands.add_command(scores)


def _parse_config(text: str) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, {})
