"""Which days are asked for, and in how many requests."""

from __future__ import annotations

from typing import Any

from tests.support import FakeSendGrid, FakeTime, day, item
from tests.unit.serve.poller_harness import PollerHarness


def test_the_newest_day_with_a_score_is_published(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {
        day(3): [item("1", "shop-de", 4.5), item("2", "shop-fr", 3)],
        day(2): [item("1", "shop-de", 1)],
    }
    harness = PollerHarness(time, own_score=False)
    assert harness.poll() == 900
    assert harness.series("sendgrid_seq_score") == [
        '{account="acme",subuser="shop-de"} 4.5',
        '{account="acme",subuser="shop-fr"} 3.0',
    ]
    assert sendgrid.requests == [
        "subusers 2026-11-05",
        "subusers 2026-11-04",
        "subusers 2026-11-03",
    ]
    assert harness.value("account_up") == 1


def test_a_poll_asks_only_for_days_newer_than_the_one_held(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(3): [item("1", "shop-de", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.take_requests()
    time.pass_hours(0.25)
    harness.poll()
    assert sendgrid.take_requests() == ["subusers 2026-11-05", "subusers 2026-11-04"]


def test_the_held_day_is_read_again_after_the_refresh_interval(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(3): [item("1", "shop-de", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(3)] = [item("1", "shop-de", 4), item("2", "late", 2)]
    time.pass_hours(0.99)
    harness.poll()
    assert harness.series("sendgrid_seq_score") == ['{account="acme",subuser="shop-de"} 4.0']
    sendgrid.take_requests()
    time.pass_hours(0.02)
    harness.poll()
    assert sendgrid.take_requests()[-1] == "subusers 2026-11-03"
    assert harness.series("sendgrid_seq_score")[1] == '{account="acme",subuser="late"} 2.0'
    time.pass_hours(0.99)
    harness.poll()
    assert sendgrid.take_requests() == ["subusers 2026-11-05", "subusers 2026-11-04"]


def test_a_newer_day_makes_the_refresh_needless(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(3): [item("1", "shop-de", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.take_requests()
    sendgrid.subusers[day(4)] = [item("1", "shop-de", 2)]
    time.pass_hours(2)
    harness.poll()
    assert sendgrid.take_requests() == ["subusers 2026-11-05", "subusers 2026-11-04"]
    assert harness.series("sendgrid_seq_score") == ['{account="acme",subuser="shop-de"} 2.0']


def test_a_cold_start_asks_for_no_more_than_lookback_days(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    harness = PollerHarness(time, own_score=False, settings={"lookback_days": 3})
    harness.poll()
    assert sendgrid.requests == [
        "subusers 2026-11-05",
        "subusers 2026-11-04",
        "subusers 2026-11-03",
    ]
    assert harness.page == ""
    assert harness.value("account_up") == 1


def test_own_scores_walk_back_as_the_subusers_do(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.own = {day(3): item("9", "acme", 3.5, date="2026-11-03"), day(2): item("9", "acme", 2)}
    harness = PollerHarness(time, subusers=None)
    harness.poll()
    assert sendgrid.take_requests() == ["own 2026-11-05", "own 2026-11-04", "own 2026-11-03"]
    assert harness.series("sendgrid_seq_account_score") == ['{account="acme"} 3.5']
    time.pass_hours(0.25)
    harness.poll()
    assert sendgrid.take_requests() == ["own 2026-11-05", "own 2026-11-04"]
    time.pass_hours(1)
    harness.poll()
    assert sendgrid.take_requests() == ["own 2026-11-05", "own 2026-11-04", "own 2026-11-03"]


def test_an_account_that_is_never_eligible_costs_few_requests(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.own = {day(number): item("9") for number in (1, 2, 3, 4)}
    harness = PollerHarness(time, subusers=None, settings={"lookback_days": 5})
    harness.poll()
    everything = [f"own 2026-11-0{number}" for number in (5, 4, 3, 2, 1)]
    assert sendgrid.take_requests() == everything
    assert harness.page == ""
    time.pass_hours(0.25)
    harness.poll()
    assert sendgrid.take_requests() == ["own 2026-11-05", "own 2026-11-04"]
    sendgrid.own[day(2)] = item("9", "acme", 4)
    time.pass_hours(0.75)
    harness.poll()
    assert sendgrid.take_requests() == everything[:4]
    assert harness.series("sendgrid_seq_account_score") == ['{account="acme"} 4.0']


def test_scores_are_withdrawn_once_they_are_older_than_lookback(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(5): [item("1", "shop-de", 4)]}
    sendgrid.own = {day(5): item("9", "acme", 4, date="2026-11-05")}
    harness = PollerHarness(time)
    harness.poll()
    sendgrid.subusers.clear()
    sendgrid.own = {}
    time.pass_hours(7 * 24)
    harness.poll()
    assert len(harness.series("sendgrid_seq_score")) == 1
    time.pass_hours(24)
    sendgrid.own = dict.fromkeys(map(day, range(1, 6)), (500, {}, ""))
    harness.poll()
    assert harness.page == ""


def test_a_refresh_without_scores_leaves_the_day_as_it_was(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(5): [item("1", "shop-de", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    page = harness.page
    answers: list[Any] = [[], [item("1")], (202, {}, "")]
    for answer in answers:
        sendgrid.subusers[day(5)] = answer
        time.pass_hours(2)
        harness.poll()
        assert harness.page == page


def test_a_fleet_without_any_score_shows_who_is_not_eligible(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "shop-de")], day(3): [item("1", "shop-de")]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert harness.series("sendgrid_seq_subuser_eligible") == [
        '{account="acme",subuser="shop-de",user_id="1"} 0.0'
    ]
    assert harness.series("sendgrid_seq_score_date_timestamp_seconds") == []
    sendgrid.subusers[day(4)] = [item("1", "shop-de", 2)]
    harness.poll()
    assert harness.series("sendgrid_seq_score") == ['{account="acme",subuser="shop-de"} 2.0']


def test_today_may_be_a_day_that_sendgrid_has_yet_to_reach(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    future: Any = (400, {}, '{"errors": [{"field": "date", "message": "cannot be in the future"}]}')
    sendgrid.subusers = {day(5): future, day(4): [item("1", "a", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert harness.value("account_up") == 1
    assert len(harness.series("sendgrid_seq_score")) == 1
    sendgrid.subusers = {day(5): future, day(4): future}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert harness.value("poll_failures_total", reason="bad_request") == 1


def test_a_clock_set_back_keeps_what_is_held(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4)]}
    sendgrid.own = {day(5): item("9", "acme", 4, date="2026-11-05")}
    harness = PollerHarness(time)
    harness.poll()
    page = harness.page
    sendgrid.take_requests()
    time.pass_hours(-24)
    harness.poll()
    assert (harness.page, sendgrid.take_requests()) == (page, [])
