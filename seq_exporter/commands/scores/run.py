"""Reads the accounts' scores, and prints or writes them in the format that was asked for."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from seq_exporter.commands.flags import choose_accounts
from seq_exporter.commands.messages import print_error, write_file
from seq_exporter.commands.scores.fetch import Period, fetch_all
from seq_exporter.commands.scores.formats import render_csv, render_json, render_openmetrics
from seq_exporter.commands.scores.summary import Choice, Found, explain_empty, print_summary
from seq_exporter.commands.scores.table import print_table
from seq_exporter.config.file import find_config, load_config
from seq_exporter.errors import PollError

# The rows of a table that is printed, if no limit is given.
_ROWS = 50


def run_scores(
    config_file: str,
    names: Sequence[str],
    period: Period,
    choice: Choice,
    *,
    limit: int | None,
    style: str,
    output: str | None,
) -> bool:
    """Show the scores of `period`, or write them to `output`; return whether all accounts answered.

    Raises ConfigError or CannotWrite.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name with characters that the terminal lacks is not a reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    config = load_config(find_config(config_file), os.environ)
    accounts = choose_accounts(config, names)
    answers = fetch_all(accounts, config.poll, period)
    found = []
    for asked, answer in zip(accounts, answers, strict=True):
        if isinstance(answer, PollError):
            print_error(f"{asked.name}: {answer}")
        else:
            found.append((asked, answer))
    failed = len(found) < len(accounts)
    if style == "table" and not output:
        print_summary(found, choice, period.history, _ROWS if limit is None else limit)
    elif not output:
        # Bytes: click would take out what looks like a colour, and a terminal's encoding may lack
        # characters. Programs read UTF-8.
        click.echo(_render(found, choice, period.history, style, limit).encode(), nl=False)
    elif not failed:
        write_file(Path(output), _render(found, choice, period.history, style, limit))
    if output and failed:
        print_error(f"{output} is left as it was")
    return not failed


def _render(found: Found, choice: Choice, history: int, style: str, limit: int | None) -> str:
    if style == "openmetrics":
        return render_openmetrics([(account, each.snapshot) for account, each in found])
    rows = choice.take(found, history)[: limit or None]
    if style == "csv":
        return render_csv(rows)
    if style == "json":
        return render_json(rows)
    if not rows:
        return f"{explain_empty(choice)}\n"
    text = io.StringIO()
    print_table(rows, Console(file=text, width=200, no_color=True), of_accounts=len(found))
    return text.getvalue()
