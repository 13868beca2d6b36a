"""Several processes: together they do all the work, and no part of it twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.config.model import Account, Config, SeriesSelection, take_part
from seq_exporter.config.shard import Shard
from seq_exporter.publish.families import join_accounts, render_account
from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from tests.support import account, day, text_of

NAMES = [("acme", str(number)) for number in range(20_000)]


@pytest.mark.parametrize(("text", "shard"), [("0/1", Shard(0, 1)), ("2/3", Shard(2, 3))])
def test_a_shard_is_parsed(text: str, shard: Shard) -> None:
    assert Shard.parse(text) == shard


@pytest.mark.parametrize(
    "text", ["3/2", "2/2", "0/0", "a/b", "", "1", "1/", "-1/3", "1/3/5", "0/1 "]
)
def test_other_texts_are_not_shards(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a shard: write I/N with I from 0 to N - 1"
    ) as caught:
        Shard.parse(text)
    assert "{value}" in str(caught.value)


@pytest.mark.parametrize("total", [1, 2, 3, 10])
def test_each_user_has_one_shard_and_each_shard_its_share(total: int) -> None:
    shards = [Shard(ordinal, total) for ordinal in range(total)]
    owned = [sum(shard.owns(*names) for names in NAMES) for shard in shards]
    assert sum(owned) == len(NAMES)
    assert all(0.9 < count * total / len(NAMES) < 1.1 for count in owned)


@pytest.mark.parametrize("total", [1, 2, 5])
def test_only_users_of_an_added_shard_move(total: int) -> None:
    def owner(names: tuple[str, ...], shards: int) -> int:
        (ordinal,) = (number for number in range(shards) if Shard(number, shards).owns(*names))
        return ordinal

    names = NAMES[:5000]
    moved = [found for found in names if owner(found, total) != owner(found, total + 1)]
    assert {owner(found, total + 1) for found in moved} == {total}
    assert 0.8 < len(moved) * (total + 1) / len(names) < 1.2


def test_the_owner_of_a_user_does_not_change_from_version_to_version() -> None:
    owned = [number for number in range(16) if Shard(0, 2).owns("acme", str(number))]
    assert owned == [0, 2, 3, 4, 6, 7, 8, 13, 14, 15]


def accounts(*changes: dict[str, object]) -> tuple[Account, ...]:
    return tuple(account(name=f"a{n}", **change) for n, change in enumerate(changes))


def test_by_account_each_account_is_polled_by_one_shard() -> None:
    config = Config(accounts(*[{}] * 50))
    parts = [take_part(config, Shard(n, 3), by_subuser=False).accounts for n in range(3)]
    assert sorted(found.name for part in parts for found in part) == sorted(
        found.name for found in config.accounts
    )
    assert all(parts)


def test_by_subuser_one_shard_polls_the_own_score() -> None:
    config = Config(accounts({}, {"own_score": False}, {"subusers": None}))
    parts = [take_part(config, Shard(n, 4), by_subuser=True).accounts for n in range(4)]
    for name, subusers, own in (("a0", 4, 1), ("a1", 4, 0), ("a2", 0, 1)):
        found = [part for shard in parts for part in shard if part.name == name]
        assert sum(bool(part.subusers) for part in found) == subusers
        assert sum(part.own_score for part in found) == own


FLEETS = st.dictionaries(
    st.text(min_size=1, max_size=5), st.none() | st.floats(1, 5), min_size=1, max_size=30
)


@given(FLEETS, st.integers(1, 5))
def test_together_the_shards_publish_every_series_once(
    fleet: dict[str, float | None], total: int
) -> None:
    scores = {name: Score(name, name, score, (score,) * 5) for name, score in fleet.items()}
    own = OwnScore(day(4), Score("9", "acme", 3.0, (3.0,) * 5))
    snapshot = Snapshot("acme", SubuserScores(day(4), scores), own)
    everything = SeriesSelection()
    whole = lines_of(snapshot, everything)
    parts = []
    for ordinal in range(total):
        shard = Shard(ordinal, total)
        # Only the account's shard polls the own score.
        held = snapshot if shard.owns("acme") else replace(snapshot, own=None)
        parts += lines_of(held, replace(everything, shard=shard))
    assert sorted(parts) == sorted(whole)


def lines_of(snapshot: Snapshot, wanted: SeriesSelection) -> list[str]:
    page = text_of(join_accounts([render_account(snapshot, wanted).families]))
    return [line for line in page.split("\n") if line and not line.startswith("#")]
