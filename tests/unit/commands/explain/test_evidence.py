"""What is asked of SendGrid to explain a score, and what comes of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from seq_exporter.commands.explain.evidence import (
    Evidence,
    Others,
    explain_own,
    explain_subuser,
    read_subusers,
)
from seq_exporter.config.model import PollSettings
from seq_exporter.errors import ServerFailed
from seq_exporter.scores import METRICS, Score
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


def explain(time: FakeTime, **changes: object) -> Evidence:
    settings = PollSettings()
    asked = account(own_score=False, **changes)
    with AccountReader(asked, settings, clock=time.clock, sleep=time.sleep) as reader:
        newest = read_subusers(reader)
        assert newest
        return explain_subuser(reader, newest, "shop", settings)


EXPECTED = Evidence(
    "acme",
    "shop",
    NEWEST,
    {ago(back): score(2.5 if back < 3 else 4.0) for back in range(30)},
    Others(ago(3), 3, {"falls-more": 2.5, "falls": 1.0}),
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
    assert explain(time, on_behalf_of=behalf) == EXPECTED
    asked = fleet.take_requests()
    assert asked.count(BEHALF) == (not is_of_customer)
    assert [f"subusers {ago(back)}" for back in range(1, 30)] == asked[-30:-1]


def test_without_a_fall_the_others_are_compared_with_those_of_a_week_ago(
    fleet: FakeSendGrid, time: FakeTime
) -> None:
    for back in range(32):
        fleet.own[ago(back)] = item("1", "shop", 2.5)
    found = explain(time)
    assert found.others == Others(ago(7), 3, {"falls-more": 2.5, "falls": 1.0})


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
