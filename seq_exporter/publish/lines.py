"""Lines of an exposition: of one series, and of many subusers at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress, repeat
from typing import Any, NamedTuple

from prometheus_client.utils import floatToGoString

from seq_exporter.scores import Column

# Scores have one decimal, so there are 41 values. With more decimals, the texts would fill memory.
_MOST_ENDS = 1024


class Lines(NamedTuple):
    """Whole lines of an exposition, and how many.

    To count the line breaks took a twentieth of the time from an answer to its scores on the page.
    """

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

        There is no line for a missing value (None).
        """
        # `all` takes a third of the time of `count`. No score is 0, and an eligibility of 0 is only
        # counted the slower way.
        missing = sum(0 if all(column) else column.count(None) for column in columns)
        number = len(labels) * len(columns) - missing
        if not missing:
            return Lines("".join(self._render_whole(labels, columns)), number)
        rows = list(zip(*columns, strict=True))
        is_whole = list(map(all, rows))
        texts = self._render_whole(
            compress(labels, is_whole), [list(compress(column, is_whole)) for column in columns]
        )
        # The others have some lines, unless they lack all values of this family.
        if number > sum(is_whole) * len(columns):
            texts = self._insert_others(texts, is_whole, labels, rows)
        return Lines("".join(texts), number)

    def _render_whole(
        self, labels: Iterable[str], columns: Sequence[Sequence[Any]]
    ) -> Iterator[str]:
        """Yield the lines of each of some subusers who have all values."""
        between = [
            map(ends.__getitem__, column)
            for ends, column in zip(self._between, columns, strict=True)
        ]
        # `repeat` has no end.
        return map(str.join, labels, zip(repeat(self._starts[0]), *between, strict=False))

    def _insert_others(
        self,
        whole: Iterator[str],
        is_whole: Sequence[bool],
        labels: Sequence[str],
        rows: Sequence[Sequence[float | None]],
    ) -> Iterator[str]:
        """Yield the lines of all subusers in their order, of which `whole` has those of some."""
        for has_all, label, values in zip(is_whole, labels, rows, strict=True):
            yield next(whole) if has_all else self._render_some(label, values)

    def _render_some(self, label: str, values: Sequence[float | None]) -> str:
        """Return the lines of a subuser who lacks some values, or all."""
        return "".join(
            [
                f"{start}{label}{_format_end(value)}"
                for start, value in zip(self._starts, values, strict=True)
                if value is not None
            ]
        )


class _Ends(dict[float, str]):
    """What follows the label in a line, by its value: the end of the line, and then `following`.

    Holds the values asked for so far, because a lookup takes half as long as a call.
    """

    def __init__(self, following: str) -> None:
        super().__init__()
        self._following = following

    def __missing__(self, value: float) -> str:
        if len(self) == _MOST_ENDS:
            self.clear()
        end = self[value] = f"{_format_end(value)}{self._following}"
        return end


def _format_end(value: float) -> str:
    return f'"}} {format_number(value)}\n'
