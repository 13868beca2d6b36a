"""The history of overall scores: what it keeps, what it forgets, and its file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.config.secret import Secret
from seq_exporter.history import DAYS_REMEMBERED, NO_HISTORY, History
from tests.support import KEY, account, day, examples, state_in

SCORES = st.floats(1, 5)
USER_IDS = st.text(min_size=1, max_size=5)
DAYS = st.dates(day(1) - timedelta(50), day(1))
RECORDS = st.lists(st.tuples(DAYS, st.dictionaries(USER_IDS, SCORES, max_size=6)), max_size=40)


def record(records: list[tuple[date, dict[str, float]]]) -> History:
    history = NO_HISTORY
    for recorded_day, scores in records:
        history = history.record(recorded_day, scores)
    return history


@given(RECORDS)
def test_each_of_the_last_days_has_the_scores_recorded_last(
    records: list[tuple[date, dict[str, float]]],
) -> None:
    expected: dict[date, Mapping[str, float]] = {}
    for recorded_day, scores in records:
        expected[recorded_day] = scores
        # What was too old once does not come back.
        newest = max(expected)
        expected = {
            each: known
            for each, known in expected.items()
            if each > newest - timedelta(DAYS_REMEMBERED)
        }
    history = record(records)
    assert list(history.days) == sorted(expected)
    assert {each: history.read(each) for each in history.days} == expected
    for user_id in {"absent"}.union(*expected.values()):
        of_user = {each: known[user_id] for each, known in expected.items() if user_id in known}
        assert history.read_user(user_id) == of_user


@given(RECORDS)
def test_a_file_holds_all_of_it(records: list[tuple[date, dict[str, float]]]) -> None:
    history = record(records)
    with tempfile.TemporaryDirectory() as folder:
        state = state_in(Path(folder))
        state.save_history(account(), Secret(KEY), history)
        assert state_in(Path(folder)).load_history(account(), Secret(KEY)) == history


def test_a_day_that_is_not_known_has_no_scores() -> None:
    assert NO_HISTORY.read(day(4)) == {}
    assert NO_HISTORY.record(day(4), {"1": 4.2}).read(day(3)) == {}


def test_a_day_read_again_without_a_change_changes_nothing() -> None:
    history = record([(day(3), {"1": 4.2, "2": 3.1}), (day(4), {"2": 3.2})])
    assert history.record(day(4), {"2": 3.2}) == history
    assert history.record(day(3), {"2": 3.1, "1": 4.2}) == history
    assert history.record(day(4), {"2": 3.3}) != history


def test_users_without_a_score_for_long_are_forgotten() -> None:
    history = record([(day(1), {str(number): 3.0 for number in range(1000)})])
    large = len(history.user_ids)
    for number in range(1, DAYS_REMEMBERED + 1):
        history = history.record(day(1) + timedelta(number), {"7": 4.0, "new": 2.0})
    assert len(history.user_ids) < large / 10
    assert history.read(day(1) + timedelta(DAYS_REMEMBERED)) == {"7": 4.0, "new": 2.0}
    assert history.read(day(2)) == {"7": 4.0, "new": 2.0}


@pytest.fixture(scope="module")
def sealed() -> bytes:
    """Return a whole file."""
    with tempfile.TemporaryDirectory() as folder:
        history = record([(day(3), {"1": 4.2, "2": 3.1}), (day(4), {"2": 3.2})])
        state_in(Path(folder)).save_history(account(), Secret(KEY), history)
        return (Path(folder) / "earlier-scores" / "acme.json").read_bytes()


def flip(whole: bytes, place: int) -> bytes:
    changed = bytearray(whole)
    changed[place % len(whole)] ^= 1 << place % 8
    return bytes(changed)


@pytest.mark.parametrize(
    "damage",
    [lambda whole, place: whole[: place % len(whole)], flip],
    ids=["cut", "flipped"],
)
@examples(2)
@given(st.data())
def test_a_damaged_file_is_not_used(
    damage: Callable[[bytes, int], bytes], sealed: bytes, data: st.DataObject
) -> None:
    """One with another salt or owner is another account's; any other is set aside."""
    place = data.draw(st.integers(0, 8 * len(sealed) - 1))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "earlier-scores" / "acme.json"
        file.parent.mkdir()
        file.write_bytes(damage(sealed, place))
        with contextlib.suppress(ValueError):
            assert state_in(Path(folder)).load_history(account(), Secret(KEY)) is None
        assert [path.suffix for path in file.parent.iterdir()] in ([".json"], [".unreadable"])
