"""How far a long work is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TextIO

import click

from seq_exporter.clock import Clock

_BAR_WIDTH = 10
# Beside label and text: the bar, percent, the time left (`9d 23:59:59`), and what is between.
_REST_WIDTH = _BAR_WIDTH + 26
_USUAL_COLUMNS = 80
_SECONDS_BETWEEN_LINES = 10.0


# Said at once, as nothing else will be for a while.
_PAUSE = "pausing"

#: Takes what is done: how many more of the total, and a word on where the work is.
Report = Callable[[int, str], None]


@contextlib.contextmanager
def showing(label: str, total: int, unit: str, stream: TextIO, clock: Clock) -> Iterator[Report]:
    """Show how many of `total` units are done, and about how long the rest takes."""
    if stream.isatty():
        with _bar(label, total, stream) as report:
            yield report
    else:
        with _lines(label, total, unit, stream, clock) as report:
            yield report


@contextlib.contextmanager
def _bar(label: str, total: int, stream: TextIO) -> Iterator[Report]:
    # A line that is longer than the terminal would be shown again and again.
    columns = os.get_terminal_size(stream.fileno()).columns or _USUAL_COLUMNS
    longest = max(columns - len(label) - _REST_WIDTH, 0)

    def shorten(text: str | None) -> str:
        return (text or "")[:longest]

    with click.progressbar(
        length=total, label=label, file=stream, width=_BAR_WIDTH, item_show_func=shorten
    ) as bar:

        def report(steps: int, text: str) -> None:
            bar.update(steps, text)
            if not steps:  # else it is drawn already
                bar.render_progress()

        yield report
        report(max(total - bar.pos, 0), "done")  # where the total was an estimate


@contextlib.contextmanager
def _lines(label: str, total: int, unit: str, stream: TextIO, clock: Clock) -> Iterator[Report]:
    started = said_at = clock.monotonic()
    done = 0

    def report(steps: int, text: str) -> None:
        nonlocal done, said_at
        was_done, done = done, min(done + steps, total)
        now = clock.monotonic()
        is_at_end = was_done < done == total
        is_due = now - said_at >= _SECONDS_BETWEEN_LINES
        if not (is_due or is_at_end or text.startswith(_PAUSE)):
            return
        said_at = now
        left = f", {(now - started) * (total - done) / done:.0f} s left" if done else ""
        click.echo(f"{label}: {done} of {total} {unit}{left}; {text}", file=stream)

    yield report
    report(total - done, "done")
