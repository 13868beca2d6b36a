"""What is asked of SendGrid to explain a score, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from seq_exporter.config.model import PollSettings
from seq_exporter.errors import PollError, ServerFailed
from seq_exporter.explain.evidence import (
    Evidence,
    Others,
    explain_own,
    explain_subuser,
    read_subusers,
)
from seq_exporter.score import Score
from seq_exporter.scores import METRICS
from seq_exporter.sendgrid.reader import AccountReader
from tests.support import TODAY, Answer, FakeSendGrid, FakeTime, account, item

FORBIDDEN: Answer = (403, {}, '{"errors": [{"message": "access forbidden"}]}')
NEWEST = TODAY - timedelta(days=2)
FIRST = NEWEST - timedelta(days=29)
BEHALF = f"own {FIRST}..{NEWEST} for shop"


def ago(days: int) -> date:
    return NEWEST - timedelta(days)


def score(value: float) -> Score:
    return Score("1", "shop", value, (value,) * len(METRICS))


@pytest.fixture
def fleet(sendgrid: FakeSendGrid) -> FakeSendGrid:
    """A month in which `shop` falls on the newest but two days, and two of four others with it."""
    for back in range(32):
        has_fallen = back < 3
        sendgrid.own[ago(back)] = item("1", "shop", 2.5 if has_fallen else 4.0)
        sendgrid.subusers[ago(back)] = [
            item("1", "shop", 2.5 if has_fallen else 4.0),
            item("2", "falls", 3.0 if has_fallen else 4.0),
            item("3", "falls-more", 1.5 if has_fallen else 4.0),
            item("4", "stays", 4.0),
            item("5", "unscored", None),
            *([item("6", "new", 4.0)] if has_fallen else []),
        ]
    return sendgrid


def explain(time: FakeTime, subuser: str = "shop", **changes: object) -> Evidence:
    asked = account(own_score=False, **changes)
    with AccountReader(asked, PollSettings(), clock=time.clock, sleep=time.sleep) as reader:
        newest = read_subusers(reader)
        assert newest
        return explain_subuser(reader, newest, subuser)


EXPECTED = Evidence(
    "acme",
    "shop",
    NEWEST,
    {ago(back): score(2.5 if back < 3 else 4.0) for back in range(30)},
    Others(ago(3), 3, 2, {"falls-more": 2.5, "falls": 1.0}),
)


def test_a_month_takes_one_request(fleet: FakeSendGrid, time: FakeTime) -> None:
    assert explain(time) == EXPECTED
    newest = [f"subusers {TODAY - timedelta(days=days)}" for days in range(3)]
    assert fleet.take_requests() == [*newest, BEHALF, f"subusers {ago(3)}"]


@pytest.mark.parametrize("is_of_customer", [False, True])
def test_a_key_that_may_not_ask_on_behalf_asks_for_every_day(
    fleet: FakeSendGrid, time: FakeTime, is_of_customer: bool
) -> None:
    fleet.first[BEHALF] = [FORBIDDEN]
    behalf = "account-id 7" if is_of_customer else ""
    expected = replace(EXPECTED, is_refused=not is_of_customer)
    assert explain(time, on_behalf_of=behalf) == expected
    asked = fleet.take_requests()
    assert asked.count(BEHALF) == (not is_of_customer)
    assert [f"subusers {ago(back)}" for back in range(1, 30)] == asked[-30:-1]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_counts_as_a_refusal(fleet: FakeSendGrid, time: FakeTime, status: int) -> None:
    fleet.first[BEHALF] = [(status, {}, "")]
    assert explain(time) == replace(EXPECTED, is_refused=True)


def test_others_fell_if_they_lost_half_a_point_exactly(fleet: FakeSendGrid, time: FakeTime) -> None:
    """Rounded to tenths, 0.46 would be half a point, and 4.2 - 3.7 is a little less."""
    for back in range(32):
        fleet.subusers[ago(back)] = [
            item("1", "shop", 2.5 if back < 3 else 4.0),
            item("2", "little", 3.54 if back < 3 else 4.0),
            item("3", "half", 3.7 if back < 3 else 4.2),
        ]
    assert explain(time).others == Others(ago(3), 2, 1, {"half": 0.5})


@pytest.mark.parametrize("status", [429, 500])
def test_any_other_failure_on_behalf_costs_no_more_requests(
    fleet: FakeSendGrid, time: FakeTime, status: int
) -> None:
    fleet.first[BEHALF] = [(status, {}, "")] * 3
    with pytest.raises(PollError):
        explain(time)
    assert not any(asked.startswith("subusers") for asked in fleet.take_requests()[4:])


@pytest.mark.parametrize("name", ["büro", " shop", "account-id 7", "a\nb"])
def test_a_name_that_is_no_header_is_not_sent_as_one(
    fleet: FakeSendGrid, time: FakeTime, name: str
) -> None:
    for items in fleet.subusers.values():
        items[0]["username"] = name  # type: ignore[index]
    assert len(explain(time, subuser=name).days) == 30
    assert not any(" for " in asked for asked in fleet.take_requests())


def test_an_answer_about_another_user_is_not_taken(fleet: FakeSendGrid, time: FakeTime) -> None:
    """A proxy may drop the header: the answer is that of the account itself."""
    for back in range(32):
        fleet.own[ago(back)] = item("9", "acme", 1.0)
    assert explain(time) == EXPECTED


def test_a_day_that_fails_costs_no_other(fleet: FakeSendGrid, time: FakeTime) -> None:
    fleet.first[BEHALF] = [FORBIDDEN]
    fleet.first[f"subusers {ago(9)}"] = [FORBIDDEN]
    assert explain(time).days.keys() == EXPECTED.days.keys() - {ago(9)}


def test_a_comparison_that_fails_is_named(fleet: FakeSendGrid, time: FakeTime) -> None:
    fleet.first[f"subusers {ago(3)}"] = [FORBIDDEN]
    found = explain(time)
    assert found.days == EXPECTED.days
    assert found.others is None
    assert found.failure.startswith("403 (access forbidden): ")


def test_of_many_that_fell_five_are_named(fleet: FakeSendGrid, time: FakeTime) -> None:
    for back in range(32):
        fleet.subusers[ago(back)] += [  # type: ignore[operator]
            item(f"1{number}", f"n{number}", 4.0 if back >= 3 else 3.0 - number / 10)
            for number in range(8)
        ]
    most = {"falls-more": 2.5, "n7": 1.7, "n6": 1.6, "n5": 1.5, "n4": 1.4}
    found = explain(time).others
    assert found == Others(ago(3), 11, 10, most)
    assert list(found.most_fallen) == list(most)


def test_without_others_no_day_is_compared(fleet: FakeSendGrid, time: FakeTime) -> None:
    for back in range(32):
        fleet.subusers[ago(back)] = [item("1", "shop", 2.5), item("5", "unscored", None)]
    assert explain(time) == replace(EXPECTED, others=None)
    assert fleet.take_requests()[-1] == BEHALF


def test_a_day_without_scores_is_not_compared_with(fleet: FakeSendGrid, time: FakeTime) -> None:
    del fleet.subusers[ago(3)]
    others = explain(time).others
    assert others == Others(ago(4), 3, 2, {"falls-more": 2.5, "falls": 1.0})


@pytest.mark.parametrize("was_good", [False, True])
def test_what_has_risen_or_is_back_is_compared_with_nobody(
    fleet: FakeSendGrid, time: FakeTime, was_good: bool
) -> None:
    for back in range(32):
        value = 4.0 if back < 2 or (was_good and back > 12) else 2.5
        fleet.own[ago(back)] = item("1", "shop", value)
        fleet.subusers[ago(back)][0] = item("1", "shop", value)  # type: ignore[index]
    assert explain(time).others is None


def test_without_a_fall_the_others_are_compared_with_those_of_a_week_ago(
    fleet: FakeSendGrid, time: FakeTime
) -> None:
    for back in range(32):
        fleet.own[ago(back)] = item("1", "shop", 2.5)
    found = explain(time)
    assert found.others == Others(ago(7), 3, 2, {"falls-more": 2.5, "falls": 1.0})


def test_the_account_itself_takes_one_request_more(fleet: FakeSendGrid, time: FakeTime) -> None:
    with AccountReader(account(subusers=None), PollSettings(), clock=time.clock) as reader:
        found = explain_own(reader)
    days = {ago(back): score(2.5 if back < 3 else 4.0) for back in range(30)}
    assert found == Evidence("acme", "", NEWEST, days, None)
    assert fleet.take_requests()[-1] == f"own {FIRST}..{NEWEST}"


def test_an_account_without_a_score(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    with AccountReader(account(), PollSettings(), clock=time.clock) as reader:
        assert explain_own(reader) is None
        assert read_subusers(reader) is None


def test_a_failure_is_raised(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers[TODAY] = (500, {}, "")
    with (
        AccountReader(account(), PollSettings(), clock=time.clock, sleep=time.sleep) as reader,
        pytest.raises(ServerFailed),
    ):
        read_subusers(reader)
