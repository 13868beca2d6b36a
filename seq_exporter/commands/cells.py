"""Scores, their changes and their history as a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from rich.console import Console
from rich.theme import Theme

# The colours of scores from 4, 3, 2 and 1 on. Okabe and Ito's, as in the dashboards: they differ
# for people who confuse red and green. A terminal of fewer colours gets those that differ there.
_COLOURS = {
    "truecolor": ("#56B4E9", "#F0E442", "#E69F00", "#D55E00"),
    "256": ("color(74)", "color(227)", "color(214)", "color(166)"),
    "standard": ("bright_cyan", "bright_yellow", "yellow", "red"),
}
_BANDS = ("band4", "band3", "band2", "band1")
_BARS = "▁▂▃▄▅▆▇█"
_NONE = "-"


def choose_theme(console: Console) -> Theme:
    """Return the styles of cells in colours that the console has."""
    colours = _COLOURS.get(console.color_system or "", _COLOURS["truecolor"])
    bands = {band: f"black on {colour}" for band, colour in zip(_BANDS, colours, strict=True)}
    return Theme({**bands, "gain": colours[0], "loss": colours[-1]})


class Cell(NamedTuple):
    """The text of a cell, and its style in the theme; most texts have none."""

    text: str
    style: str = ""


def score_cell(value: float | None) -> Cell:
    """Return a coloured cell: black on a light colour can be read on any background."""
    if value is None:
        return Cell(_NONE)
    return Cell(f"  {value:.1f}", f"band{max(min(int(value), 4), 1)}")


def change_cell(value: float | None) -> Cell:
    """Return `▼0.4`, `▲0.1` or `=`: the direction does not hang on a colour."""
    if value is None:
        return Cell(_NONE)
    is_news = abs(value) >= 0.45
    return Cell(describe_change(value), ("loss" if value < 0 else "gain") if is_news else "")


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


def squeeze(history: Sequence[float | None], bars: int) -> list[float | None]:
    """Return `bars` means of days that follow one another; None where no day has a score."""
    edges = [round(number * len(history) / bars) for number in range(bars + 1)]
    groups = (
        [value for value in history[start:end] if value is not None]
        for start, end in pairwise(edges)
    )
    return [fmean(group) if group else None for group in groups]
