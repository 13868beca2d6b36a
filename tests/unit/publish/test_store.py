"""The store: who may write, when the page is a new one, and in which order it stands."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from seq_exporter.config.model import SeriesSelection
from seq_exporter.errors import TooManySeries
from seq_exporter.publish.families import join_accounts, render_account
from seq_exporter.publish.store import Store
from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from tests.support import day, text_of


def scored(account: str, score: float, read_at: float = 0.0) -> Snapshot:
    return Snapshot(account, own=OwnScore(day(4), Score("1", overall=score), read_at))


def scores_of(store: Store) -> list[str]:
    """Return the page's lines of one metric, without its name."""
    name = "sendgrid_seq_account_score{"
    lines = text_of(store.exposition).splitlines()
    return [line.removeprefix(name) for line in lines if line.startswith(name)]


def test_an_empty_store_is_an_empty_page() -> None:
    assert text_of(Store().exposition) == ""


def test_an_account_is_on_the_page_once_it_has_scores() -> None:
    store = Store()
    empty = store.exposition
    writer = store.open("acme")
    assert store.exposition is empty
    assert writer.snapshot == Snapshot("acme")
    writer.swap(scored("acme", 4))
    assert writer.snapshot == scored("acme", 4)
    assert scores_of(store) == ['account="acme"} 4.0']


def test_a_page_that_was_taken_stays_as_it_was() -> None:
    store = Store()
    writer = store.open("acme")
    writer.swap(scored("acme", 4))
    taken, body = store.exposition, text_of(store.exposition)
    writer.swap(scored("acme", 5))
    writer.close()
    assert text_of(taken) == body
    assert store.exposition is not taken


def test_accounts_stand_in_the_order_of_their_names_and_not_of_their_arrival() -> None:
    store = Store()
    slots = {name: store.open(name) for name in ("c", "a", "b")}
    for name in ("b", "c", "a"):
        slots[name].swap(scored(name, 4))
    assert scores_of(store) == ['account="a"} 4.0', 'account="b"} 4.0', 'account="c"} 4.0']


def test_a_swap_changes_one_account() -> None:
    store = Store()
    acme, globex = store.open("acme"), store.open("globex")
    acme.swap(scored("acme", 4))
    globex.swap(scored("globex", 3))
    acme.swap(scored("acme", 5))
    assert scores_of(store) == ['account="acme"} 5.0', 'account="globex"} 3.0']


def test_a_swap_can_withdraw_scores() -> None:
    store = Store()
    writer = store.open("acme")
    writer.swap(scored("acme", 4))
    writer.swap(Snapshot("acme"))
    assert text_of(store.exposition) == ""


def test_what_is_no_news_makes_no_new_page() -> None:
    store = Store()
    writer = store.open("acme")
    writer.swap(scored("acme", 4, read_at=1))
    page = store.exposition
    again = scored("acme", 4, read_at=2)
    writer.swap(again)
    assert store.exposition is page
    assert writer.snapshot is again  # read later: held all the same
    writer.swap(replace(again, own=None))
    assert store.exposition is not page


def test_a_closed_slot_is_off_the_page_and_can_no_longer_write() -> None:
    store = Store()
    acme, globex = store.open("acme"), store.open("globex")
    acme.swap(scored("acme", 4))
    globex.swap(scored("globex", 3))
    acme.close()
    page = store.exposition
    assert scores_of(store) == ['account="globex"} 3.0']
    acme.swap(scored("acme", 5))
    acme.close()
    assert store.exposition is page


def test_a_replaced_slot_is_off_the_page_and_can_no_longer_write() -> None:
    store = Store()
    old = store.open("acme")
    old.swap(scored("acme", 4))
    new = store.open("acme")
    assert text_of(store.exposition) == ""
    new.swap(scored("acme", 3))
    page = store.exposition
    assert scores_of(store) == ['account="acme"} 3.0']
    old.swap(scored("acme", 5))
    old.close()
    assert store.exposition is page


def test_a_closed_account_can_be_opened_again() -> None:
    store = Store()
    store.open("acme").close()
    store.open("acme").swap(scored("acme", 4))
    assert scores_of(store) == ['account="acme"} 4.0']


def test_hundreds_of_accounts_come_change_and_go() -> None:
    store = Store()
    names = [f"account-{number:03}" for number in range(300)]
    writers = {name: store.open(name) for name in reversed(names)}
    for number, name in enumerate(names):
        writers[name].swap(scored(name, 1 + number / 100))
    store.close_all(writers[name] for name in names[40:50])
    store.open("account-045").swap(scored("account-045", 5))
    writers["account-150"].swap(scored("account-150", 2.5))
    left = [*names[:40], "account-045", *names[50:]]
    scores = [store._writers[name].snapshot for name in left]
    assert text_of(store.exposition) == text_of(
        join_accounts([render_account(snapshot, SeriesSelection()).families for snapshot in scores])
    )
    assert [line.split('"')[1] for line in scores_of(store)] == left


def test_many_accounts_leave_in_one_step() -> None:
    store = Store()
    writers = [store.open(str(number)) for number in range(10)]
    for number, writer in enumerate(writers):
        writer.swap(scored(str(number), 4))
    pages = set()
    publish = store._changes._publish

    def note() -> None:
        publish()
        pages.add(store.exposition)

    store._changes._publish = note
    store.close_all(writers[1:])
    assert pages == {store.exposition}
    assert scores_of(store) == ['account="0"} 4.0']


def test_swaps_at_the_same_time_lose_nothing() -> None:
    store = Store()
    names = [f"account-{number}" for number in range(8)]
    together = threading.Barrier(len(names))

    def swap_often(name: str) -> None:
        writer = store.open(name)
        together.wait(60)
        for number in range(101):
            writer.swap(scored(name, 1 + number / 25))

    threads = [threading.Thread(target=swap_often, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scores_of(store) == [f'account="{name}"}} 5.0' for name in names]


def test_more_series_than_the_limit_change_nothing() -> None:
    store = Store()
    writer = store.open("acme", max_series=1)
    score = Score("1", overall=3, metrics=(3.0,) * 5)
    with pytest.raises(TooManySeries) as caught:
        writer.swap(Snapshot("acme", own=OwnScore(day(5), score)))
    assert str(caught.value) == (
        "7 series are more than max_series, 1: raise it, or leave series out"
    )
    assert text_of(store.exposition) == ""
    assert writer.snapshot == Snapshot("acme")
    assert writer.series == 0


def test_a_part_of_the_page_has_the_chosen_accounts() -> None:
    store = Store()
    writers = {name: store.open(name) for name in ("c", "a", "b")}
    for name in ("a", "b"):
        writers[name].swap(scored(name, 4))
    both = text_of(store.exposition)
    assert text_of(store.join(["b", "a", "b", "c", "unknown"])) == both
    assert text_of(store.join(["a"])) == both.replace(
        'sendgrid_seq_account_score{account="b"} 4.0\n', ""
    ).replace(
        'sendgrid_seq_score_date_timestamp_seconds{account="b",scope="own"} 1.7937504e+09\n', ""
    )
    assert text_of(store.join(["c"])) == ""  # no family without a sample
    writers["a"].close()
    assert text_of(store.join(["a"])) == ""


def test_a_part_of_the_page_is_joined_again_only_after_a_change_of_its_accounts() -> None:
    store = Store()
    writers = {name: store.open(name) for name in ("a", "b")}
    writers["a"].swap(scored("a", 4))
    part = store.join(["a"])
    writers["b"].swap(scored("b", 4))
    assert store.join(["a"]) is part
    writers["a"].swap(scored("a", 4, read_at=1.0))  # another snapshot of the same scores
    assert text_of(store.join(["a"])) == text_of(part)
    writers["a"].swap(scored("a", 5))
    assert 'sendgrid_seq_account_score{account="a"} 5.0\n' in text_of(store.join(["a"]))


def test_the_parts_that_are_kept_are_bounded() -> None:
    store = Store(most_joined_bytes=5000)
    for number in range(100):
        store.open(str(number)).swap(scored(str(number), 4))
        assert f'account="{number}"' in text_of(store.join([str(number)]))
    assert len(store._joined) < 20


FEWER = SeriesSelection(eligible=False)
ELIGIBLE = "\nsendgrid_seq_subuser_eligible{"


def with_subuser(score: float) -> Snapshot:
    subusers = SubuserScores(day(4), {"shop": Score("1", "shop")})
    return replace(scored("acme", score), subusers=subusers)


def test_other_series_are_chosen_without_another_snapshot() -> None:
    store = Store()
    writer = store.open("acme")
    writer.swap(with_subuser(4))
    assert ELIGIBLE in text_of(store.exposition)
    writer.choose(FEWER, None)
    assert scores_of(store) == ['account="acme"} 4.0']
    assert ELIGIBLE not in text_of(store.exposition)
    assert not writer.is_behind
    writer.swap(with_subuser(5))
    assert ELIGIBLE not in text_of(store.exposition)
    writer.choose(SeriesSelection(), None)
    assert ELIGIBLE in text_of(store.exposition)


def test_a_lower_limit_keeps_the_page_until_it_is_kept() -> None:
    store = Store()
    writer = store.open("acme")
    both = with_subuser(4)
    writer.swap(both)
    page, series = store.exposition, writer.series
    with pytest.raises(TooManySeries):
        writer.choose(SeriesSelection(), series - 1)
    assert store.exposition is page
    assert writer.is_behind
    with pytest.raises(TooManySeries):  # and so does every swap, even of what is published
        writer.swap(both)
    assert store.exposition is page
    assert both.subusers
    compared = replace(both, subusers=replace(both.subusers, change7=(-0.5,)))
    writer.update(compared)  # what has no series is held all the same
    assert writer.snapshot is compared
    assert store.exposition is page
    writer.update(scored("acme", 4))
    assert writer.series < series
    assert writer.is_behind
    writer.swap(scored("acme", 4))
    assert not writer.is_behind


def test_what_is_chosen_while_it_is_closed_changes_nothing() -> None:
    store = Store()
    writer = store.open("acme")
    writer.swap(scored("acme", 4))
    writer.close()
    page = store.exposition
    writer.choose(FEWER, None)
    assert store.exposition is page


def test_a_choice_and_a_swap_at_the_same_time_lose_nothing() -> None:
    store = Store()
    writer = store.open("acme")
    together = threading.Barrier(2)

    def choose_often() -> None:
        together.wait(60)
        for number in range(200):
            writer.choose(FEWER if number % 2 else SeriesSelection(), None)

    choosing = threading.Thread(target=choose_often)
    choosing.start()
    together.wait(60)
    for number in range(101):
        writer.swap(with_subuser(1 + number / 25))
        assert writer.snapshot == with_subuser(1 + number / 25)
    choosing.join()
    assert scores_of(store) == ['account="acme"} 5.0']
    assert ELIGIBLE not in text_of(store.exposition)
