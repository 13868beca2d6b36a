"""The output for a person: the chosen rows, and a line on each account."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.text import Text

from seq_exporter.commands.cells import describe_change
from seq_exporter.commands.scores.columns import CHANGES
from seq_exporter.commands.scores.fetch import AccountScores
from seq_exporter.commands.scores.rows import Row, make_rows, sort_rows
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
    reverse: bool

    def narrow(self, found: AccountScores) -> AccountScores:
        """Return `found` with only those subusers that match one of the globs."""
        subusers = found.snapshot.subusers
        if not self.globs or not subusers:
            return found
        wanted = re.compile("|".join(map(fnmatch.translate, self.globs)))
        by_label = {
            label: score for label, score in subusers.by_label.items() if wanted.fullmatch(label)
        }
        return replace(
            found,
            snapshot=replace(found.snapshot, subusers=replace(subusers, by_label=by_label)),
        )

    def take(self, found: Found, history: int) -> list[Row]:
        """Return the rows with a score of all accounts, in the order chosen."""
        rows = [row for _, each in found for row in make_rows(each, history)]
        wanted = [
            row
            for row in rows
            if row.overall is not None
            and (self.below is None or row.overall < self.below)
            and (row.subuser or not self.globs)
        ]
        return sort_rows(wanted, self.sort, reverse=self.reverse)


def print_summary(found: Found, choice: Choice, history: int, limit: int) -> None:
    """Print the table to standard output, with colour if that is a terminal."""
    console = Console(highlight=False)
    rows = choice.take(found, history)
    subusers = [row for row in rows if row.subuser]
    shown = subusers[: limit or None]
    if shown:
        print_table(shown, console)
    if len(shown) < len(subusers):
        console.print(f"{len(shown)} of {len(subusers)} are shown: --limit=0 shows all")
    elif not shown:
        console.print("no subuser matches")
    console.print()
    for _, each in found:
        own = [row for row in make_rows(each, 0) if not row.subuser]
        console.print(_describe(each, own[0] if own else None))


def _describe(found: AccountScores, own: Row | None) -> Text:
    """Return `acme, 2026-11-22: 34 scored, 6 without a score; own score 3.9 (▼0.2 in 7 days)`."""
    snapshot = found.snapshot
    parts = []
    if snapshot.subusers:
        counts = snapshot.subusers.counts
        parts.append(
            f", {snapshot.subusers.day}: {counts['scored']} scored, "
            f"{counts['ineligible']} without a score"
        )
    elif not snapshot.own:
        parts.append(": no scores, or they are not calculated yet")
    if own:
        parts.append(f"; own score {own.overall:.1f}")
        changes = {days: own.numbers[f"change{days}"] for days in CHANGES}
        shown = [
            f"{describe_change(change)} in {days} days"
            for days, change in changes.items()
            if change is not None
        ]
        parts += [f" ({', '.join(shown)})"] if shown else []
    return Text.assemble((show(snapshot.account), "bold"), *parts)
