"""Rows: who is worst, and against which days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from seq_exporter.commands.scores.columns import NUMBERS
from seq_exporter.commands.scores.fetch import AccountScores
from seq_exporter.commands.scores.rows import Row, make_rows, sort_rows
from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from tests.support import TODAY

METRICS = (4.0, 3.0, 2.0, 1.0, 5.0)
WEEK, MONTH = TODAY - timedelta(7), TODAY - timedelta(30)


def numbers(overall: float, *changes: float | None) -> dict[str, float | None]:
    return dict(zip(NUMBERS, (overall, *METRICS, *changes), strict=True))


def make_found() -> AccountScores:
    by_label = {
        "shop-de": Score("1", "shop-de", 2.8, METRICS),
        "shop-fr": Score("2", "shop-fr", 4.1, METRICS),
        "shop-it": Score("3", "shop-it"),
    }
    snapshot = Snapshot(
        "acme", SubuserScores(TODAY, by_label), OwnScore(TODAY, Score("9", None, 3.9, METRICS))
    )
    earlier = {WEEK: {"1": 4.2, "2": 3.1}, MONTH: {"2": 4.1}}
    return AccountScores(snapshot, earlier, {WEEK: 4.0})


def test_each_has_a_row() -> None:
    own, german, french, italian = make_rows(make_found(), history=0)
    assert own == Row("acme", "", TODAY, numbers(3.9, -0.1, None), ())
    assert german == Row("acme", "shop-de", TODAY, numbers(2.8, -1.4, None), ())
    assert french.numbers == numbers(4.1, 1.0, 0.0)
    assert italian.numbers == dict.fromkeys(NUMBERS)


def test_history_begins_with_the_oldest_day() -> None:
    rows = list(make_rows(make_found(), history=8))
    assert rows[1].history == (4.2, None, None, None, None, None, None, 2.8)


@pytest.mark.parametrize(
    ("by", "descending", "order"),
    [
        ("overall", False, ["shop-de", "", "shop-fr", "shop-it"]),
        ("overall", True, ["shop-fr", "", "shop-de", "shop-it"]),
        ("change7", False, ["shop-de", "", "shop-fr", "shop-it"]),
        ("change30", False, ["shop-fr", "", "shop-de", "shop-it"]),
        ("spam_rate", False, ["", "shop-de", "shop-fr", "shop-it"]),
        ("name", False, ["", "shop-de", "shop-fr", "shop-it"]),
        ("name", True, ["shop-it", "shop-fr", "shop-de", ""]),
    ],
)
def test_the_lowest_first_and_those_without_last(
    by: str, descending: bool, order: list[str]
) -> None:
    rows = sort_rows(list(make_rows(make_found(), 0)), by, descending=descending)
    assert [row.subuser for row in rows] == order


def test_a_change_of_zero_is_between_a_rise_and_a_fall() -> None:
    changes = {"up": 0.3, "same": 0.0, "down": -0.4, "unknown": None}
    rows = [
        Row("acme", name, TODAY, numbers(3.0, change, None), ()) for name, change in changes.items()
    ]
    rising = [row.subuser for row in sort_rows(rows, "change7", descending=False)]
    falling = [row.subuser for row in sort_rows(rows, "change7", descending=True)]
    assert rising == ["down", "same", "up", "unknown"]
    assert falling == ["up", "same", "down", "unknown"]
