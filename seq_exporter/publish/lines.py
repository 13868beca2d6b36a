"""Lines of an exposition: of one series, and of many subusers at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from prometheus_client.utils import floatToGoString

from seq_exporter.scores import Column

# Scores have one decimal, so there are 41 values. With more decimals, the texts would fill memory.
_MOST_ENDS = 1024


class Lines(NamedTuple):
    """Whole lines of an exposition, and how many: to count them in the text takes a while."""

    text: str
    number: int


def format_series(name: str, labels: Iterable[tuple[str, str]]) -> str:
    """Return a series as an exposition writes it: `sendgrid_seq_score{account="acme",...}`."""
    pairs = ",".join([f'{label}="{escape_label(value)}"' for label, value in labels])
    return f"{name}{{{pairs}}}"


@lru_cache(maxsize=1024)  # scores have one decimal: there are few different ones
def format_number(value: float) -> str:
    """Return a value as an exposition writes it."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def escape_label(value: str) -> str:
    """Return a label's value as an exposition writes it between quotation marks."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def escape_labels(values: Sequence[str]) -> Sequence[str]:
    """Return many values as `escape_label` does: at once, because hardly any is changed by it."""
    joined = "".join(values)
    return values if escape_label(joined) == joined else [escape_label(each) for each in values]


class SubuserLines:
    """Renders many subusers, each as one line for each of `starts`.

    A line is a start, the subuser's label, and an end with the value. Between two labels there is
    the end of one line and the start of the next, which depend on a value only. So the lines of a
    subuser are a few known texts joined by its label. C does that: a large fleet has half a million
    lines.
    """

    def __init__(self, starts: Sequence[str]) -> None:
        self._starts = starts
        self._between = [_Ends(following) for following in (*starts[1:], "")]

    def render(self, labels: Sequence[str], columns: Sequence[Column]) -> Lines:
        """Return the lines of subusers, one subuser after another; each start has a column.

        A value that is None has no line.
        """
        between = [
            map(ends.__getitem__, column)
            for ends, column in zip(self._between, columns, strict=True)
        ]
        # `repeat` has no end.
        texts = list(map(str.join, labels, zip(repeat(self._starts[0]), *between, strict=False)))
        # `all` takes a third of the time, and scores are at least 1.
        missing = sum(0 if all(column) else column.count(None) for column in columns)
        if missing:
            for number, values in enumerate(zip(*columns, strict=True)):
                if None in values:
                    texts[number] = self._render_some(labels[number], values)
        return Lines("".join(texts), len(labels) * len(columns) - missing)

    def _render_some(self, label: str, values: Sequence[float | None]) -> str:
        """Return the lines of a subuser who lacks some values."""
        return "".join(
            [
                f"{start}{label}{_format_end(value)}"
                for start, value in zip(self._starts, values, strict=True)
                if value is not None
            ]
        )


class _Ends(dict[float | None, str]):
    """What follows the label in a line, by its value: the end of the line, and then `following`.

    Holds the values asked for so far, because a lookup takes half as long as a call. A subuser who
    lacks a value is rendered without these.
    """

    def __init__(self, following: str) -> None:
        super().__init__()
        self._following = following

    def __missing__(self, value: float | None) -> str:
        if len(self) == _MOST_ENDS:
            self.clear()
        end = self[value] = "" if value is None else f"{_format_end(value)}{self._following}"
        return end


def _format_end(value: float) -> str:
    return f'"}} {format_number(value)}\n'
