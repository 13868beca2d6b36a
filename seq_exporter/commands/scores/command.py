"""The command `seq-exporter scores`: which scores to show, in which order and format."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click
from rich.console import Console

from seq_exporter.clock import Clock
from seq_exporter.commands.flags import (
    account_flag,
    choose_accounts,
    config_flag,
    flag,
    read_date,
)
from seq_exporter.commands.messages import print_error
from seq_exporter.commands.scores.fetch import Period, fetch_all
from seq_exporter.commands.scores.formats import render_csv, render_json, render_openmetrics
from seq_exporter.commands.scores.rows import SORTS
from seq_exporter.commands.scores.summary import Choice, Found, print_summary
from seq_exporter.commands.scores.table import print_table
from seq_exporter.config.file import find_config, load_config
from seq_exporter.errors import CannotWrite, PollError
from seq_exporter.files import writing_to

_FORMATS = ("table", "json", "csv", "openmetrics")


def _day(text: str) -> date | None:
    chosen = read_date(text)
    if chosen and chosen > Clock().today():
        raise click.BadParameter(f"{chosen} is in the future")
    return chosen


@click.command()
@config_flag
@account_flag("Only")
@flag("subuser", multiple=True, metavar="GLOB", help="Only subusers that match this. Repeatable.")
@flag("below", type=float, metavar="SCORE", help="Only overall scores below this.")
@flag(
    "sort",
    type=click.Choice(SORTS),
    default="overall",
    metavar="COLUMN",
    help=f"The lowest of this first: {', '.join(SORTS)}.",
)
@flag("reverse", is_flag=True, help="The highest first.")
@flag("limit", type=click.IntRange(0), default=50, help="Rows of a table; 0: all.")
@flag(
    "date",
    "day",
    type=_day,
    metavar="YYYY-MM-DD",
    help="This day (UTC) instead of the newest with scores.",
)
@flag(
    "history",
    type=click.IntRange(0, 90),
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
    reverse: bool,
    limit: int,
    day: date | None,
    history: int,
    style: str,
    output: str | None,
) -> None:
    """Show the newest scores, worst first.

    Each is compared with the scores of 7 and of 30 days before. If an account does not answer, its
    error is printed and the others are shown; the exit status is 1.
    """
    if below is not None and style == "openmetrics":
        raise click.UsageError("--below is for rows: a series that comes and goes is of no use")
    if subuser and style == "openmetrics":
        raise click.UsageError(
            "--subuser is for rows: the numbers of subusers would be those of the chosen ones; "
            "choose with `subusers:` in the configuration"
        )
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name with characters that the terminal lacks is not a reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    config = load_config(find_config(config_file), os.environ)
    accounts = choose_accounts(config, names)
    period = Period(day, history if style in ("table", "json") else 0)
    choice = Choice(subuser, below, sort, reverse)
    answers = asyncio.run(fetch_all(accounts, config.poll, period))
    found = []
    for asked, answer in zip(accounts, answers, strict=True):
        if isinstance(answer, PollError):
            print_error(f"{asked.name}: {answer}")
        else:
            found.append((asked, choice.narrow(answer)))
    failed = len(found) < len(accounts)
    if style == "table" and not output:
        print_summary(found, choice, period.history, limit)
    elif not output:
        # Bytes: click would take out what looks like a colour, and a terminal's encoding may lack
        # characters. Programs read UTF-8.
        click.echo(_render(found, choice, period.history, style).encode(), nl=False)
    elif not failed:
        _write(Path(output), _render(found, choice, period.history, style))
    if output and failed:
        print_error(f"{output} is left as it was")
    sys.exit(1 if failed else 0)


def _render(found: Found, choice: Choice, history: int, style: str) -> str:
    if style == "openmetrics":
        return render_openmetrics([(account, each.snapshot) for account, each in found])
    rows = choice.take(found, history)
    if style == "csv":
        return render_csv(rows)
    if style == "json":
        return render_json(rows)
    text = io.StringIO()
    print_table(rows, Console(file=text, width=200, no_color=True))
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    try:
        with writing_to(path, mode=0o644) as file:
            file.write(text.encode())
    except OSError as err:
        raise CannotWrite(f"cannot write {path}: {err.strerror}") from None
