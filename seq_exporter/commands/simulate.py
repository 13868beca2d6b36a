"""`seq-exporter simulate`: the simulated SendGrid alone, with its flags."""

from __future__ import annotations

import asyncio
from datetime import datetime

import click

from seq_exporter.clock import Clock, midnight, utc_day
from seq_exporter.commands.flags import duration
from seq_exporter.logs import configure_logs
from seq_exporter.serve.process import run_servers
from seq_exporter.serve.signals import exiting_when_stopped
from seq_exporter.simulator.api import build_app
from seq_exporter.simulator.fleet import Fleet, render_config
from seq_exporter.simulator.kinds import KINDS
from seq_exporter.web.server.listen import local_url, open_sockets
from seq_exporter.web.server.server import Server

# The others are about the exporter, not about what SendGrid's API returns.
_KINDS = [name for name, kind in KINDS.items() if kind.is_of_sendgrid]


@click.command()
@click.option(
    "--listen",
    default="127.0.0.1:10738",
    metavar="ADDRESS",
    help="Address to listen on.",
)
@click.option(
    "--accounts",
    type=click.IntRange(1, 1000),
    default=3,
    help="Number of accounts.",
)
@click.option(
    "--subusers",
    type=click.IntRange(0, 1_000_000),
    help="Number of subusers in each account.  [default: 40, or that of the kind]",
)
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default="default",
    metavar="KIND",
    help=f"How scores vary, when they appear, and who falls: {', '.join(_KINDS)}.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    help="The same number makes the same fleet.",
)
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The simulated current day (UTC).  [default: the real one]",
)
@click.option(
    "--delay",
    type=duration,
    default="12h",
    help="How long after the end of a day its scores appear.",
)
@click.option(
    "--rate-limit",
    type=click.IntRange(1),
    default=600,
    help="Requests a minute that a key may send to each endpoint.",
)
def simulate(
    listen: str,
    accounts: int,
    subusers: int | None,
    kind: str,
    seed: int,
    today: datetime | None,
    delay: float,
    rate_limit: int,
) -> None:
    """Simulate SendGrid, and print a configuration for it.

    With that configuration, `seq-exporter serve` polls the simulator.
    """
    configure_logs("warn", "logfmt")
    real = Clock()
    offset_seconds = midnight(today.date()) - midnight(real.today()) if today else 0

    def clock() -> float:
        return real.now() + offset_seconds

    with exiting_when_stopped():  # a million subusers take a while
        chosen = KINDS[kind]
        count = chosen.subusers if subusers is None else subusers
        fleet = Fleet(seed, accounts, count, anchor=utc_day(clock()), kind=chosen)
        sockets = open_sockets([listen], "--listen")
        click.echo(render_config(fleet, local_url(sockets[0])))
    app = build_app(fleet, clock=clock, delay_seconds=delay, rate_limit_per_minute=rate_limit)
    asyncio.run(run_servers((Server(app), sockets)))
