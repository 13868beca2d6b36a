"""The simulated SendGrid: makes a fleet, listens, and answers until it is stopped."""

from __future__ import annotations

import asyncio
from datetime import date

import click

from seq_exporter.clock import Clock, midnight, utc_day
from seq_exporter.logs import configure_logs
from seq_exporter.serve.process import run_servers
from seq_exporter.serve.signals import exiting_when_stopped
from seq_exporter.simulator.api import build_app
from seq_exporter.simulator.fleet import Fleet, render_config
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
) -> None:
    """Print a configuration for the simulator, then serve until SIGTERM or SIGINT."""
    configure_logs("warn", "logfmt")
    real = Clock()
    offset_seconds = midnight(today) - midnight(real.today()) if today else 0

    def clock() -> float:
        return real.now() + offset_seconds

    with exiting_when_stopped():  # a million subusers take a while
        count = kind.subusers if subusers is None else subusers
        fleet = Fleet(seed, accounts, count, anchor=utc_day(clock()), kind=kind)
        sockets = open_sockets([address], "--listen")
        click.echo(render_config(fleet, local_url(sockets[0])))
    app = build_app(
        fleet,
        clock=clock,
        delay_seconds=delay_seconds,
        rate_limit_per_minute=rate_limit_per_minute,
    )
    asyncio.run(run_servers((Server(app), sockets)))
