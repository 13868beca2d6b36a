"""The command `seq-exporter simulate`: its flags."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from seq_exporter.commands.flags import duration, read_date, whole_number
from seq_exporter.simulator.kinds import KINDS

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
    type=whole_number(1, 1000),
    metavar="N",
    default=3,
    help="Number of accounts.",
)
@click.option(
    "--subusers",
    type=whole_number(0, 1_000_000),
    metavar="N",
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
    type=whole_number(),
    metavar="N",
    default=1,
    help="The same number makes the same fleet.",
)
@click.option(
    "--today",
    type=read_date,
    metavar="YYYY-MM-DD",
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
    type=whole_number(1),
    metavar="N",
    default=600,
    help="Requests a minute that a key may send to each endpoint.",
)
@click.option(
    "--write-config",
    type=click.Path(),
    metavar="FILE",
    help="Write the configuration here once the simulator listens, instead of printing it.",
)
def simulate(
    listen: str,
    accounts: int,
    subusers: int | None,
    kind: str,
    seed: int,
    today: date | None,
    delay: float,
    rate_limit: int,
    write_config: str | None,
) -> None:
    """Simulate SendGrid, and print a configuration for it.

    With that configuration, `seq-exporter serve` polls the simulator.
    """
    # Not imported with the flags: `--help` and a shell's completion need no server.
    from seq_exporter.commands.simulate.run import run_simulate

    run_simulate(
        listen,
        accounts=accounts,
        subusers=subusers,
        kind=KINDS[kind],
        seed=seed,
        today=today,
        delay_seconds=delay,
        rate_limit_per_minute=rate_limit,
        config_file=Path(write_config) if write_config else None,
    )
