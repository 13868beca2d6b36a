"""From an account's scores to rows: each user's scores, and how they have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from seq_exporter.commands.scores.columns import CHANGES, NUMBERS
from seq_exporter.commands.scores.fetch import AccountScores
from seq_exporter.ranking import rank
from seq_exporter.score import Score
from seq_exporter.scores import subtract


class Row(NamedTuple):
    """One user's scores: 1 to 5, or None without a score.

    `subuser` is empty for the account's own. `numbers` has the NUMBERS: `change7` is the difference
    from 7 days before. `history` begins with the oldest day, and ends with `day`.
    """

    account: str
    subuser: str
    day: date
    numbers: Mapping[str, float | None]
    history: tuple[float | None, ...]

    @property
    def overall(self) -> float | None:
        """The overall score."""
        return self.numbers["overall"]


def make_rows(found: AccountScores, history: int) -> Iterator[Row]:
    """Yield a row for the account's own score, if it has one, and for each subuser."""
    if own := make_own_row(found, history):
        yield own
    if subusers := found.snapshot.subusers:
        account = found.snapshot.account
        for label, score in subusers.by_label.items():
            earlier = {day: by_user.get(score.user_id) for day, by_user in found.earlier.items()}
            yield _make_row(account, label, subusers.day, score, earlier, history)


def make_own_row(found: AccountScores, history: int) -> Row | None:
    """Return the row of the account's own score, or None if it has none."""
    own = found.snapshot.own
    if not own or not own.has_scores:
        return None
    return _make_row(found.snapshot.account, "", own.day, own.score, found.own_earlier, history)


def _make_row(
    account: str,
    subuser: str,
    day: date,
    score: Score,
    earlier: Mapping[date, float | None],
    history: int,
) -> Row:
    def before(days: int) -> float | None:
        return score.overall if days == 0 else earlier.get(day - timedelta(days))

    changes = (subtract(score.overall, before(days)) for days in CHANGES)
    numbers = dict(zip(NUMBERS, (score.overall, *score.metrics, *changes), strict=True))
    return Row(account, subuser, day, numbers, tuple(map(before, reversed(range(history)))))


def sort_rows(rows: Sequence[Row], by: str, *, descending: bool) -> list[Row]:
    """Return the rows in order, the lowest first; rows without a value come last in any case."""
    if by == "name":
        return sorted(rows, key=lambda row: (row.account, row.subuser), reverse=descending)
    names = [(row.account, row.subuser) for row in rows]
    values = [row.numbers[by] for row in rows]
    return [rows[index] for index in rank(values, names, descending=descending)]
