"""Scores, their changes and their history as a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Okabe and Ito's colours, as in the dashboards: they differ for people who confuse red and green.
_STEPS = ((4.0, "#56B4E9"), (3.0, "#F0E442"), (2.0, "#E69F00"), (0.0, "#D55E00"))
_BARS = "▁▂▃▄▅▆▇█"
_NONE = "-"


class Cell(NamedTuple):
    """The text of a cell, and its style in Rich's words; most texts have none."""

    text: str
    style: str = ""


def score_cell(value: float | None) -> Cell:
    """Return a coloured cell: black on a light colour can be read on any background."""
    if value is None:
        return Cell(_NONE)
    colour = next(colour for lowest, colour in _STEPS if value >= lowest)
    return Cell(f"  {value:.1f}", f"black on {colour}")


def change_cell(value: float | None) -> Cell:
    """Return `▼0.4`, `▲0.1` or `=`: the direction does not hang on a colour."""
    if value is None:
        return Cell(_NONE)
    colour = "#D55E00" if value < 0 else "#56B4E9"
    return Cell(describe_change(value), colour if abs(value) >= 0.45 else "")


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
