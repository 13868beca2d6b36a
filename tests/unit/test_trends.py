"""When a score has changed, in months of every shape."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.trends import LEAST_CHANGE, Trend, find_trend

FIRST = date(2026, 11, 1)
CRASH = [5.0] * 5 + [2.0] * 6 + [1.5, 2.5, 3.5, 4.0] + [4.4] * 15
DECLINE = [4.2] * 10 + [4.2 - 0.1 * day for day in range(20)]


def days(scores: Sequence[float | None]) -> dict[date, float | None]:
    return {FIRST + timedelta(days=number): score for number, score in enumerate(scores)}


@pytest.mark.parametrize(
    ("scores", "trend"),
    [
        ([4.2] * 26 + [2.8] * 4, Trend(4.2, 2.8, 2.8, date(2026, 11, 27), True)),
        ([4.2] * 29 + [2.8], Trend(4.2, 2.8, 2.8, date(2026, 11, 30), True)),
        # Integers at a rounding border.
        ([4.0] * 20 + [3, 4, 3, 3, 4] + [3.0] * 5, Trend(4, 3, 3, date(2026, 11, 21), True)),
        # Days without a score do not count.
        ([2.0] * 20 + [None] * 3 + [4.0] * 5, Trend(2, 4, 4, date(2026, 11, 24), True)),
        # It begins when a fifth of the loss is there.
        (DECLINE, Trend(4.2, 2.4, 2.3, date(2026, 11, 15), False)),
        # It fell, and is back for long.
        ([4.2] * 10 + [2.0] * 8 + [4.2] * 12, Trend(4.2, 2.0, 4.2, date(2026, 11, 11), True)),
        # It is nearly back, and not lower from day to day.
        (CRASH, Trend(5.0, 2.0, 4.4, date(2026, 11, 6), True)),
        # The month drifts; the last two days stand out of the week before.
        (
            [2.9 - 0.02 * day for day in range(28)] + [1.6, 1.7],
            Trend(2.42, 1.6, 1.7, date(2026, 11, 29), True),
        ),
        # The newest day is better; that it is over shows in `now`.
        ([4.2] * 15 + [2.0] * 14 + [3.9], Trend(4.2, 2.0, 3.9, date(2026, 11, 16), True)),
    ],
)
def test_a_trend(scores: list[float | None], trend: Trend) -> None:
    found = find_trend(days(scores))
    assert found
    assert (found.day, found.is_sudden) == (trend.day, trend.is_sudden)
    levels = (found.before, found.after, found.now)
    assert levels == pytest.approx((trend.before, trend.after, trend.now))


@pytest.mark.parametrize(
    "scores",
    [
        [],
        [None] * 30,
        [4.2],
        [4.2, 4.2, 2.8],  # two days are no level
        [4.2, 4.1, 4.3] * 10,
        [4.2] * 26 + [3.8] * 4,
        [4.0, 3.0] * 15,
        [4.0] * 9 + [3.0, 3.0] + [4.0] * 8 + [3.0] + [4.0] * 5 + [3.0, 4.0, 3.0] + [4.0, 3.0],
        [4.2] * 14 + [2.0] + [4.2] * 15,  # one day is noise
        [2.9 - 0.02 * day for day in range(29)] + [1.6],  # one day may be noise
    ],
)
def test_no_trend(scores: list[float | None]) -> None:
    assert find_trend(days(scores)) is None


def test_half_a_point_is_one_whatever_floating_point_makes_of_it() -> None:
    assert find_trend(days([4.2] * 5 + [3.7] * 5))


def test_what_is_over_and_what_is_not() -> None:
    over, not_over = (find_trend(days([4.2] * 15 + [2.0] * 14 + [now])) for now in (3.9, 2.5))
    assert over
    assert not_over
    assert (over.is_over, not_over.is_over) == (True, False)
    assert over.change == -2.2


@given(st.lists(st.none() | st.floats(1, 5), max_size=40))
def test_a_month_of_any_scores(scores: list[float | None]) -> None:
    trend = find_trend(days(scores))
    if trend:
        assert days(scores)[trend.day] is not None
        assert abs(trend.after - trend.before) >= LEAST_CHANGE - 1e-6
