"""Ranking: by value, then by key, with absent values last."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.ranking import rank

NAMES = "abcdefgh"


def names(values: list[float | None], *, descending: bool = False, end: int | None = None) -> str:
    """Return the letters of `values`, the first of which is `a`, in the order of their rank."""
    order = rank(values, NAMES[: len(values)], descending=descending, end=end)
    return "".join(NAMES[index] for index in order)


@pytest.mark.parametrize(
    ("values", "ascending", "descending"),
    [
        ([], "", ""),
        ([None], "a", "a"),
        ([None, None], "ab", "ab"),
        ([3.0, 1.0, 2.0], "bca", "acb"),
        ([1.0, None, 2.0], "acb", "cab"),
        ([0.3, 0.0, -0.4], "cba", "abc"),
        ([-0.4, 0.3, 0.0, None], "acbd", "bcad"),
        ([0.0, -0.0], "ab", "ab"),
        ([2.0, 1.0, 2.0, 1.0], "bdac", "acbd"),
        ([5, 4.5, 5.0], "bac", "acb"),
    ],
)
def test_values_are_ordered_in_both_directions(
    values: list[float | None], ascending: str, descending: str
) -> None:
    assert names(values) == ascending
    assert names(values, descending=True) == descending


@pytest.mark.parametrize(
    ("end", "expected"),
    [(0, ""), (1, "b"), (2, "be"), (3, "bea"), (5, "beacd"), (6, "beacd"), (None, "beacd")],
)
def test_only_the_first_are_returned(end: int | None, expected: str) -> None:
    assert names([2.0, 1.0, 2.0, None, 1.0], end=end) == expected


@pytest.mark.parametrize("descending", [False, True])
def test_ties_are_in_the_order_of_their_keys(descending: bool) -> None:
    values = [3.0, None, 3.0, None, 3.0]
    keys = [("globex", "b"), ("globex", "a"), ("acme", "z"), ("acme", "b"), ("globex", "a")]
    assert rank(values, keys, descending=descending) == [2, 4, 0, 3, 1]


def test_equal_keys_keep_the_order_given() -> None:
    assert rank([1.0, 1.0, 1.0], ["a", "a", "a"], descending=True, end=2) == [0, 1]


def test_the_first_few_of_many() -> None:
    values = [float(number % 40) for number in range(1000)]
    keys = range(1000)
    assert rank(values, keys, end=30) == [*range(0, 1000, 40), 1, 41, 81, 121, 161]


SCORES = st.none() | st.sampled_from([1.0, 2.5, 5.0]) | st.floats(-10, 10)
ROWS = st.lists(st.tuples(SCORES, st.text("ab", max_size=2)), max_size=40)


@given(ROWS, st.booleans(), st.none() | st.integers(0, 45))
def test_it_agrees_with_sorting_everything(
    rows: list[tuple[float | None, str]], descending: bool, end: int | None
) -> None:
    def sort_key(index: int) -> tuple[bool, float, str, int]:
        value, key = rows[index]
        number = 0.0 if value is None else value
        return value is None, -number if descending else number, key, index

    expected = sorted(range(len(rows)), key=sort_key)[:end]
    values, keys = [value for value, _ in rows], [key for _, key in rows]
    assert rank(values, keys, descending=descending, end=end) == expected
