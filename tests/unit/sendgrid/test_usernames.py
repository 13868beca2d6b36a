"""What subusers are called, and which of them are published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.config.model import ALL_SUBUSERS, SubuserSelection
from seq_exporter.score import Score
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.usernames import select_subusers
from tests.support import SUBUSERS, FakeSendGrid, FakeTime, day, item, state_in
from tests.unit.serve.poller_harness import PollerHarness


def test_a_nameless_subuser_goes_by_the_name_of_an_earlier_page(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2", "b", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(5)] = [item("1", "a", 4), item("2")]
    harness.poll()
    assert harness.series("sendgrid_seq_subuser_eligible") == [
        '{account="acme",subuser="a",user_id="1"} 1.0',
        '{account="acme",subuser="b",user_id="2"} 0.0',
    ]
    assert "names 0" not in sendgrid.requests


@pytest.mark.parametrize("subuser", ["a", "b"])
def test_a_score_that_is_read_again_is_not_kept_twice(
    subuser: str, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2")]}
    sendgrid.names = {"1": "a", "2": "b"}
    harness = PollerHarness(time, own_score=False)
    read = []
    for _ in range(2):
        harness.poll()
        time.pass_hours(2)
        subusers = harness.poller.writer.snapshot.subusers
        assert subusers
        read.append(subusers.by_label)
    first, second = read
    assert first[subuser] is second[subuser]


def test_names_that_are_listed_again_are_not_kept_twice(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(5): [item("180", "shop-a", 4), item("181")]}
    sendgrid.names = {"180": "shop-a", "181": "shop-b"}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    subusers = harness.poller.writer.snapshot.subusers
    assert subusers
    names = list(harness.poller._reader.known_usernames)
    assert names == ["shop-a", "shop-b"]
    for name in names:
        assert subusers.by_label[name].username is name


def test_scores_that_are_all_the_same_are_those_that_are_held() -> None:
    scores = [Score("1", "a", 4.0), Score("2", "b", 3.0)]
    held = {"b": scores[1], "a": scores[0]}
    assert select_subusers(day(4), scores, ALL_SUBUSERS, Anomalies(), 0, held).by_label is held


def test_names_that_no_page_tells_are_asked_for_once_a_day(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2"), item("3")]}
    sendgrid.names = {"1": "a", "2": "b"}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert [line.split(",")[1] for line in harness.series("sendgrid_seq_subuser_eligible")] == [
        'subuser="a"',
        'subuser="b"',
        'subuser="3"',
    ]
    asked = [request for request in sendgrid.take_requests() if request.startswith("names")]
    assert asked == ["names 0", "names 2"]
    time.pass_hours(2)
    harness.poll()
    assert "names 0" not in sendgrid.take_requests()
    time.pass_hours(22)
    harness.poll()
    assert "names 0" in sendgrid.take_requests()


def test_names_that_were_read_before_a_failure_are_kept(
    sendgrid: FakeSendGrid, time: FakeTime, mock: responses.RequestsMock
) -> None:
    sendgrid.subusers = {day(5): [item("1"), item("2"), item("3", "c", 4)]}
    mock.remove(responses.GET, SUBUSERS)
    mock.get(SUBUSERS, json=[{"id": 1, "username": "a"}])
    for _ in range(3):
        mock.get(SUBUSERS, status=500)
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert 'subuser="a",user_id="1"' in harness.page
    assert 'subuser="2",user_id="2"' in harness.page


def test_names_that_nobody_knows_are_remembered_for_each_day(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(number): [item(str(number))] for number in (3, 4, 5)}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert sendgrid.take_requests().count("names 0") == 1
    time.pass_hours(2)
    harness.poll()
    assert "names 0" not in sendgrid.take_requests()


def test_the_names_of_users_are_chosen_and_not_their_labels(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {
        day(5): [
            item("1", "shop", 4),
            item("2", "shop", 3),
            item("3", "a-test", 2),
            item("4", "a-test", 1),
        ]
    }
    selection = SubuserSelection(include=("shop*",))
    harness = PollerHarness(time, own_score=False, subusers=selection)
    harness.poll()
    assert harness.series("sendgrid_seq_score") == [
        '{account="acme",subuser="shop"} 4.0',
        '{account="acme",subuser="2"} 3.0',
    ]
    harness = PollerHarness(
        time, own_score=False, subusers=SubuserSelection(include=("*",), exclude=("*-test",))
    )
    harness.poll()
    assert len(harness.series("sendgrid_seq_score")) == 2


def test_names_of_users_that_are_gone_are_forgotten(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    harness = PollerHarness(time, own_score=False)
    for number in range(8):
        first = number * 2000
        sendgrid.subusers = {
            day(5): [item(str(first + k), f"user-{first + k}", 4) for k in range(2000)]
        }
        time.pass_hours(1)
        harness.poll()
    assert len(harness.poller._reader.known_usernames) < 8 * 2000
    assert harness.value("account_up") == 1


def test_no_user_is_lost_to_a_name_that_is_a_number(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(5): [item("1", "5", 4), item("5", None, 3), item("7", "5", 2)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert harness.series("sendgrid_seq_score") == [
        '{account="acme",subuser="5"} 4.0',
        '{account="acme",subuser="5 (5)"} 3.0',
        '{account="acme",subuser="7"} 2.0',
    ]


@pytest.mark.parametrize(
    ("status", "asks_again"), [(403, False), (404, False), (500, True), (429, True)]
)
def test_names_that_sendgrid_does_not_tell_cost_no_poll(
    sendgrid: FakeSendGrid, time: FakeTime, status: int, asks_again: bool
) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4), item("2")]}
    sendgrid.names = (status, {}, "")
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert harness.value("account_up") == 1
    assert 'subuser="2"' in harness.page
    sendgrid.take_requests()
    time.pass_hours(2)
    harness.poll()
    assert ("names 0" in sendgrid.take_requests()) == asks_again


def test_only_the_selected_subusers_are_published(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4), item("2", "b", 4), item("3")]}
    sendgrid.names = {"3": "c"}
    harness = PollerHarness(
        time, own_score=False, subusers=SubuserSelection(names=frozenset({"a", "c", "typo"}))
    )
    harness.poll()
    assert harness.series("sendgrid_seq_subuser_eligible") == [
        '{account="acme",subuser="a",user_id="1"} 1.0',
        '{account="acme",subuser="c",user_id="3"} 0.0',
    ]
    assert harness.series("sendgrid_seq_subusers") == [
        '{account="acme",state="ineligible"} 1.0',
        '{account="acme",state="missing"} 1.0',
        '{account="acme",state="scored"} 1.0',
    ]


def test_a_name_belongs_to_the_user_who_has_it_now(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(4): [item("1", "shop", 4), item("2", "other", 4)]}
    sendgrid.names = {"1": "shop", "2": "shop"}  # the list is behind, too
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(5)] = [item("1"), item("2", "shop", 5)]
    harness.poll()
    assert harness.series("sendgrid_seq_subuser_eligible") == [
        '{account="acme",subuser="1",user_id="1"} 0.0',
        '{account="acme",subuser="shop",user_id="2"} 1.0',
    ]
    assert harness.series("sendgrid_seq_score") == ['{account="acme",subuser="shop"} 5.0']


@pytest.mark.parametrize("by_page", [True, False])
def test_namesakes_keep_their_series_whatever_the_order_of_the_page(
    by_page: bool, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    first, second = item("10", "shop", 5), item("9", "shop", 1)
    sendgrid.subusers = {day(4): [first, second]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    before = sorted(harness.series("sendgrid_seq_score"))
    assert before == ['{account="acme",subuser="10"} 5.0', '{account="acme",subuser="shop"} 1.0']
    sendgrid.subusers[day(5)] = [second, first] if by_page else [first, second]
    harness.poll()
    assert sorted(harness.series("sendgrid_seq_score")) == before


def test_who_had_the_name_first_keeps_it(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(4): [item("10", "shop", 5)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(5)] = [item("9", "shop", 1), item("10", "shop", 5)]
    harness.poll()
    assert sorted(harness.series("sendgrid_seq_score")) == [
        '{account="acme",subuser="9"} 1.0',
        '{account="acme",subuser="shop"} 5.0',
    ]


def test_two_users_of_one_name_are_two_series(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4), item("2", "a", 3)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert harness.series("sendgrid_seq_score") == [
        '{account="acme",subuser="a"} 4.0',
        '{account="acme",subuser="2"} 3.0',
    ]
    assert harness.value("anomalies_total", kind="duplicate_username") == 1


def labels(harness: PollerHarness) -> dict[str, str]:
    """Return the user_id of each `subuser` label on the page."""
    found = (line.split('"') for line in harness.series("sendgrid_seq_subuser_eligible"))
    return {parts[3]: parts[5] for parts in found}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        # The name of one user is the user_id of another, who has no name.
        (["1:a 2"], "1:2 2", {"2": "1", "2 (2)": "2"}),
        (["1:2 2"], "1:2 2", {"2": "1", "2 (2)": "2"}),
        (["2", "1:2 2"], "1:2 2", {"2": "1", "2 (2)": "2"}),
        (["1:2"], "2:1", {"1": "2"}),
        (["1:2 2:1"], "1:2 2:1", {"2": "1", "1": "2"}),
        (["1:2 2:1"], "1 2", {"2": "1", "1": "2"}),
        (["1:2 2:3 3:1"], "1:2 2 3", {"2": "1", "3": "2", "1": "3"}),
        # Of two users of one name, one has the user_id that is the name of a third.
        ([], "8:shop 9:shop 5:9", {"shop": "8", "9": "5", "shop (9)": "9"}),
        (["9:shop"], "8:shop 9:shop 5:8", {"shop": "9", "8": "5", "shop (8)": "8"}),
        ([], "1:x 2:x 3:2 4:x (2)", {"x": "1", "2": "3", "x (2)": "4", "x (2) (2)": "2"}),
        # A name belongs to the user who has it now, also if SendGrid swaps two names.
        (["1:a 2:b"], "1:b 2:a", {"b": "1", "a": "2"}),
        (["1:a 2:b"], "1:b 2", {"b": "1", "2": "2"}),
        (["1:a 2:b"], "1 2:a", {"1": "1", "a": "2"}),
        (["1:a 2:b 3:c"], "1 2:a 3:b", {"1": "1", "a": "2", "b": "3"}),
        (["1:a", "2:a"], "1 2:a", {"1": "1", "a": "2"}),
        (["1:a", "2:a"], "1:a 2", {"a": "1", "2": "2"}),
        # Who had the name keeps it, until it is gone.
        (["7:a", "5:a 7:a", "3:a 5:a 7:a"], "3:a 5:a 7:a", {"a": "7", "3": "3", "5": "5"}),
        (["7:a", "5:a 7:a"], "3:a 5:a", {"a": "3", "5": "5"}),
        (["10:a 9:a"], "10:a 9:a", {"a": "9", "10": "10"}),
    ],
)
def test_labels_whatever_the_names(
    before: list[str],
    now: str,
    expected: dict[str, str],
    backwards: bool,
    sendgrid: FakeSendGrid,
    time: FakeTime,
) -> None:
    """Poll the fleets of the days `before`, then that of `now`: `user_id:username ...`."""
    harness = PollerHarness(time, own_score=False)
    for number, fleet in enumerate([*before, now], 1):
        users = [user.partition(":") for user in fleet.replace(" (", "_(").split(" ")]
        items = [item(key, name.replace("_(", " (") or None, 4) for key, _, name in users]
        sendgrid.subusers[day(number)] = items[:: -1 if backwards else 1]
        harness.poll()
    assert labels(harness) == expected


def test_a_new_list_takes_a_remembered_name_away(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(3): [item("1", "shop", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(4)] = [item("1"), item("2"), item("3", "x", 4)]
    sendgrid.names = {"2": "shop"}
    harness.poll()
    assert labels(harness) == {"1": "1", "shop": "2", "x": "3"}


def test_of_a_user_who_is_listed_twice_the_last_name_counts(
    sendgrid: FakeSendGrid, time: FakeTime, mock: responses.RequestsMock
) -> None:
    sendgrid.subusers = {day(4): [item("1", "shop", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(5)] = [item("1"), item("2"), item("3", "x", 4)]
    mock.remove(responses.GET, SUBUSERS)
    for listed in ({"1": "former"}, {"1": "shop", "2": "other"}, {"2": "late"}, {}):
        page = [{"id": int(user_id), "username": name} for user_id, name in listed.items()]
        mock.get(SUBUSERS, json=page)
    harness.poll()
    assert labels(harness) == {"shop": "1", "late": "2", "x": "3"}


def test_a_list_that_repeats_a_user_takes_a_remembered_name_away(
    sendgrid: FakeSendGrid, time: FakeTime, mock: responses.RequestsMock
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2", "b", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(5)] = [item("1"), item("2"), item("3"), item("4", "x", 4)]
    mock.remove(responses.GET, SUBUSERS)
    for listed in ({"1": "b"}, {"1": "b", "3": "c"}, {"1": "b", "4": "x"}, {}):
        page = [{"id": int(user_id), "username": name} for user_id, name in listed.items()]
        mock.get(SUBUSERS, json=page)
    harness.poll()
    assert labels(harness) == {"b": "1", "2": "2", "c": "3", "x": "4"}


def test_a_list_confirms_a_name_for_one_user_and_takes_it_from_another(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2", "a", 3), item("3")]}
    sendgrid.names = {"1": "a", "3": "c"}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(5)] = [item("1"), item("2"), item("3")]
    harness.poll()
    assert labels(harness) == {"a": "1", "2": "2", "c": "3"}
    assert harness.poller._reader.nameless_users == {"2"}


def test_namesakes_keep_their_series_after_a_restart(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    sendgrid.subusers = {day(3): [item("7", "shop", 5)]}
    harness = PollerHarness(time, own_score=False, state=state_in(tmp_path))
    harness.poll()
    sendgrid.subusers[day(4)] = [item("5", "shop", 1), item("7", "shop", 5)]
    again = PollerHarness(time, own_score=False, state=state_in(tmp_path))
    again.poller.restore()
    again.poll()
    assert labels(again) == {"shop": "7", "5": "5"}


IDS = st.lists(st.sampled_from("1234567"), unique=True, min_size=1)
# Some names are the user_ids of others, or what a namesake is called.
NAMES = st.sampled_from(["a", "b", "1", "2", "a (1)", None])


@given(data=st.data(), ids=IDS)
def test_labels_do_not_depend_on_the_order_of_a_page(data: st.DataObject, ids: list[str]) -> None:
    selection = SubuserSelection(include=("*",))
    held: Mapping[str, Score] = {}
    for number in (1, 2):
        scores = [Score(user_id, data.draw(NAMES)) for user_id in ids]
        orders = (scores, data.draw(st.permutations(scores)))
        first, second = (
            select_subusers(day(number), order, selection, Anomalies(), 0, held).by_label
            for order in orders
        )
        assert first == second
        assert sorted(score.user_id for score in first.values()) == sorted(ids)
        given_names = {score.username for score in scores} - {None}
        assert all(first[name].username == name for name in given_names if name)
        again = select_subusers(day(number), orders[1], selection, Anomalies(), 0, first).by_label
        assert again == first
        held = first
