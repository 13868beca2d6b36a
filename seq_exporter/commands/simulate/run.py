"""The simulated SendGrid: makes a fleet, listens, and answers until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from datetime import date
from pathlib import Path

import click

from seq_exporter.clock import Clock, midnight, utc_day
from seq_exporter.commands.messages import print_message, write_file
from seq_exporter.errors import CannotWrite
from seq_exporter.logs import configure_logs
from seq_exporter.serve.process import run_servers
from seq_exporter.serve.signals import exiting_when_stopped
from seq_exporter.simulator.api import build_app
from seq_exporter.simulator.fleet import CONFIG_MARK, Fleet, render_config
from seq_exporter.simulator.kinds import Kind
from seq_exporter.web.server.listen import local_url, open_sockets
from seq_exporter.web.server.server import Server


def run_simulate(
    address: str,
    *,
    accounts: int,
    subusers: int | None,
    kind: Kind,
    seed: int,
    today: date | None,
    delay_seconds: float,
    rate_limit_per_minute: int,
    config_file: Path | None,
) -> None:
    """Write or print a configuration for the simulator, then serve until SIGTERM or SIGINT."""
    configure_logs("warn", "logfmt")
    real = Clock()
    offset_seconds = midnight(today) - midnight(real.today()) if today else 0

    def clock() -> float:
        return real.now() + offset_seconds

    with exiting_when_stopped():  # a million subusers take a while
        count = kind.subusers if subusers is None else subusers
        fleet = Fleet(seed, accounts, count, anchor=utc_day(clock()), kind=kind)
        sockets = open_sockets([address], "--listen")
        url = local_url(sockets[0])
        config = render_config(fleet, url)
        if config_file:
            _refuse_another(config_file)
            write_file(config_file, config, mode=0o600)
            print_message(_explain(config_file, url))
        else:
            click.echo(config)
    app = build_app(
        fleet,
        clock=clock,
        delay_seconds=delay_seconds,
        rate_limit_per_minute=rate_limit_per_minute,
    )
    asyncio.run(run_servers((Server(app), sockets)))


def _refuse_another(config_file: Path) -> None:
    """Raise CannotWrite if the file exists and is the user's own: it may hold keys."""
    with contextlib.suppress(OSError):
        if config_file.is_file() and not config_file.read_bytes().startswith(CONFIG_MARK.encode()):
            raise CannotWrite(
                f"cannot write {config_file}: simulate did not write this file: name another"
            )


def _explain(config_file: Path, url: str) -> str:
    is_default = str(config_file) == "config.yaml"
    flag = "" if is_default else f" --config.file={shlex.quote(str(config_file))}"
    return (
        f"SendGrid is simulated at {url}, and {config_file} is written for it.\n"
        f"In another shell:\n\n  seq-exporter serve{flag}\n\n"
        "Ctrl-C stops the simulator."
    )
