"""An explanation on a terminal: a picture of the month, and the sentences."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from seq_exporter.commands.cells import (
    Cell,
    change_cell,
    choose_theme,
    draw,
    score_cell,
    squeeze,
)
from seq_exporter.escapes import show
from seq_exporter.explain.evidence import DAYS, Evidence
from seq_exporter.explain.words import SERIES, Explanation, explain

_NAME_WIDTH = max(map(len, SERIES))
# Longer lines are hard to read.
_WIDEST = 80


def print_explanation(evidence: Evidence, console: Console) -> None:
    """Print a month of the score and its metrics, then what happened, what helps, where to look."""
    explanation = explain(evidence)
    console.print(_title(evidence))
    console.print()
    with console.use_theme(choose_theme(console)):
        for line in _draw_month(evidence, explanation, console.width):
            console.print(line, no_wrap=True, overflow="crop")
    paragraphs = [
        "\n".join(explanation.happened),
        "\n".join(explanation.others),
        explanation.remedy,
        " ".join(explanation.next_steps),
    ]
    for paragraph in filter(None, paragraphs):
        console.print()
        for line in Text(paragraph).wrap(console, min(console.width, _WIDEST)):
            line.rstrip()
            console.print(line)


def _title(evidence: Evidence) -> Text:
    who = show(evidence.subuser) if evidence.subuser else "own score"
    return Text.assemble((who, "bold"), f" of account {show(evidence.account)}, {evidence.day}")


def _draw_month(evidence: Evidence, explanation: Explanation, width: int) -> Iterator[Text]:
    """Yield a line for each score: its newest value, its change, and a bar for each day.

    overall                  2.8 ▼1.4 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▄▄▄▄

    In a narrow terminal, a bar is the mean of several days.
    """
    bars = max(min(width - _NAME_WIDTH - 12, DAYS), 1)
    first, last = str(min(explanation.series["overall"])), str(evidence.day)
    dates = first + last.rjust(bars - len(first)) if bars > len(first + last) else ""
    yield Text(" " * (_NAME_WIDTH + 12) + dates, style="dim")
    for name, values in explanation.series.items():
        trend, newest = explanation.trends[name], values[evidence.day]
        is_changed = trend and newest is not None and not trend.is_over
        yield Text.assemble(
            f"{name:<{_NAME_WIDTH}} ",
            _pad(score_cell(newest), 5),
            " ",
            _pad(change_cell(trend.change) if trend and is_changed else Cell(""), 4),
            " ",
            draw(squeeze(list(values.values()), bars)),
        )


def _pad(cell: Cell, width: int) -> Text:
    return Text(" " * (width - len(cell.text))) + Text(cell.text, cell.style)
