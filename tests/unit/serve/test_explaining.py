"""What the page of a subuser costs, what is kept, and when SendGrid is left alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.config.model import ALL_SUBUSERS, Config, PollSettings, SubuserSelection
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.explain.evidence import Others
from seq_exporter.sendgrid.sessions import Sessions
from seq_exporter.serve.allowance import MOST_REQUESTS_OF_HOUR
from seq_exporter.serve.explaining import Explainer
from tests.support import GIVE_UP_SECONDS, TODAY, Answer, FakeTime, account, item
from tests.unit.serve.pages_harness import (
    COMPARED,
    DAY_BY_DAY,
    FIRST,
    FORBIDDEN,
    NEWEST,
    Pages,
    Run,
    ago,
    behalf,
)
from tests.unit.serve.poller_harness import PollerHarness
from tests.unit.serve.test_exporter import wait_until


def test_a_page_takes_two_requests_and_the_next_ones_none(pages: Pages, run: Run) -> None:
    async def act() -> None:
        found = await pages.view()
        assert len(found.days) == 30
        assert found.others == Others(ago(3), 3, 2, {"café": 1.5, "falls": 1.0})
        assert found.asked_at == pages.time.seconds
        assert pages.sendgrid.take_requests() == [behalf("shop"), COMPARED]
        assert await pages.view() == found
        assert pages.sendgrid.take_requests() == []

    run(act)


def test_requests_of_pages_are_counted_as_those_of_polls_are(pages: Pages, run: Run) -> None:
    async def act() -> None:
        await pages.view()
        name = "api_requests_total"
        assert pages.value(name, account="acme", endpoint="scores", code="200") == 1
        assert pages.value(name, account="acme", endpoint="subusers_scores", code="200") == 2

    run(act)


def test_a_day_that_was_read_serves_the_others_pages(pages: Pages, run: Run) -> None:
    for items in pages.sendgrid.subusers.values():
        items.append(item("6", "naïve", 2.0))  # type: ignore[union-attr]

    async def act() -> None:
        found = await pages.view("café")  # no header can name it
        assert found.asked_at == pages.time.seconds
        assert pages.sendgrid.take_requests() == DAY_BY_DAY
        assert (await pages.view("naïve")).asked_at is None
        assert pages.sendgrid.take_requests() == []
        await pages.view("shop")
        assert pages.sendgrid.take_requests() == [behalf("shop")]

    run(act)


def test_views_at_the_same_time_ask_once(pages: Pages, run: Run) -> None:
    async def act() -> None:
        found = await asyncio.gather(*(pages.view() for _ in range(5)))
        assert found == [found[0]] * 5
        assert pages.sendgrid.take_requests() == [behalf("shop"), COMPARED]

    run(act)


def test_subusers_of_an_account_are_asked_for_one_after_the_other(pages: Pages, run: Run) -> None:
    async def act() -> None:
        await asyncio.gather(pages.view("café"), pages.view("shop"), pages.view("café"))
        assert pages.sendgrid.take_requests() == [*DAY_BY_DAY, behalf("shop")]

    run(act)


def test_new_scores_are_explained_anew(pages: Pages, run: Run) -> None:
    async def act() -> None:
        await pages.view()
        pages.time.pass_hours(0.9)
        pages.sendgrid.subusers[NEWEST][0] = item("1", "shop", 2.0)  # type: ignore[index]
        await pages.poll()
        assert (await pages.view()).days[NEWEST].overall == 2.5
        pages.time.pass_hours(0.2)
        await pages.poll()
        assert (await pages.view()).days[NEWEST].overall == 2.0
        assert pages.sendgrid.take_requests() == [behalf("shop"), COMPARED]

    run(act)


def test_after_an_hour_sendgrid_is_asked_again(pages: Pages, run: Run) -> None:
    async def act() -> None:
        await pages.view()
        pages.time.pass_hours(1)
        pages.sendgrid.take_requests()
        await pages.view()
        assert pages.sendgrid.take_requests() == [behalf("shop"), COMPARED]

    run(act)


def test_head_asks_for_nothing(pages: Pages, run: Run) -> None:
    async def act() -> None:
        held = await pages.view(may_ask=False)
        assert held.days.keys() == {NEWEST}
        assert pages.sendgrid.take_requests() == []

    run(act)


def test_a_subuser_without_a_score_is_compared_with_nobody(pages: Pages, run: Run) -> None:
    async def act() -> None:
        for back in range(32):
            pages.sendgrid.own[ago(back)] = item("5", "unscored", None)
        assert (await pages.view("unscored")).others is None
        assert pages.sendgrid.take_requests() == [behalf("unscored")]

    run(act)


def server_failed() -> Answer:
    return 500, {}, ""


RATE_LIMITED = (
    "429: over SendGrid's rate limit: raise poll.interval, or let other programs of the account "
    "ask less"
)
FAILED = "500: SendGrid, or a proxy in front of it, failed"


def test_while_polls_fail_sendgrid_is_not_asked(pages: Pages, run: Run) -> None:
    async def act() -> None:
        pages.time.pass_hours(1)
        pages.sendgrid.subusers[TODAY] = (401, {}, "")
        await pages.poll()
        assert await pages.view_gap() == (
            "SendGrid is not asked while polls of this account fail: "
            "401: SendGrid refuses the key: is it active, complete and for this region?",
            [],
        )

    run(act)


def test_while_a_poll_waits_sendgrid_is_not_asked(pages: Pages, run: Run) -> None:
    async def act() -> None:
        pages.sendgrid.first[f"subusers {TODAY}"] = [(429, {"Retry-After": "30"}, "")]
        await pages.begin_poll()
        poller = pages.exporter._running["acme"].poller
        await wait_until(lambda: poller.quiet_seconds > 0)
        pages.sendgrid.take_requests()
        assert await pages.view_gap() == ("SendGrid wants no requests before 12:00:30 UTC", [])

    run(act)


@pytest.mark.parametrize(
    ("limit", "gap"),
    [
        ({"Limit": "600", "Remaining": "61"}, ""),
        (
            {"Limit": "600", "Remaining": "60"},
            "60 of 600 requests are left of SendGrid's rate limit, and polls come first: "
            "ask again at 12:00:30 UTC",
        ),
        (
            {"Remaining": "0"},
            "0 requests are left of SendGrid's rate limit, and polls come first: "
            "ask again at 12:00:30 UTC",
        ),
        ({"Limit": "600"}, ""),
        # No time at all: polls find out when more is left.
        (
            {"Remaining": "0", "Reset": "1e300"},
            "0 requests are left of SendGrid's rate limit, and polls come first",
        ),
    ],
)
def test_what_is_left_of_the_rate_limit_is_for_polls(
    pages: Pages, run: Run, limit: dict[str, str], gap: str
) -> None:
    async def act() -> None:
        headers = {"Reset": str(pages.time.seconds + 30), **limit}
        headers = {f"X-RateLimit-{name}": value for name, value in headers.items()}
        pages.sendgrid.first[f"subusers {TODAY}"] = [(202, headers, "")]
        await pages.poll()
        assert await pages.view_gap() == (gap, [] if gap else [behalf("shop"), COMPARED])
        pages.time.seconds += 30
        if "Reset" not in limit:
            assert (await pages.view()).gap == ""

    run(act)


def test_pages_have_a_bound_of_requests_an_hour(pages: Pages, run: Run) -> None:
    names = [f"s{number}" for number in range(100)]
    for items in pages.sendgrid.subusers.values():
        items += [item(f"1{name}", name, 4.0) for name in names]  # type: ignore[operator]

    async def act() -> None:
        asked: list[str] = []
        for name in names:
            gap, requests = await pages.view_gap(name)
            asked += requests
            if gap:
                break
        assert len(asked) == MOST_REQUESTS_OF_HOUR
        reason = "pages about this account have cost 120 requests within an hour"
        assert gap == f"{reason}: ask again at 13:00:00 UTC"
        pages.time.seconds += 3599
        assert (await pages.view_gap("shop"))[1] == []
        pages.time.seconds += 1
        assert await pages.view_gap("shop") == ("", [behalf("shop"), COMPARED])

    run(act)


def test_a_failure_costs_one_request_a_minute(pages: Pages, run: Run) -> None:
    pages.sendgrid.first[behalf("shop")] = [server_failed()] * 9

    async def act() -> None:
        assert await pages.view_gap() == (FAILED, [behalf("shop")])
        assert await pages.view_gap() == (FAILED, [])
        again = f"{FAILED}; SendGrid is asked again from 12:01:00 UTC on"
        assert await pages.view_gap("café") == (again, [])
        pages.time.seconds += 60
        assert await pages.view_gap() == (FAILED, [behalf("shop")])

    run(act)


def test_a_failure_takes_away_nothing_that_was_found(pages: Pages, run: Run) -> None:
    async def act() -> None:
        await pages.view()
        pages.time.pass_hours(0.5)
        pages.sendgrid.subusers[TODAY] = [item("1", "shop", 2.0)]
        await pages.poll()
        first, last = FIRST + timedelta(1), TODAY
        pages.sendgrid.first[f"own {first}..{last} for shop"] = [server_failed()]
        found = await pages.view()
        assert (found.day, found.gap, len(found.days)) == (TODAY, FAILED, 31)
        assert found.asked_at == pages.time.seconds

    run(act)


def test_a_name_that_another_user_has_now_has_none_of_the_earlier_scores(
    pages: Pages, run: Run
) -> None:
    async def act() -> None:
        await pages.view()
        pages.sendgrid.subusers[TODAY] = [item("9", "shop", 2.0)]
        await pages.poll()
        found = await pages.view(may_ask=False)
        assert (found.day, list(found.days), found.asked_at) == (TODAY, [TODAY], None)

    run(act)


def test_sendgrid_says_how_long_it_is_left_alone(pages: Pages, run: Run) -> None:
    pages.sendgrid.first[behalf("shop")] = [(429, {"Retry-After": "600"}, "")]

    async def act() -> None:
        assert await pages.view_gap() == (RATE_LIMITED, [behalf("shop")])
        pages.time.seconds += 599
        assert (await pages.view_gap("café"))[1] == []
        pages.time.seconds += 1
        assert await pages.view_gap() == ("", [behalf("shop"), COMPARED])

    run(act)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "86400"},
        {"Retry-After": "1e300"},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"X-RateLimit-Reset": "1e18"},
    ],
)
def test_sendgrid_is_left_alone_for_an_hour_at_most(
    pages: Pages, run: Run, headers: dict[str, str]
) -> None:
    pages.sendgrid.first[behalf("shop")] = [(429, headers, "")]

    async def act() -> None:
        await pages.view_gap()
        assert await pages.view_gap("café") == (
            f"{RATE_LIMITED}; SendGrid is asked again from 13:00:00 UTC on",
            [],
        )
        pages.time.seconds += 3600
        assert await pages.view_gap() == ("", [behalf("shop"), COMPARED])

    run(act)


@pytest.mark.parametrize("answer", [FORBIDDEN, (404, {}, "")])
def test_a_key_that_may_not_ask_on_behalf_is_refused_for_three_subusers(
    pages: Pages, run: Run, answer: Answer
) -> None:
    for name in ("shop", "falls", "stays"):
        pages.sendgrid.first[behalf(name)] = [answer]

    async def act() -> None:
        assert await pages.view_gap() == ("", [behalf("shop"), *DAY_BY_DAY])
        assert len((await pages.view()).days) == 30
        assert await pages.view_gap("falls") == ("", [behalf("falls")])
        assert len((await pages.view("falls")).days) == 30
        assert await pages.view_gap("stays") == ("", [behalf("stays")])
        assert await pages.view_gap("unscored") == ("", [])
        pages.time.seconds += 3600
        assert (await pages.view_gap("shop"))[1] == [behalf("shop"), COMPARED]

    run(act)


def test_a_subuser_that_sendgrid_does_not_know_costs_no_other_its_request(
    pages: Pages, run: Run
) -> None:
    pages.sendgrid.first[behalf("shop")] = [(404, {}, "")]
    pages.sendgrid.first[behalf("stays")] = [(404, {}, "")]
    pages.sendgrid.first[behalf("unscored")] = [(404, {}, "")]

    async def act() -> None:
        for name in ("shop", "stays", "falls", "unscored"):
            assert behalf(name) in (await pages.view_gap(name))[1]

    run(act)


def test_another_key_in_the_file_forgets_what_the_first_one_read(
    pages: Pages, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("SG.first")
    config = Config((account(api_key=ApiKey(file), own_score=False),))
    for name in ("shop", "falls", "stays"):
        pages.sendgrid.first[behalf(name)] = [FORBIDDEN]

    def has_user(user_id: str) -> bool:
        snapshot, health = pages.exporter.accounts[0]
        users = snapshot.subusers.by_label if snapshot.subusers else {}
        return health.last_success is not None and users["shop"].user_id == user_id

    async def act() -> None:
        assert await pages.reload(config) is None
        await wait_until(lambda: has_user("1"))
        for name in ("shop", "falls", "stays"):
            await pages.view(name)
        file.write_text("SG.second")
        for items in pages.sendgrid.subusers.values():
            items[0]["user_id"] = "7"  # type: ignore[index]
        for back in range(32):
            pages.sendgrid.own[ago(back)] = item("7", "shop", 2.5 if back < 3 else 4.0)
        config_again = Config(config.accounts, PollSettings(60.0))
        assert await pages.reload(config_again) is None
        await wait_until(lambda: has_user("7"))
        pages.sendgrid.take_requests()
        found = await pages.view()
        assert pages.sendgrid.take_requests() == [behalf("shop"), COMPARED]
        assert len(found.days) == 30

    run(act)


def test_a_month_that_breaks_off_shows_what_is_known(pages: Pages, run: Run) -> None:
    pages.sendgrid.first[DAY_BY_DAY[9]] = [server_failed()]

    async def act() -> None:
        assert await pages.view_gap("café") == (FAILED, DAY_BY_DAY[:10])
        assert len((await pages.view("café")).days) == 10
        pages.time.seconds += 60
        assert await pages.view_gap("café") == ("", DAY_BY_DAY[9:])

    run(act)


def test_a_comparison_that_fails_is_named(pages: Pages, run: Run) -> None:
    pages.sendgrid.first[COMPARED] = [server_failed()]

    async def act() -> None:
        found = await pages.view()
        assert (len(found.days), found.others, found.failure) == (30, None, FAILED)
        assert pages.sendgrid.take_requests() == [behalf("shop"), COMPARED]

    run(act)


@pytest.mark.parametrize(
    "selected", [ALL_SUBUSERS, SubuserSelection(names=frozenset({"shop", "falls"}))]
)
def test_the_others_of_a_large_fleet_are_not_compared(
    pages: Pages, run: Run, selected: SubuserSelection
) -> None:
    """SendGrid returns the scores of all users, whichever of them are published."""
    more = [item(str(number), f"n{number}", 4.0) for number in range(100, 40_101)]
    pages.sendgrid.subusers = {NEWEST: [*pages.sendgrid.subusers[NEWEST], *more]}
    pages.sendgrid.page_size = 1000

    async def act() -> None:
        selecting = Config((account(own_score=False, subusers=selected),))
        assert await pages.reload(selecting) is None
        await wait_until(lambda: pages.count_polls() == 1)
        pages.sendgrid.take_requests()
        found = await pages.view()
        assert found.failure == (
            "a page may cost 40 requests, and the scores of a day take 41: "
            "the command below has no such limit"
        )
        assert pages.sendgrid.take_requests() == [behalf("shop")]
        pages.time.seconds += 60
        assert await pages.view_gap() == ("", [])

    run(act)


def test_the_others_are_those_that_are_published(pages: Pages, run: Run) -> None:
    selected = SubuserSelection(names=frozenset({"shop", "stays"}))

    async def act() -> None:
        selecting = Config((account(own_score=False, subusers=selected),))
        assert await pages.reload(selecting) is None
        await wait_until(lambda: pages.count_polls() == 1)
        assert (await pages.view()).others == Others(ago(3), 1, 0, {}, is_partial=True)

    run(act)


def test_a_day_in_short_pages_ends_at_the_bound(pages: Pages, run: Run) -> None:
    """SendGrid may return fewer scores in a page than it is asked for."""
    for back in (0, 3):
        more = [item(str(number), f"n{number}", 4.0) for number in range(100, 200)]
        pages.sendgrid.subusers[ago(back)] += more  # type: ignore[operator]
    pages.sendgrid.page_size = 2

    async def act() -> None:
        found = await pages.view()
        assert found.failure == "a page may cost 40 requests: the command below has no such limit"
        assert len(pages.sendgrid.take_requests()) == 40

    run(act)


def test_a_month_day_by_day_ends_at_the_bound(pages: Pages, run: Run) -> None:
    """Of an account with 1,500 subusers, a day takes two requests."""
    for back in range(32):
        more = [item(str(number), f"n{number}", 4.0) for number in range(100, 1_600)]
        pages.sendgrid.subusers[ago(back)] += more  # type: ignore[operator]
    pages.sendgrid.page_size = 1000

    async def act() -> None:
        gap, asked = await pages.view_gap("café")
        assert gap == (
            "a page may cost 40 requests, and the scores of a day take 2: "
            "the command below has no such limit"
        )
        assert len(asked) == 40
        assert len((await pages.view("café")).days) == 21

    run(act)


class Slowly(dict[date, Any]):
    """The answers of a SendGrid that waits before the one of a day."""

    def __init__(self, answers: Mapping[date, Any], slow_day: date) -> None:
        super().__init__(answers)
        self.slow_day = slow_day
        self.is_asked, self.may_answer = threading.Event(), threading.Event()

    def get(self, day: date, default: Any = None) -> Any:
        if day == self.slow_day:
            self.is_asked.set()
            self.may_answer.wait(GIVE_UP_SECONDS)
        return super().get(day, default)


def test_an_account_that_is_removed_while_it_is_asked(pages: Pages, run: Run) -> None:
    """The page is of nobody then, and no further request is made."""
    pages.sendgrid.subusers = slowly = Slowly(pages.sendgrid.subusers, ago(1))

    async def act() -> None:
        view = asyncio.create_task(pages.exporter.explain("acme", "café", may_ask=True))
        await wait_until(slowly.is_asked.is_set)
        assert await pages.reload(Config(())) is None
        assert await view is None
        slowly.may_answer.set()
        assert pages.sendgrid.take_requests() == [f"subusers {ago(1)}"]
        assert await pages.exporter.explain("acme", "café", may_ask=True) is None

    run(act)


def test_a_view_does_not_wait_for_ever(pages: Pages, time: FakeTime) -> None:
    """SendGrid is asked all the same, and a later view finds its answer."""
    made = PollerHarness(time, own_score=False)
    made.poll()
    pages.sendgrid.subusers = slowly = Slowly(pages.sendgrid.subusers, ago(1))
    pages.sendgrid.take_requests()

    async def main() -> None:
        explainer = Explainer(Sessions(), time.clock, wait_seconds=0.01)
        explaining = explainer.open(made.poller, made.telemetry)
        for subuser in ("café", "shop"):
            found = await explaining.explain(subuser)
            assert found
            assert found.days.keys() == {NEWEST}
            assert found.gap == "SendGrid has not answered yet: reload this page in a few seconds"
        slowly.may_answer.set()
        explainer.wait_seconds = GIVE_UP_SECONDS
        found = await explaining.explain("café")
        assert found
        assert len(found.days) == 30

    asyncio.run(main())
    assert pages.sendgrid.take_requests() == DAY_BY_DAY


def test_another_key_finds_nothing_that_was_kept(pages: Pages, run: Run) -> None:
    async def act() -> None:
        await pages.view()
        other = account(own_score=False, api_key=ApiKey(Secret("SG.other")))
        assert await pages.reload(Config((other,))) is None
        await wait_until(lambda: bool(pages.sendgrid.requests[2:]))
        pages.sendgrid.take_requests()
        await pages.view()
        assert behalf("shop") in pages.sendgrid.take_requests()

    run(act)


def test_views_end_before_the_exporter_stops(pages: Pages, run: Run) -> None:
    pages.sendgrid.subusers = slowly = Slowly(pages.sendgrid.subusers, ago(1))

    async def act() -> None:
        views = [
            asyncio.create_task(pages.exporter.explain("acme", name, may_ask=True))
            for name in ("café", "shop")
        ]
        await wait_until(slowly.is_asked.is_set)
        pages.exporter.end_views()
        assert await asyncio.gather(*views) == [None, None]
        slowly.may_answer.set()

    run(act)
