"""What a command leaves with the person at the terminal: messages, and files of results."""

from __future__ import annotations

from pathlib import Path

import click

from seq_exporter.errors import CannotWrite
from seq_exporter.escapes import show_lines
from seq_exporter.files import writing_to


def print_message(text: str) -> None:
    """Print text of one or more lines to standard output, as `show` shows names in it."""
    click.echo(show_lines(text))


def print_error(text: str) -> None:
    """Print `seq-exporter: ` and the text to standard error, as `show` shows names in it."""
    click.echo(f"seq-exporter: {show_lines(text)}", err=True)


def count(number: int, thing: str) -> str:
    """Return `1 day`, `2 days`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def write_file(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file that the user named, whole or not at all. Raises CannotWrite."""
    try:
        with writing_to(path, mode=mode) as file:
            file.write(text.encode())
    except OSError as err:
        raise CannotWrite(f"cannot write {path}: {err.strerror}") from None
