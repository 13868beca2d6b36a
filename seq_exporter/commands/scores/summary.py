"""The output for a person: the chosen rows, and a line on each account."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from seq_exporter.commands.cells import describe_change
from seq_exporter.commands.scores.columns import CHANGES
from seq_exporter.commands.scores.fetch import AccountScores
from seq_exporter.commands.scores.rows import Row, make_own_row, make_rows, sort_rows
from seq_exporter.commands.scores.table import print_table
from seq_exporter.config.model import Account
from seq_exporter.escapes import show

#: The accounts that have answered.
Found = Sequence[tuple[Account, AccountScores]]


@dataclass(frozen=True)
class Choice:
    """Which rows to show, and in which order; `globs` select subusers, all if there is no glob."""

    globs: tuple[str, ...]
    below: float | None
    sort: str
    descending: bool

    def take(self, found: Found, history: int) -> list[Row]:
        """Return the rows with a score of all accounts, in the order chosen."""
        wanted = re.compile("|".join(map(fnmatch.translate, self.globs)))
        rows = [
            row
            for _, each in found
            for row in make_rows(each, history)
            if row.overall is not None
            and (self.below is None or row.overall < self.below)
            and (not self.globs or (row.subuser and wanted.fullmatch(row.subuser)))
        ]
        return sort_rows(rows, self.sort, descending=self.descending)

    def __str__(self) -> str:
        """Return the flags that leave rows out: `--subuser='shop-*' --below=3`."""
        flags = [f"--subuser={shlex.quote(glob)}" for glob in self.globs]
        flags += [] if self.below is None else [f"--below={self.below:g}"]
        return " ".join(flags)


def explain_empty(choice: Choice) -> str:
    """Return why there is no row."""
    flags = show(str(choice))
    return f"no subuser matches {flags}" if flags else "no subuser has a score"


def print_summary(found: Found, choice: Choice, history: int, limit: int) -> None:
    """Print the table to standard output, with colour if that is a terminal; at most `limit` rows.

    Without an account that has answered, there is nothing to print.
    """
    if not found:
        return
    console = Console(highlight=False)
    subusers = [row for row in choice.take(found, history) if row.subuser]
    shown = subusers[: limit or None]
    if shown:
        print_table(shown, console, of_accounts=len(found))
    if len(shown) < len(subusers):
        console.print(f"{len(shown)} of {len(subusers)} are shown: --limit=0 shows all")
    elif not shown:
        console.print(explain_empty(choice), markup=False)
    console.print()
    for _, each in found:
        own = make_own_row(each, 0)
        about = _describe(each)
        console.print(_append_own(about, own, console.width) if own else about)


def _describe(found: AccountScores) -> Text:
    """Return `acme, 2026-11-22: 34 scored, 6 without a score`."""
    snapshot = found.snapshot
    about = ""
    if snapshot.subusers:
        counts = snapshot.subusers.counts
        about = (
            f", {snapshot.subusers.day}: {counts['scored']} scored, "
            f"{counts['ineligible']} without a score"
        )
    elif not snapshot.own:
        about = ": no scores, or they are not calculated yet"
    return Text.assemble((show(snapshot.account), "bold"), about)


def _append_own(about: Text, own: Row, width: int) -> Text:
    """Return a line on an account and its own score.

    One that does not fit is broken between its parts: parentheses stay whole.
    """
    score, changes = _describe_own(own)
    for own_part in (f"; {score} {changes}", f"\n  {score} {changes}", f"\n  {score}\n  {changes}"):
        text = Text.assemble(about, own_part.rstrip())
        if text.split("\n")[-1].cell_len <= width:
            break
    return text


def _describe_own(own: Row) -> tuple[str, str]:
    """Return `own score 3.9` and `(▼0.2 in 7 days, unchanged in 30 days)`."""
    changes = {days: own.numbers[f"change{days}"] for days in CHANGES}
    shown = [
        f"{describe_change(change).replace('=', 'unchanged')} in {days} days"
        for days, change in changes.items()
        if change is not None
    ]
    return f"own score {own.overall:.1f}", f"({', '.join(shown)})" if shown else ""
