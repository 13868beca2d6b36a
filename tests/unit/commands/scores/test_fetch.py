"""Which earlier days are asked for, and what comes of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from seq_exporter.commands.scores.fetch import AccountScores, Period, fetch_account
from seq_exporter.commands.scores.rows import make_rows
from seq_exporter.config.model import PollSettings
from seq_exporter.sendgrid.reader import AccountReader
from tests.support import TODAY, Answer, FakeSendGrid, FakeTime, account, item

REFUSED: Answer = (400, {}, '{"errors": [{"message": "too old"}]}')
FAILED: Answer = (404, {}, "")


def ago(days: int) -> date:
    return TODAY - timedelta(days)


@pytest.fixture
def fleet(sendgrid: FakeSendGrid) -> FakeSendGrid:
    """Has scores of a hundred days, the newest two days old; refuses those over 90 days old."""
    for days in range(2, 103):
        score = 1 + days / 100
        kept = days <= 90
        sendgrid.subusers[ago(days)] = [item("1", "shop", score)] if kept else REFUSED
        sendgrid.own[ago(days)] = item("9", None, score) if kept else REFUSED
    return sendgrid


def fetch(time: FakeTime, period: Period) -> AccountScores:
    with AccountReader(account(), PollSettings(), clock=time.clock, sleep=time.sleep) as reader:
        return fetch_account(reader, period, lambda steps, text: None)


@pytest.mark.parametrize(
    ("period", "first", "last", "subusers_days"),
    [
        (Period(), 32, 9, 2),
        (Period(history=31), 32, 3, 30),
        (Period(history=89), 90, 3, 88),
        (Period(history=90), 90, 3, 88),
        (Period(ago(50), history=90), 90, 51, 40),
        (Period(ago(70)), 77, 77, 1),
        (Period(ago(83)), 90, 90, 1),
    ],
)
def test_days_that_sendgrid_does_not_keep_cost_no_others(
    fleet: FakeSendGrid, time: FakeTime, period: Period, first: int, last: int, subusers_days: int
) -> None:
    found = fetch(time, period)
    asked = fleet.take_requests()
    one = f"own {ago(first)}" if first == last else f"own {ago(first)}..{ago(last)}"
    assert asked[-1] == one
    assert len(found.earlier) == subusers_days
    own, shop = make_rows(found, period.history)
    assert own.numbers["change7"] == shop.numbers["change7"] == -0.07
    assert own.numbers["change30"] == shop.numbers["change30"]
    assert own.history == shop.history


@pytest.mark.parametrize("period", [Period(ago(84)), Period(ago(90), history=90)])
def test_without_an_earlier_day_none_is_asked_for(
    fleet: FakeSendGrid, time: FakeTime, period: Period
) -> None:
    found = fetch(time, period)
    assert (found.earlier, found.own_earlier) == ({}, {})
    assert {each.partition(" ")[2] for each in fleet.take_requests()} == {str(period.day)}


def test_around_midnight_the_oldest_day_is_left_out(fleet: FakeSendGrid, time: FakeTime) -> None:
    fleet.first[f"own {ago(90)}..{ago(3)}"] = [REFUSED]
    found = fetch(time, Period(history=90))
    assert fleet.take_requests()[-2:] == [f"own {ago(90)}..{ago(3)}", f"own {ago(89)}..{ago(3)}"]
    assert found.own_earlier.keys() == {ago(days) for days in range(3, 90)}


@pytest.mark.parametrize("answers", [[REFUSED, REFUSED], [FAILED]])
def test_own_scores_that_cannot_be_read_cost_no_others(
    fleet: FakeSendGrid, time: FakeTime, answers: list[Answer]
) -> None:
    for first, answer in zip((32, 9), answers, strict=False):
        last = "" if first == 9 else f"..{ago(9)}"
        fleet.first[f"own {ago(first)}{last}"] = [answer]
    found = fetch(time, Period())
    assert found.own_earlier == {}
    assert found.earlier.keys() == {ago(9), ago(32)}
