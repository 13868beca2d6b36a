"""How fast SendGrid is asked, with a clock that only sleeping and requests move."""

from __future__ import annotations

from itertools import pairwise

import pytest

from seq_exporter.commands.backfill.pace import Pacer
from seq_exporter.sendgrid.observer import RateLimit
from tests.support import FakeTime


def ask(pacer: Pacer, time: FakeTime, takes: float = 0.0) -> float:
    """Make a request as SendGrid and its Transport do; return when it began."""
    pacer.sleep(0.0)
    began = time.seconds
    time.seconds += takes
    pacer.observe_request("subusers_scores", "200", takes)
    return began


def gaps(moments: list[float]) -> list[float]:
    return [round(after - before, 6) for before, after in pairwise(moments)]


@pytest.mark.parametrize(
    ("requests_per_minute", "takes", "gap"),
    [
        pytest.param(300, 0.0, 0.2, id="answers at once"),
        pytest.param(300, 0.15, 0.2, id="the time of a request is a part of the gap"),
        pytest.param(300, 0.5, 0.5, id="requests that take longer follow each other"),
        pytest.param(1, 5.0, 60.0, id="the slowest"),
        pytest.param(6000, 0.0, 0.01, id="the fastest"),
    ],
)
def test_requests_are_spaced(
    time: FakeTime, requests_per_minute: int, takes: float, gap: float
) -> None:
    pacer = Pacer(requests_per_minute, time.clock, time.sleep)
    began = time.seconds
    moments = [ask(pacer, time, takes) for _ in range(5)]
    assert moments[0] == began  # the first one at once
    assert gaps(moments) == [pytest.approx(gap)] * 4


def test_no_burst_makes_up_for_a_slow_request(time: FakeTime) -> None:
    pacer = Pacer(60, time.clock, time.sleep)
    moments = [ask(pacer, time, takes) for takes in (0.0, 30.0, 0.0, 0.0, 0.0)]
    assert gaps(moments) == [1.0, 30.0, 1.0, 1.0]


def test_a_pause_is_a_part_of_the_gap_between_requests(time: FakeTime) -> None:
    pacer = Pacer(60, time.clock, time.sleep)
    ask(pacer, time)
    pacer.sleep(0.4)
    assert time.sleeps == [pytest.approx(1.0)]
    ask(pacer, time)
    pacer.sleep(5.0)
    assert time.sleeps == [pytest.approx(1.0), 5.0]
    began = time.seconds
    assert ask(pacer, time) == began  # the pause was long enough


def limit_of(time: FakeTime, limit: float, remaining: float, seconds: float) -> RateLimit:
    return RateLimit(limit, remaining, time.seconds + seconds)


@pytest.mark.parametrize(
    ("limit", "remaining", "seconds", "slept"),
    [
        pytest.param(600, 599, 40, 0.2, id="all of it is left"),
        pytest.param(600, 151, 40, 0.2, id="more than a quarter"),
        pytest.param(600, 150, 40, 40, id="a quarter is left for others"),
        pytest.param(600, 0, 40, 40, id="nothing is left"),
        pytest.param(600, 0, 0.05, 0.2, id="the window ends at once"),
        pytest.param(600, 0, -40, 0.2, id="a window that has ended"),
        pytest.param(600, 0, 1e9, 3600, id="a window without an end"),
        pytest.param(1, 0, 40, 40, id="one request a window"),
    ],
)
def test_a_quarter_of_the_rate_limit_is_left_to_others(
    time: FakeTime, limit: float, remaining: float, seconds: float, slept: float
) -> None:
    pacer = Pacer(300, time.clock, time.sleep)
    ask(pacer, time)
    pacer.observe_rate_limit(limit_of(time, limit, remaining, seconds))
    ask(pacer, time)
    assert time.sleeps == [pytest.approx(slept)]
    ask(pacer, time)  # in the next window, as usual
    assert time.sleeps[1:] == [pytest.approx(0.2)]


@pytest.mark.parametrize(
    "rate_limit",
    [
        pytest.param(RateLimit(None, None, None), id="none at all"),
        pytest.param(RateLimit(None, 0, 2e9), id="no limit"),
        pytest.param(RateLimit(600, None, 2e9), id="nothing on what remains"),
        pytest.param(RateLimit(600, 0, None), id="no reset"),
    ],
)
def test_a_rate_limit_that_is_incomplete_is_ignored(time: FakeTime, rate_limit: RateLimit) -> None:
    pacer = Pacer(300, time.clock, time.sleep)
    ask(pacer, time)
    pacer.observe_rate_limit(rate_limit)
    ask(pacer, time)
    assert time.sleeps == [pytest.approx(0.2)]


def test_a_later_answer_does_not_shorten_the_wait(time: FakeTime) -> None:
    pacer = Pacer(300, time.clock, time.sleep)
    ask(pacer, time)
    pacer.observe_rate_limit(limit_of(time, 600, 0, 40))
    pacer.observe_rate_limit(limit_of(time, 600, 0, 10))
    pacer.observe_rate_limit(limit_of(time, 600, 600, 40))
    ask(pacer, time)
    assert time.sleeps == [pytest.approx(40)]


def test_others_have_at_least_a_quarter_of_six_hundred_requests_a_minute(time: FakeTime) -> None:
    pacer = Pacer(6000, time.clock, time.sleep)
    minutes: dict[float, int] = {}
    for _ in range(2000):
        minute = ask(pacer, time) // 60
        minutes[minute] = minutes.get(minute, 0) + 1
        time.sleep(0)
        reset = (minute + 1) * 60 - time.seconds
        pacer.observe_rate_limit(limit_of(time, 600, 600 - minutes[minute], reset))
    assert set(list(minutes.values())[:-1]) == {450}


def test_a_long_wait_is_reported(time: FakeTime) -> None:
    reported: list[str] = []
    pacer = Pacer(300, time.clock, time.sleep, reported.append)
    ask(pacer, time)
    pacer.observe_rate_limit(limit_of(time, 600, 0, 40))
    ask(pacer, time)
    ask(pacer, time)
    assert reported == ["pausing 40 s until SendGrid's rate limit allows more"]
