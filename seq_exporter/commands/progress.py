"""The progress of long work: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from seq_exporter.clock import Clock
from seq_exporter.escapes import show

_BAR_WIDTH = 10
_SECONDS_BETWEEN_LINES = 10.0

# A text that begins so is printed at once, as nothing else will be printed for a while.
_PAUSE = "pausing"

#: Adds so many units to those that are done; the text names the present work.
Advance = Callable[[int, str], None]


@contextlib.contextmanager
def showing(label: str, total: int, unit: str, stream: TextIO, clock: Clock) -> Iterator[Advance]:
    """Show how many of `total` units are done, and about how long the rest takes."""
    drawn = _has_cursor(stream)
    lines = _printing_lines(label, total, unit, stream, clock)
    with showing_bar(label, total, stream) if drawn else lines as advance:
        yield advance
        advance(total, "done")  # the total may have been an estimate


@contextlib.contextmanager
def showing_bar(
    label: str, total: int, stream: TextIO, *, transient: bool = False
) -> Iterator[Advance]:
    """Draw a bar if `stream` is a terminal, and nothing elsewhere; a `transient` bar vanishes."""
    bar = Progress(
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(_BAR_WIDTH),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        # The last column takes the rest: a longer line than the terminal's could not be redrawn.
        TextColumn(
            "{task.fields[text]}",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
        console=Console(file=stream),
        transient=transient,
        disable=not _has_cursor(stream),
        expand=True,
    )
    with bar:
        task = bar.add_task(label, total=total, text="")
        yield lambda steps, text: bar.update(task, advance=steps, text=show(text))


def _has_cursor(stream: TextIO) -> bool:
    """Whether a line can be drawn over: not in a file, nor on a terminal such as Emacs' shell."""
    return stream.isatty() and not Console(file=stream).is_dumb_terminal


@contextlib.contextmanager
def _printing_lines(
    label: str, total: int, unit: str, stream: TextIO, clock: Clock
) -> Iterator[Advance]:
    started = printed_at = clock.monotonic()
    done = 0

    def advance(steps: int, text: str) -> None:
        nonlocal done, printed_at
        was_done, done = done, min(done + steps, total)
        now = clock.monotonic()
        is_at_end = was_done < done == total
        is_due = now - printed_at >= _SECONDS_BETWEEN_LINES
        if is_due or is_at_end or text.startswith(_PAUSE):
            printed_at = now
            left = f", {(now - started) * (total - done) / done:.0f} s left" if done else ""
            click.echo(f"{label}: {done:,} of {total:,} {unit}{left}; {show(text)}", file=stream)

    yield advance
