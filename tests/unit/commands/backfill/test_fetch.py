"""The requests of a backfill to SendGrid, one by one: none is made twice without need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.commands.backfill.archive import AccountArchive, Archive
from seq_exporter.commands.backfill.fetch import AccountFetch, FetchedAccount, fetch_accounts
from seq_exporter.commands.backfill.pace import Pacer
from seq_exporter.commands.backfill.plan import BackfillOptions
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.errors import (
    BackfillError,
    BadRequest,
    Forbidden,
    MalformedResponse,
    PollError,
    RateLimited,
    ServerFailed,
    Unauthorized,
)
from seq_exporter.sendgrid.reader import AccountReader
from tests.support import (
    KEY,
    NOT_CALCULATED,
    Answer,
    FakeSendGrid,
    FakeTime,
    account,
    day,
    item,
    ok,
)
from tests.unit.commands.backfill.test_archive import query, rows

DAYS = [day(1), day(2), day(3)]
TODAY = day(2) + timedelta(days=88)  # SendGrid may have forgotten the first
FLEET = [item("1", "shop-de", 4), item("2", "shop-fr", 3.5), item("3", "shop-it")]

OWN = item("9", "acme", 4)

FORGOTTEN: Answer = (400, {}, '{"errors": [{"message": "date is too far back"}]}')
REFUSED: Answer = (401, {}, "")
TOO_MANY: Answer = (429, {}, "")
FAILED: Answer = (500, {}, "")


def too_many(seconds: int) -> Answer:
    return 429, {"Retry-After": str(seconds)}, ""


class FetchHarness:
    """Fetches the days of one account into its archive, and records the progress."""

    def __init__(self, file: Path, time: FakeTime, sendgrid: FakeSendGrid) -> None:
        self.file = file
        self.archive = Archive(file, hash_cost=2)
        self.time = time
        self.sendgrid = sendgrid
        self.reports: list[tuple[int, str]] = []

    def run(self, days: Sequence[date] = DAYS, today: date = TODAY, **changes: Any) -> set[date]:
        """Return the days that are not calculated."""
        return self.fetch(days, today, **changes).not_calculated

    def fetch(self, days: Sequence[date], today: date = TODAY, **changes: Any) -> FetchedAccount:
        self.reports.clear()
        made = account(**changes)
        pacer = Pacer(6000, self.time.clock, self.time.sleep, self._tell)
        with AccountReader(
            made,
            PollSettings(),
            observer=pacer,
            clock=self.time.clock,
            sleep=self.time.sleep,
            pause_after=pacer.pause_after,
        ) as reader:
            fetch = AccountFetch(made, self.acme, reader.connect(), today, self._report)
            return fetch.run(days)

    def fail(self, kind: type[PollError], **changes: Any) -> str:
        """Return the message of the error of this kind that ends a run."""
        with pytest.raises(kind) as caught:
            self.run(**changes)
        return str(caught.value)

    @property
    def acme(self) -> AccountArchive:
        return self.archive.claim(account(), Secret(KEY))

    @property
    def users(self) -> dict[str, list[str]]:
        """The users of each day, in the order in which they came."""
        found: dict[str, list[str]] = {}
        for when, user_id, _ in rows(self.file):
            found.setdefault(f"2026-11-{when}", []).append(user_id)
        return found

    @property
    def names(self) -> dict[str, str | None]:
        return dict(query(self.file, "SELECT user_id, username FROM names"))

    @property
    def done(self) -> int:
        return sum(steps for steps, _ in self.reports)

    def _tell(self, reason: str) -> None:
        self.reports.append((0, f"{reason}: acme"))

    def _report(self, steps: int, text: str) -> None:
        self.reports.append((steps, text))


@pytest.fixture
def harness(tmp_path: Path, time: FakeTime, sendgrid: FakeSendGrid) -> Iterator[FetchHarness]:
    harness = FetchHarness(tmp_path / "scores.sqlite", time, sendgrid)
    with closing(harness.archive):
        yield harness


def test_subusers_are_read_page_by_page_and_own_scores_in_one_request(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.page_size = 2
    sendgrid.subusers = {day(1): FLEET[:2], day(2): FLEET, day(3): FLEET}
    sendgrid.own = dict.fromkeys(DAYS, OWN)
    assert harness.run() == set()
    assert sendgrid.take_requests() == [
        "subusers 2026-11-01",
        "subusers 2026-11-02",
        "subusers 2026-11-02 after 2",
        "subusers 2026-11-03",
        "subusers 2026-11-03 after 2",
        "own 2026-11-01..2026-11-03",
    ]
    assert harness.users == {
        "2026-11-01": ["1", "2"],
        "2026-11-02": ["1", "2", "3"],
        "2026-11-03": ["1", "2", "3"],
    }
    assert list(harness.acme.own_scores()) == DAYS
    assert harness.reports == [
        (0, "acme"),
        (0, "acme 2026-11-01, page 1"),
        (1, "acme 2026-11-01"),
        (0, "acme 2026-11-02, page 1"),
        (0, "acme 2026-11-02, page 2"),
        (1, "acme 2026-11-02"),
        (0, "acme 2026-11-03, page 1"),
        (0, "acme 2026-11-03, page 2"),
        (1, "acme 2026-11-03"),
        (0, "acme"),
    ]


def test_a_second_run_asks_for_nothing(harness: FetchHarness, sendgrid: FakeSendGrid) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    sendgrid.own = dict.fromkeys(DAYS, OWN)
    harness.run()
    sendgrid.take_requests()
    assert harness.run() == set()
    assert sendgrid.take_requests() == []
    assert harness.done == len(DAYS)


def test_a_run_with_more_days_asks_only_for_those(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    days = [day(number) for number in range(1, 6)]
    sendgrid.subusers = dict.fromkeys(days, FLEET)
    sendgrid.own = dict.fromkeys(days, OWN)
    harness.run([day(2), day(3)])
    sendgrid.take_requests()
    harness.run(days)
    assert sendgrid.take_requests() == [
        "subusers 2026-11-01",
        "subusers 2026-11-04",
        "subusers 2026-11-05",
        "own 2026-11-01..2026-11-05",
    ]
    assert harness.done == len(days)


def test_a_day_that_was_begun_is_continued_from_its_cursor(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.page_size = 1
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    sendgrid.first["subusers 2026-11-02 after 2"] = [REFUSED]
    harness.fail(Unauthorized, own_score=False)
    assert harness.users["2026-11-02"] == ["1", "2"]
    sendgrid.take_requests()
    assert harness.run(own_score=False) == set()
    assert sendgrid.take_requests() == [
        "subusers 2026-11-02 after 2",
        "subusers 2026-11-03",
        "subusers 2026-11-03 after 1",
        "subusers 2026-11-03 after 2",
    ]
    assert harness.users == {str(when): ["1", "2", "3"] for when in DAYS}


def test_days_that_are_not_calculated_are_asked_for_once_more_at_the_end(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = {day(1): FLEET, day(2): FLEET}
    sendgrid.first["subusers 2026-11-01"] = [NOT_CALCULATED]
    assert harness.run(own_score=False) == {day(3)}
    assert sendgrid.take_requests() == [
        "subusers 2026-11-01",
        "subusers 2026-11-02",
        "subusers 2026-11-03",
        "subusers 2026-11-01",
        "subusers 2026-11-03",
    ]
    assert harness.done == len(DAYS)
    sendgrid.subusers[day(3)] = FLEET
    assert harness.run(own_score=False) == set()  # in a later run
    assert sendgrid.take_requests() == ["subusers 2026-11-03"]
    assert list(harness.users) == ["2026-11-01", "2026-11-02", "2026-11-03"]


def test_a_day_is_not_calculated_if_a_later_page_is_not(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.page_size = 2
    sendgrid.subusers = {day(2): FLEET}
    sendgrid.first["subusers 2026-11-02 after 2"] = [NOT_CALCULATED, NOT_CALCULATED]
    assert harness.run([day(2)], own_score=False) == {day(2)}
    assert harness.users == {}
    assert sendgrid.take_requests() == ["subusers 2026-11-02", "subusers 2026-11-02 after 2"] * 2
    assert harness.run([day(2)], own_score=False) == set()
    assert harness.users == {"2026-11-02": ["1", "2", "3"]}


def test_a_day_that_sendgrid_no_longer_keeps_is_noted(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = {day(1): FORGOTTEN, day(2): FLEET, day(3): FLEET}
    sendgrid.own = {day(2): OWN, day(3): OWN}
    assert harness.run() == set()
    assert harness.acme.forgotten() == {day(1)}
    assert sendgrid.take_requests() == [
        "subusers 2026-11-01",
        "subusers 2026-11-02",
        "subusers 2026-11-03",
        "own 2026-11-02..2026-11-03",
    ]
    assert harness.done == len(DAYS)
    assert harness.run() == set()
    assert sendgrid.take_requests() == []


def test_a_day_that_sendgrid_forgets_meanwhile_keeps_its_subusers(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    sendgrid.own = {day(1): FORGOTTEN} | dict.fromkeys(DAYS[1:], OWN)
    assert harness.run() == set()
    assert list(harness.users) == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert list(harness.acme.own_scores()) == [day(2), day(3)]
    assert harness.acme.forgotten() == {day(1)}
    sendgrid.take_requests()
    assert harness.run() == set()
    assert sendgrid.take_requests() == []


def test_half_a_day_that_sendgrid_forgets_is_dropped(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.page_size = 1
    sendgrid.subusers = {day(1): FLEET}
    sendgrid.first["subusers 2026-11-01 after 1"] = [FORGOTTEN]
    assert harness.run([day(1)], own_score=False) == set()
    assert harness.users == {}
    assert harness.acme.forgotten() == {day(1)}


@pytest.mark.parametrize(
    "own_score", [pytest.param(False, id="subusers"), pytest.param(True, id="own score")]
)
def test_a_bad_request_for_a_day_that_sendgrid_keeps_is_an_error(
    harness: FetchHarness, sendgrid: FakeSendGrid, own_score: bool
) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    sendgrid.own = dict.fromkeys(DAYS, OWN) | {day(2): FORGOTTEN}
    if not own_score:
        sendgrid.subusers[day(2)] = FORGOTTEN
    said = harness.fail(BadRequest, own_score=own_score)
    assert said == "400 (date is too far back): SendGrid does not accept the request"
    assert harness.acme.forgotten() == set()
    assert len(harness.users) == (3 if own_score else 1)


@pytest.mark.parametrize(
    ("answer", "sleeps"),
    [
        pytest.param(too_many(30), [30], id="soon"),
        pytest.param(too_many(60), [60], id="within a minute"),
        pytest.param(too_many(61), [61], id="later"),
        pytest.param(too_many(900), [900], id="in a quarter of an hour"),
        pytest.param(too_many(86_400), [3600], id="tomorrow is too long"),
        pytest.param((403, {}, '{"error": "Temporary block"}'), [3600], id="blocked"),
    ],
)
def test_a_rate_limit_is_waited_out_for_up_to_an_hour(
    harness: FetchHarness, sendgrid: FakeSendGrid, time: FakeTime, answer: Answer, sleeps: list[int]
) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    sendgrid.first["subusers 2026-11-02"] = [answer]
    assert harness.run(own_score=False) == set()
    assert [round(seconds) for seconds in time.sleeps] == sleeps
    assert sendgrid.requests == [
        "subusers 2026-11-01",
        "subusers 2026-11-02",
        "subusers 2026-11-02",
        "subusers 2026-11-03",
    ]


def test_a_rate_limit_without_a_time_is_waited_out_for_a_minute(
    harness: FetchHarness, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(2): FLEET}
    sendgrid.first["subusers 2026-11-02"] = [TOO_MANY] * 3
    assert harness.run([day(2)], own_score=False) == set()
    assert time.sleeps == [60.0] * 3
    assert (0, "pausing 60 s as SendGrid asks: acme") in harness.reports


def test_every_kind_of_request_is_repeated_after_a_pause(
    harness: FetchHarness, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(2): [item("1")], day(3): [item("1")]}
    sendgrid.own = {day(2): OWN}
    sendgrid.names = {"1": "shop-de"}
    once = [
        "subusers 2026-11-02",
        "subusers 2026-11-03",
        "names 0",
        "names 1",
        "own 2026-11-02..2026-11-03",
        "own 2026-11-03",
    ]
    sendgrid.first = {request: [too_many(900)] for request in once}
    assert harness.run([day(2), day(3)]) == {day(3)}
    twice = [request for request in once for _ in range(2)]
    assert sendgrid.requests == [*twice, "own 2026-11-03"]
    assert time.sleeps == [900.0] * len(once)


def test_a_request_gives_up_after_ten_pauses(
    harness: FetchHarness, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET) | {day(2): too_many(600)}
    said = harness.fail(RateLimited)
    assert said == (
        "429: over SendGrid's rate limit: raise poll.interval, or let other programs of the "
        "account ask less"
    )
    assert time.sleeps == [600.0] * 10
    assert sendgrid.requests == ["subusers 2026-11-01", *["subusers 2026-11-02"] * 11]


def test_pauses_of_different_requests_are_counted_separately(
    harness: FetchHarness, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.page_size = 1
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    for when in DAYS:
        for page in ("", " after 1", " after 2"):
            sendgrid.first[f"subusers {when}{page}"] = [too_many(600)] * 9
    assert harness.run(own_score=False) == set()
    assert len(time.sleeps) == 81


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        pytest.param([REFUSED], Unauthorized, id="401"),
        pytest.param([(403, {}, "")], Forbidden, id="403"),
        pytest.param([FAILED] * 3, ServerFailed, id="500"),
        pytest.param([(200, {}, "<html>")], MalformedResponse, id="not a page"),
    ],
)
def test_after_an_error_the_fetched_pages_are_kept(
    harness: FetchHarness, sendgrid: FakeSendGrid, answers: list[Answer], kind: type[PollError]
) -> None:
    sendgrid.page_size = 2
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    sendgrid.own = dict.fromkeys(DAYS, OWN)
    sendgrid.first["subusers 2026-11-02 after 2"] = list(answers)
    harness.fail(kind)
    assert sendgrid.take_requests() == [
        "subusers 2026-11-01",
        "subusers 2026-11-01 after 2",
        "subusers 2026-11-02",
        *["subusers 2026-11-02 after 2"] * len(answers),
    ]
    assert harness.users == {"2026-11-01": ["1", "2", "3"], "2026-11-02": ["1", "2"]}
    assert harness.run() == set()
    assert sendgrid.take_requests() == [
        "subusers 2026-11-02 after 2",
        "subusers 2026-11-03",
        "subusers 2026-11-03 after 2",
        "own 2026-11-01..2026-11-03",
    ]


def test_names_are_read_only_if_pages_leave_some_out(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.page_size = 2
    sendgrid.names = {"1": "shop-de", "2": "shop-fr", "3": "shop-it"}
    sendgrid.subusers = {day(1): FLEET[:2], day(2): [item("1"), item("3"), item("4")]}
    harness.run([day(1)], own_score=False)
    assert sendgrid.take_requests() == ["subusers 2026-11-01"]
    harness.run([day(1), day(2)], own_score=False)
    assert sendgrid.take_requests() == [
        "subusers 2026-11-02",
        "subusers 2026-11-02 after 2",
        "names 0",
        "names 2",
        "names 3",
    ]
    assert harness.names == {"1": "shop-de", "2": "shop-fr", "3": "shop-it", "4": None}
    harness.run([day(1), day(2)], own_score=False)
    assert sendgrid.take_requests() == []  # SendGrid has no name for the fourth


def test_the_list_of_names_is_continued_from_its_offset(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.names = {"1": "shop-de", "2": "shop-fr", "3": "shop-it"}
    sendgrid.subusers = {day(2): [item("2"), item("3"), item("4")]}
    sendgrid.page_size = 2
    sendgrid.first["names 2"] = [REFUSED]
    harness.fail(Unauthorized, days=[day(2)], own_score=False)
    sendgrid.take_requests()
    assert harness.run([day(2)], own_score=False) == set()
    assert sendgrid.take_requests() == ["names 2", "names 3"]
    assert harness.names == {"1": "shop-de", "2": "shop-fr", "3": "shop-it", "4": None}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((403, {}, ""), id="forbidden"),
        pytest.param((404, {}, ""), id="not found"),
        pytest.param(ok({"error": "no list"}), id="no list"),
    ],
)
def test_a_key_may_be_refused_the_list_of_names(
    harness: FetchHarness, sendgrid: FakeSendGrid, answer: Answer
) -> None:
    sendgrid.subusers = {day(2): [item("1")]}
    sendgrid.own = {day(2): OWN}
    sendgrid.names = answer
    fetched = harness.fetch([day(2)])
    assert fetched.not_calculated == set()
    assert fetched.names_refused
    assert sendgrid.take_requests() == ["subusers 2026-11-02", "names 0", "own 2026-11-02"]
    # The key has got the permission meanwhile.
    sendgrid.names = {"1": "shop-de"}
    assert harness.fetch([day(2)])[2:4] == (set(), "")
    assert sendgrid.take_requests() == ["names 0", "names 1"]
    assert harness.names == {"1": "shop-de"}


def test_a_recent_day_without_scores_is_read_again_later(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = {day(1): [item("1")], day(2): [item("1")], day(3): []}
    sendgrid.own = {day(1): item("9"), day(2): item("9"), day(3): item("9")}
    today = day(5)
    assert harness.run([day(1), day(2), day(3)], today) == {day(2), day(3)}
    sendgrid.take_requests()
    sendgrid.subusers = {day(2): FLEET, day(3): FLEET}
    sendgrid.own = {day(2): OWN, day(3): OWN}
    assert harness.run([day(1), day(2), day(3)], today) == set()
    assert sendgrid.take_requests() == [
        "subusers 2026-11-02",
        "subusers 2026-11-03",
        "own 2026-11-02..2026-11-03",
    ]


def test_a_bad_request_for_today_means_that_it_is_not_calculated_yet(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = {day(1): FLEET, day(2): FORGOTTEN}
    assert harness.run([day(1), day(2)], day(2), own_score=False) == {day(2)}


def test_the_error_for_a_refused_own_score_names_its_setting(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = {day(2): FLEET}
    sendgrid.own = {day(2): (403, {}, "")}
    said = harness.fail(Forbidden, days=[day(2)])
    assert said.endswith("; if only its own score is refused: own_score: false")


def test_a_failure_to_list_names_is_an_error_and_tried_again_in_the_next_run(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = {day(2): [item("1")]}
    sendgrid.names = {"1": "shop-de"}
    sendgrid.first["names 0"] = [FAILED] * 3
    harness.fail(ServerFailed, days=[day(2)], own_score=False)
    sendgrid.take_requests()
    harness.run([day(2)], own_score=False)
    assert sendgrid.take_requests() == ["names 0", "names 1"]
    assert harness.names == {"1": "shop-de"}


def test_a_list_of_names_that_ignores_the_offset_ends(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = {day(2): [item("1")]}
    sendgrid.names = ok([{"id": 7, "username": "shop-de"}])
    assert harness.run([day(2)], own_score=False) == set()
    assert sendgrid.requests == ["subusers 2026-11-02", "names 0", "names 1"]


def test_a_list_of_names_that_alternates_two_pages_ends(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = {day(2): [item("1")]}
    first, second = ok([{"id": 7, "username": "shop-de"}]), ok([{"id": 8, "username": "shop-fr"}])
    sendgrid.first = {"names 0": [first], "names 1": [second]}
    sendgrid.names = first
    assert harness.run([day(2)], own_score=False) == set()
    assert sendgrid.requests == ["subusers 2026-11-02", "names 0", "names 1", "names 2"]
    assert harness.names == {"1": None, "7": "shop-de", "8": "shop-fr"}


def test_failures_and_pauses_are_counted_separately(
    harness: FetchHarness, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(2): FLEET}
    sendgrid.first["subusers 2026-11-02"] = [FAILED, *[too_many(600)] * 10, FAILED]
    assert harness.run([day(2)], own_score=False) == set()
    assert [round(seconds) for seconds in time.sleeps] == [1, *[600] * 10, 2]
    sendgrid.first["subusers 2026-11-03"] = [FAILED, too_many(600), FAILED, FAILED]
    harness.fail(ServerFailed, days=[day(3)], own_score=False)


def pages_of(cursors: dict[str, tuple[str, list[Any]]]) -> dict[str, list[Answer]]:
    """Return answers to requests of the second: what each tells, and where it leads."""
    return {
        f"subusers 2026-11-02{request}": [
            ok({"result": items, "_metadata": {"next_params": {"after_key": cursor}}})
        ]
        for request, (cursor, items) in cursors.items()
    }


def test_a_day_begins_again_if_its_cursor_is_refused(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.page_size = 1
    sendgrid.subusers = {day(2): FLEET}
    sendgrid.first = {"subusers 2026-11-02 after 1": [REFUSED]}
    with pytest.raises(Unauthorized):
        harness.run([day(2)], own_score=False)
    sendgrid.take_requests()
    sendgrid.first = {"subusers 2026-11-02 after 1": [(400, {}, "")]}
    assert harness.run([day(2)], own_score=False) == set()
    assert sendgrid.take_requests()[:4] == [
        "subusers 2026-11-02 after 1",
        "subusers 2026-11-02",
        "subusers 2026-11-02 after 1",
        "subusers 2026-11-02 after 2",
    ]


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param({"": ("2", FLEET), " after 2": ("2", ["?"])}, id="its own"),
        pytest.param({"": ("2", FLEET), " after 2": ("9", FLEET[:1])}, id="nobody new"),
        pytest.param(
            {"": ("2", FLEET), " after 2": ("7", ["?"]), " after 7": ("2", ["?"])}, id="an old one"
        ),
    ],
)
def test_a_cursor_that_leads_to_nobody_new_is_the_end(
    harness: FetchHarness, sendgrid: FakeSendGrid, pages: Any
) -> None:
    sendgrid.subusers = {day(2): []}
    sendgrid.first = pages_of(pages)
    assert harness.run([day(2)], own_score=False) == set()
    assert sendgrid.take_requests() == [f"subusers 2026-11-02{request}" for request in pages]
    assert harness.users == {"2026-11-02": ["1", "2", "3"]}
    assert harness.acme.unfinished([day(2)]) == []


def test_own_scores_that_the_range_leaves_out_are_read_one_by_one(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.own = {day(1): OWN, day(3): item("9", "acme")}
    assert harness.run(subusers=None) == {day(2)}
    assert sendgrid.take_requests() == [
        "own 2026-11-01..2026-11-03",
        "own 2026-11-02",
        "own 2026-11-02",  # once more at the end
    ]
    assert {when: own.overall for when, own in harness.acme.own_scores().items()} == {
        day(1): 4.0,
        day(3): None,
    }
    assert harness.reports == [(3, "acme")]
    sendgrid.own[day(2)] = item("9", "acme", 3)
    assert harness.run(subusers=None) == set()
    assert sendgrid.take_requests() == ["own 2026-11-02"]
    assert list(harness.acme.own_scores()) == DAYS


def test_own_scores_may_be_there_one_by_one_and_not_in_a_range(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.own = dict.fromkeys(DAYS, OWN)
    sendgrid.first["own 2026-11-01..2026-11-03"] = [NOT_CALCULATED]
    assert harness.run(subusers=None) == set()
    assert sendgrid.take_requests() == [
        "own 2026-11-01..2026-11-03",
        "own 2026-11-01",
        "own 2026-11-02",
        "own 2026-11-03",
    ]
    assert list(harness.acme.own_scores()) == DAYS


def test_a_range_that_begins_too_early_is_read_from_the_next_day(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.own = {day(1): FORGOTTEN} | dict.fromkeys(DAYS[1:], OWN)
    assert harness.run(subusers=None) == set()
    assert sendgrid.take_requests() == [
        "own 2026-11-01..2026-11-03",
        "own 2026-11-01",
        "own 2026-11-02..2026-11-03",
    ]
    assert harness.run(subusers=None) == set()
    assert sendgrid.take_requests() == []


def test_own_scores_are_read_ninety_days_at_a_time(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    days = [date.fromordinal(day(1).toordinal() - number) for number in reversed(range(91))]
    sendgrid.own = dict.fromkeys(days, OWN)
    assert harness.run(days, subusers=None) == set()
    assert sendgrid.requests == ["own 2026-08-03..2026-10-31", "own 2026-11-01"]


def test_an_account_without_own_score_is_not_asked_for_it(
    harness: FetchHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    assert harness.run(own_score=False) == set()
    assert sendgrid.requests == [f"subusers {when}" for when in DAYS]


def options(first: date = DAYS[0]) -> BackfillOptions:
    return BackfillOptions(
        first=first,
        last=DAYS[-1],
        until=0,
        delay_seconds=0,
        step_seconds=None,
        labels={},
        requests_per_minute=60,
    )


class FleetHarness:
    """Fetches several accounts."""

    def __init__(self, archive: Archive, time: FakeTime) -> None:
        self.archive = archive
        self.time = time

    def fetch(self, *accounts: Account, first: date = DAYS[0]) -> list[str]:
        def advance(steps: int, text: str) -> None:
            pass

        found = fetch_accounts(
            accounts, self.archive, options(first), self.time.clock, self.time.sleep, advance
        )
        return [f"{each.account.name} {sorted(each.not_calculated)}" for each in found]


@pytest.fixture
def fleet(archive: Archive, time: FakeTime) -> FleetHarness:
    return FleetHarness(archive, time)


def test_the_oldest_day_is_read_first_at_the_pace_chosen(
    fleet: FleetHarness, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    sendgrid.own = dict.fromkeys(DAYS, OWN)
    assert fleet.fetch(account(), account(name="globex", own_score=False)) == [
        "acme []",
        "globex []",
    ]
    assert sendgrid.requests == [
        *[f"subusers {when}" for when in DAYS],
        "own 2026-11-01..2026-11-03",
        *[f"subusers {when}" for when in DAYS],
    ]
    assert time.sleeps == [pytest.approx(1.0)] * 5


def test_the_other_accounts_are_fetched_if_one_fails(
    fleet: FleetHarness, sendgrid: FakeSendGrid, tmp_path: Path
) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    sendgrid.first["subusers 2026-11-02"] = [REFUSED]
    gone = ApiKey(tmp_path / "key")
    accounts = (
        account(own_score=False),
        account(name="gone", api_key=gone),
        account(name="globex", own_score=False),
    )
    with pytest.raises(BackfillError) as caught:
        fleet.fetch(*accounts)
    assert str(caught.value) == (
        "account 'acme': 401: SendGrid refuses the key: "
        "is it active, complete and for this region?\n"
        f"account 'gone': cannot read the key file '{tmp_path / 'key'}': "
        "No such file or directory: put the key there, and let this user read it\n"
        "Nothing is written yet. The days fetched so far are kept: run the same command again, "
        "or choose the accounts to write with --account."
    )
    assert fleet.archive.count_days() == 1 + 3
    sendgrid.take_requests()
    assert fleet.fetch(accounts[0], accounts[2]) == ["acme []", "globex []"]
    assert sendgrid.take_requests() == ["subusers 2026-11-02", "subusers 2026-11-03"]


def test_sendgrid_may_have_forgotten_days_of_eighty_nine_and_ninety_days_back(
    fleet: FleetHarness, sendgrid: FakeSendGrid
) -> None:
    first = date(2026, 8, 7)  # 90 days back
    sendgrid.subusers = dict.fromkeys(options(first).days, FLEET)
    sendgrid.subusers[date(2026, 8, 7)] = sendgrid.subusers[date(2026, 8, 8)] = FORGOTTEN
    made = account(own_score=False)
    fleet.fetch(made, first=first)
    acme = fleet.archive.claim(made, Secret(KEY))
    assert acme.forgotten() == {date(2026, 8, 7), date(2026, 8, 8)}
    sendgrid.subusers[date(2026, 8, 9)] = FORGOTTEN
    acme.drop(date(2026, 8, 9))
    with pytest.raises(BackfillError, match="account 'acme': 400"):
        fleet.fetch(made, first=first)


def test_another_key_is_refused_before_any_request(
    fleet: FleetHarness, sendgrid: FakeSendGrid
) -> None:
    sendgrid.subusers = dict.fromkeys(DAYS, FLEET)
    made = account(own_score=False)
    fleet.fetch(made)
    sendgrid.take_requests()
    with pytest.raises(BackfillError, match="another key, host or on_behalf_of"):
        fleet.fetch(replace(made, api_key=ApiKey(Secret("another"))))
    assert sendgrid.requests == []
