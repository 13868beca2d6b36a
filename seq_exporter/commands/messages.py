"""Messages for the person at the terminal."""

from __future__ import annotations

import click

from seq_exporter.escapes import show_lines


def print_message(text: str) -> None:
    """Print text of one or more lines to standard output, as `show` shows names in it."""
    click.echo(show_lines(text))


def print_error(text: str) -> None:
    """Print `seq-exporter: ` and the text to standard error, as `show` shows names in it."""
    click.echo(f"seq-exporter: {show_lines(text)}", err=True)


def count(number: int, thing: str) -> str:
    """Return `1 day`, `2 days`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
