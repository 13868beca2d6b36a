"""What a command leaves with the person at the terminal: messages, and files of results."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from seq_exporter.errors import CannotWrite
from seq_exporter.escapes import show, show_lines
from seq_exporter.files import writing_to

# Longer than any pause that SendGrid has not asked for: retries wait 2.5 s at most.
_LONG_PAUSE_SECONDS = 3.0


def print_message(text: str) -> None:
    """Print text of one or more lines to standard output, as `show` shows names in it."""
    click.echo(show_lines(text))


def print_error(text: str) -> None:
    """Print `seq-exporter: ` and the text to standard error, as `show` shows names in it."""
    click.echo(f"seq-exporter: {show_lines(text)}", err=True)


def telling_pauses(
    account: str, sleep: Callable[[float], None] = time.sleep
) -> Callable[[float], None]:
    """Return a `sleep` that tells of a long pause on standard error: it would look like a hang."""

    def pause(seconds: float) -> None:
        if seconds >= _LONG_PAUSE_SECONDS:
            click.echo(f"{show(account)}: SendGrid asks to wait {seconds:.0f} s", err=True)
        sleep(seconds)

    return pause


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
