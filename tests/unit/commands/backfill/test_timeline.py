"""When each day's scores were published."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.commands.backfill.history import (
    PublishedDay,
    list_published_days,
    sample_times,
)
from tests.support import day

HOUR = 3600


def at(number: int, hour: int = 0) -> int:
    """Return a moment of the tests' month, in epoch seconds."""
    return int(datetime(2026, 11, number, hour, tzinfo=UTC).timestamp())


SCORED, WITHOUT = True, False


@pytest.mark.parametrize(
    ("days", "published"),
    [
        pytest.param({}, [], id="nothing is there"),
        pytest.param(
            {1: SCORED, 2: SCORED, 3: SCORED},
            [
                (1, at(2, 12), at(3, 12)),
                (2, at(3, 12), at(4, 12)),
                (3, at(4, 12), at(7)),
            ],
            id="each until the next, and the last until it is too old",
        ),
        pytest.param(
            {1: SCORED, 3: SCORED},
            [(1, at(2, 12), at(4, 12)), (3, at(4, 12), at(7))],
            id="a day that is not there leaves the one before",
        ),
        pytest.param(
            {1: SCORED, 2: WITHOUT, 3: SCORED},
            [(1, at(2, 12), at(4, 12)), (3, at(4, 12), at(7))],
            id="a day without scores leaves the one before",
        ),
        pytest.param(
            {1: WITHOUT, 2: WITHOUT},
            [(1, at(2, 12), at(3, 12)), (2, at(3, 12), at(6))],
            id="days without scores are published if there is no other",
        ),
        pytest.param(
            {1: SCORED, 4: WITHOUT, 5: WITHOUT},
            # The first is withdrawn when the fifth begins, the next appears at its noon.
            [(1, at(2, 12), at(5)), (4, at(5, 12), at(6, 12)), (5, at(6, 12), at(9))],
            id="a gap after the held day is too old",
        ),
        pytest.param(
            {1: SCORED, 2: WITHOUT},
            [(1, at(2, 12), at(5))],
            id="a day that was passed over does not come back",
        ),
        pytest.param(
            {1: SCORED, 20: SCORED}, [(1, at(2, 12), at(5))], id="a day that appears after the end"
        ),
    ],
)
def test_when_each_day_is_published(
    days: dict[int, bool], published: list[tuple[int, int, int]]
) -> None:
    found = list_published_days(
        {day(number): has_scores for number, has_scores in days.items()},
        delay_seconds=12 * HOUR,
        lookback_days=3,
        until=at(15),
    )
    assert found == [PublishedDay(day(number), start, end) for number, start, end in published]


def test_nothing_is_published_from_the_end_on() -> None:
    found = list_published_days(
        {day(1): True, day(2): True}, delay_seconds=0, lookback_days=7, until=at(2, 5)
    )
    assert found == [PublishedDay(day(1), at(2), at(2, 5))]


def test_with_a_delay_beyond_the_lookback_nothing_is_published() -> None:
    assert (
        list_published_days({day(1): True}, delay_seconds=48 * HOUR, lookback_days=1, until=at(9))
        == []
    )


@pytest.mark.parametrize(
    ("start", "end", "moments"),
    [
        pytest.param(0, 10**10, [100, 110, 120], id="all of it"),
        pytest.param(100, 110, [100], id="the end is not a part"),
        pytest.param(101, 121, [110, 120], id="a window does not shift them"),
        pytest.param(121, 129, [], id="between two of them"),
        pytest.param(130, 200, [], id="after them"),
        pytest.param(0, 100, [], id="before them"),
    ],
)
def test_samples_are_counted_from_when_a_day_appeared(
    start: int, end: int, moments: list[int]
) -> None:
    assert list(sample_times(PublishedDay(date(2026, 11, 1), 100, 130), 10, start, end)) == moments


@given(
    st.integers(0, 500),
    st.integers(1, 500),
    st.integers(1, 100),
    st.lists(st.integers(0, 1200), min_size=1).map(sorted),
)
def test_windows_divide_the_samples(start: int, length: int, step: int, borders: list[int]) -> None:
    published = PublishedDay(date(2026, 11, 1), start, start + length)
    edges = [0, *borders, 10**6]
    parts = [
        moment
        for begin, end in pairwise(edges)
        for moment in sample_times(published, step, begin, end)
    ]
    assert parts == list(range(start, start + length, step))
