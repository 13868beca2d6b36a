"""The table of rows: scores as coloured cells, changes with their direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seq_exporter.commands.scores.rows import Row
from seq_exporter.escapes import show

# Okabe and Ito's colours, as in the dashboards: they differ for people who confuse red and green.
_STEPS = ((4.0, "#56B4E9"), (3.0, "#F0E442"), (2.0, "#E69F00"), (0.0, "#D55E00"))
_BARS = "▁▂▃▄▅▆▇█"
_NONE = "-"
_LONGEST_NAME = 32


class _Column(NamedTuple):
    """A column; if not all of them fit, those of the highest `rank` are left out."""

    title: str
    rank: int
    cells: list[Text]
    is_left: bool = False

    @property
    def width(self) -> int:
        """How many terminal columns it takes."""
        longest = max(
            *(len(line) for line in self.title.split("\n")),
            *(cell.cell_len for cell in self.cells),
        )
        return min(longest, _LONGEST_NAME) if self.is_left and self.rank < _HISTORY else longest


_HISTORY = 5

# The name, title and rank of each column with numbers.
_NUMBERS = (
    ("overall", "score", 0),
    ("engagement_recency", "engage\nrecency", 3),
    ("open_rate", "open\nrate", 3),
    ("bounce_classification", "bounce\nclass", 3),
    ("bounce_rate", "bounce\nrate", 3),
    ("spam_rate", "spam\nrate", 3),
    ("change7", "7 d", 1),
    ("change30", "30 d", 4),
)


def print_table(rows: Sequence[Row], console: Console) -> None:
    """Print a table of at least one row, no wider than the console."""
    columns = _fit(_make_columns(rows), console.width)
    # A long name is cut before the terminal breaks the line.
    spare = console.width - sum(column.width + 1 for column in columns) + 1
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.title,
            justify="left" if column.is_left else "right",
            no_wrap=True,
            overflow="ellipsis",
            # Measured once: Rich would measure each cell again.
            width=column.width + min(spare, 0) * (column.title == "subuser"),
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*cells)
    console.print(table)


def _make_columns(rows: Sequence[Row]) -> list[_Column]:
    # As text: in a string, Rich would take `[red]` for a colour.
    columns = [_Column("subuser", 0, [Text(show(row.subuser)) for row in rows], is_left=True)]
    for name, title, rank in _NUMBERS:
        cell = _change if name.startswith("change") else _score
        columns.append(_Column(title, rank, [cell(row.numbers[name]) for row in rows]))
    if len({row.account for row in rows}) > 1:
        columns.insert(
            0, _Column("account", 2, [Text(show(row.account)) for row in rows], is_left=True)
        )
    if rows[0].history:
        bars = [Text(draw(row.history)) for row in rows]
        columns.append(_Column("history", _HISTORY, bars, is_left=True))
    return columns


def _fit(columns: list[_Column], width: int) -> list[_Column]:
    """Return as many columns as there is room for, those that matter most; a name is cut last."""
    while sum(column.width + 1 for column in columns) - 1 > width:
        rank = max(column.rank for column in columns)
        if not rank:
            break
        columns = [column for column in columns if column.rank != rank]
    return columns


def _score(value: float | None) -> Text:
    """Return a coloured cell: black on a light colour can be read on any background."""
    if value is None:
        return Text(_NONE)
    colour = next(colour for lowest, colour in _STEPS if value >= lowest)
    return Text(f" {value:.1f} ", style=f"black on {colour}")


def _change(value: float | None) -> Text:
    """Return `▼0.4`, `▲0.1` or `=`: the direction does not hang on a colour."""
    if value is None:
        return Text(_NONE)
    colour = "#D55E00" if value < 0 else "#56B4E9"
    return Text(describe_change(value), style=colour if abs(value) >= 0.45 else "")


def describe_change(value: float) -> str:
    """Return `▼0.4`, `▲0.1` or `=`."""
    if abs(value) < 0.05:
        return "="
    return f"{'▼' if value < 0 else '▲'}{abs(value):.1f}"


def draw(history: Sequence[float | None]) -> str:
    """Return a bar for each day, from 1 to 5, and a blank for one without a score: `▇▇▆ ▂▁`."""
    return "".join(
        " " if value is None else _BARS[min(int((value - 1) / 4 * len(_BARS)), len(_BARS) - 1)]
        for value in history
    )
