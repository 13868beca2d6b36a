"""The table of rows: scores as coloured cells, changes with their direction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rich.cells import cell_len, set_cell_size
from rich.console import Console, JustifyMethod
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from seq_exporter.commands.cells import Cell, change_cell, choose_theme, draw, score_cell, squeeze
from seq_exporter.commands.scores.rows import Row
from seq_exporter.escapes import show

_LONGEST_NAME = 32


@dataclass(frozen=True)
class _Column:
    """A column; if not all of them fit, those of the highest `rank` are left out.

    It takes `least` terminal columns if there is no room for `width`: names are cut, and a history
    is drawn with fewer bars.
    """

    title: str
    rank: int
    cells: Sequence[Cell]
    is_left: bool = False
    least: int = 0

    @cached_property
    def width(self) -> int:
        """How many terminal columns it takes."""
        titles = (Cell(line) for line in self.title.split("\n"))
        longest = max(cell_len(cell.text) for cell in {*titles, *self.cells})
        return min(longest, _LONGEST_NAME) if self.is_left and not self.least else longest


# It was asked for: all but the name and the score make room for it. A bar may be several days.
_HISTORY, _HISTORY_TITLE = 1, "history"
_FEWEST_BARS = 15

# The name, title and rank of each column with numbers.
_NUMBERS = (
    ("overall", "overall", 0),
    ("engagement_recency", "engage\nrecency", 4),
    ("open_rate", "open\nrate", 4),
    ("bounce_classification", "bounce\nclass", 4),
    ("bounce_rate", "bounce\nrate", 4),
    ("spam_rate", "spam\nrate", 4),
    ("change7", "7 d", 2),
    ("change30", "30 d", 5),
)


def print_table(rows: Sequence[Row], console: Console, *, of_accounts: int) -> None:
    """Print a table of at least one row, no wider than the console.

    The rows are chosen from those of so many accounts; of one, its name is left out.
    """
    columns = _make_columns(rows, with_account=of_accounts > 1)
    columns = _draw_histories(_fit(columns, console.width), rows, console.width)
    # A long name is cut before the terminal breaks the line.
    spare = console.width - _measure(columns)
    widths = [column.width + min(spare, 0) * (column.title == "subuser") for column in columns]
    with console.use_theme(choose_theme(console)):
        _print_titles(columns, widths, console)
        # Not as a table of Rich, which takes half a millisecond for a row: a fleet took a minute.
        cells = [
            _render_cells(column, width, console)
            for column, width in zip(columns, widths, strict=True)
        ]
        text = "".join(f"{' '.join(line)}\n" for line in zip(*cells, strict=True))
    console.print(Segments([Segment(text)]), end="", crop=False)


def _print_titles(columns: Sequence[_Column], widths: Sequence[int], console: Console) -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        justify: JustifyMethod = "left" if column.is_left else "right"
        table.add_column(column.title, justify=justify, no_wrap=True, width=width)
    console.print(table)


def _render_cells(column: _Column, width: int, console: Console) -> Iterator[str]:
    """Yield each cell, as wide as the column. Only names are many that differ."""
    rendered = {cell: _render(cell, width, column, console) for cell in set(column.cells)}
    return map(rendered.__getitem__, column.cells)


def _render(cell: Cell, width: int, column: _Column, console: Console) -> str:
    """Return a cell in its colours, as far as the console has any; a long text is cut."""
    text = cell.text
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…"
    blanks = " " * (width - cell_len(text))
    text = text + blanks if column.is_left else blanks + text
    if not cell.style:
        return text
    with console.capture() as capture:
        console.print(Text(text, cell.style), end="", soft_wrap=True)
    return capture.get()


def _make_columns(rows: Sequence[Row], *, with_account: bool) -> list[_Column]:
    columns = [_Column("subuser", 0, [Cell(show(row.subuser)) for row in rows], is_left=True)]
    for name, title, rank in _NUMBERS:
        make = change_cell if name.startswith("change") else score_cell
        values = [row.numbers[name] for row in rows]
        cells = {value: make(value) for value in set(values)}  # few: scores have one decimal
        columns.append(_Column(title, rank, [cells[value] for value in values]))
    if with_account:
        columns.insert(
            0, _Column("account", 3, [Cell(show(row.account)) for row in rows], is_left=True)
        )
    if days := len(rows[0].history):
        least = max(min(days, _FEWEST_BARS), len(_HISTORY_TITLE))
        columns.append(_Column(_HISTORY_TITLE, _HISTORY, (), is_left=True, least=least))
    return columns


def _measure(columns: Sequence[_Column]) -> int:
    """Return how many terminal columns these take, with a blank between two."""
    return sum((column.least or column.width) + 1 for column in columns) - 1


def _fit(columns: list[_Column], width: int) -> list[_Column]:
    """Return as many columns as there is room for, those that matter most; a name is cut last."""
    while _measure(columns) > width:
        rank = max(column.rank for column in columns)
        if not rank:
            break
        columns = [column for column in columns if column.rank != rank]
    return columns


def _draw_histories(columns: list[_Column], rows: Sequence[Row], width: int) -> list[_Column]:
    """Fill the column of histories: as many bars as there are days, or as there is room for."""
    *others, last = columns
    if not last.least:
        return columns
    room = width - _measure(columns) + last.least
    bars = min(len(rows[0].history), room)
    cells = [Cell(draw(squeeze(row.history, bars))) for row in rows]
    return [*others, replace(last, cells=cells, least=max(bars, len(_HISTORY_TITLE)))]
