"""The command `seq-exporter scores`: which scores to show, in which order and format."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date

import click

from seq_exporter.clock import Clock
from seq_exporter.commands.completion import complete_subusers
from seq_exporter.commands.flags import (
    account_flag,
    config_flag,
    explain_day,
    flag,
    read_date,
    read_number,
    whole_number,
)
from seq_exporter.commands.scores.columns import SORTS
from seq_exporter.scores import DAYS_KEPT
from seq_exporter.serve.signals import holding_signals

_FORMATS = ("table", "json", "csv", "openmetrics")


def _day(text: str) -> date | None:
    chosen = read_date(text)
    if chosen and (reason := explain_day(chosen, Clock().today())):
        raise click.BadParameter(reason)
    return chosen


@click.command()
@config_flag
@account_flag("Only")
@flag(
    "subuser",
    multiple=True,
    metavar="GLOB",
    help="Only subusers that match this. Repeatable.",
    shell_complete=complete_subusers,
)
@flag("below", type=read_number, metavar="SCORE", help="Only overall scores below this.")
@flag(
    "sort",
    type=click.Choice(SORTS),
    default="overall",
    metavar="COLUMN",
    help=f"The lowest of this first: {', '.join(SORTS)}.",
)
@flag("descending", earlier_name="reverse", is_flag=True, help="The highest first.")
@flag(
    "limit",
    type=whole_number(0),
    metavar="ROWS",
    help="At most so many rows; 0: all.  [default: 50 in a table, all in a file, CSV and JSON]",
)
@flag(
    "date",
    "day",
    type=_day,
    metavar="YYYY-MM-DD",
    help="This day (UTC) instead of the newest with scores.",
)
@flag(
    "history",
    type=whole_number(0, DAYS_KEPT),
    default=0,
    metavar="DAYS",
    help="Draw this many days. Each takes a request for every 1,000 subusers; without it, only "
    "the days 7 and 30 before are read.",
)
@flag(
    "format",
    "style",
    type=click.Choice(_FORMATS),
    default="table",
    help="`openmetrics` is what `serve` would publish, for a textfile collector.",
)
@flag(
    "output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write there, in one step, and only if every account has answered.",
)
def scores(
    config_file: str,
    names: Sequence[str],
    subuser: tuple[str, ...],
    below: float | None,
    sort: str,
    descending: bool,
    limit: int | None,
    day: date | None,
    history: int,
    style: str,
    output: str | None,
) -> None:
    """Show the newest scores, worst first.

    Each is compared with the scores of 7 and of 30 days before. If an account does not answer, its
    error is printed and the others are shown; the exit status is 1.
    """
    _refuse_misplaced(style, below, subuser, limit, history)
    # Not imported with the flags: `--help` and a shell's completion need neither SendGrid nor Rich.
    with holding_signals():
        from seq_exporter.commands.scores.fetch import Period
        from seq_exporter.commands.scores.run import run_scores
        from seq_exporter.commands.scores.summary import Choice

    period = Period(day, history)
    choice = Choice(subuser, below, sort, descending)
    is_complete = run_scores(
        config_file, names, period, choice, limit=limit, style=style, output=output
    )
    sys.exit(0 if is_complete else 1)


def _refuse_misplaced(
    style: str, below: float | None, subuser: Sequence[str], limit: int | None, history: int
) -> None:
    """Refuse flags that mean nothing in this format, instead of ignoring them."""
    if style == "openmetrics" and (below is not None or limit is not None):
        which = "--limit" if below is None else "--below"
        raise click.UsageError(f"{which} is for rows: a series that comes and goes is of no use")
    if style == "openmetrics" and subuser:
        raise click.UsageError(
            "--subuser is for rows: the numbers of subusers would be those of the chosen ones; "
            "choose with `subusers:` in the configuration"
        )
    if style in ("csv", "openmetrics") and history:
        raise click.UsageError(f"--history is for tables and JSON: {style} holds one day")
