"""One account's polls, against a SendGrid whose answers are written out and requests counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from seq_exporter.config import PollSettings, SubuserSelection
from seq_exporter.errors import PollStopped
from seq_exporter.polling import Poller
from seq_exporter.secret import ApiKey
from seq_exporter.state import StateFolder
from seq_exporter.store import Store
from seq_exporter.telemetry import AccountTelemetry, Telemetry
from tests.support import KEY, FakeSendGrid, FakeTime, account, day, item


class Bench:
    """A poller, and what there is to see of it."""

    def __init__(self, time: FakeTime, store: Store | None = None, **changes: Any) -> None:
        self.store = store or Store()
        self.registry = Telemetry()
        state, session = changes.pop("state", None), changes.pop("session", None)
        settings = replace(PollSettings(), **changes.pop("settings", {}))
        made = account(**changes)
        self.telemetry = AccountTelemetry(self.registry, made.name)
        self.poller = Poller(
            made,
            settings,
            self.store.open(made.name),
            self.telemetry,
            state=state,
            session=session,
            clock=time.clock,
            sleep=time.sleep,
        )

    def poll(self) -> float:
        return self.poller.poll()

    @property
    def page(self) -> str:
        return self.store.page.body.decode()

    def series(self, name: str) -> list[str]:
        """Return the lines of one metric, without its name."""
        lines = self.page.splitlines()
        return [line.removeprefix(name) for line in lines if line.startswith(f"{name}{{")]

    def value(self, name: str, **labels: str) -> float | None:
        """Return one of the exporter's own samples."""
        return self.registry.registry.get_sample_value(
            f"seq_exporter_{name}", {"account": "acme", **labels}
        )


def test_the_newest_day_with_a_score_is_published(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {
        day(3): [item("1", "shop-de", 4.5), item("2", "shop-fr", 3)],
        day(2): [item("1", "shop-de", 1)],
    }
    bench = Bench(time, own_score=False)
    assert bench.poll() == 900
    assert bench.series("sendgrid_seq_score") == [
        '{account="acme",subuser="shop-de"} 4.5',
        '{account="acme",subuser="shop-fr"} 3.0',
    ]
    assert sendgrid.requests == [
        "subusers 2026-11-05",
        "subusers 2026-11-04",
        "subusers 2026-11-03",
    ]
    assert bench.value("account_up") == 1


def test_a_poll_asks_only_for_days_newer_than_the_one_held(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(3): [item("1", "shop-de", 4)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    sendgrid.take_requests()
    time.pass_hours(0.25)
    bench.poll()
    assert sendgrid.take_requests() == ["subusers 2026-11-05", "subusers 2026-11-04"]


def test_the_held_day_is_read_again_after_the_refresh_interval(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(3): [item("1", "shop-de", 4)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    sendgrid.subusers[day(3)] = [item("1", "shop-de", 4), item("2", "late", 2)]
    time.pass_hours(0.99)
    bench.poll()
    assert bench.series("sendgrid_seq_score") == ['{account="acme",subuser="shop-de"} 4.0']
    sendgrid.take_requests()
    time.pass_hours(0.02)
    bench.poll()
    assert sendgrid.take_requests()[-1] == "subusers 2026-11-03"
    assert bench.series("sendgrid_seq_score")[1] == '{account="acme",subuser="late"} 2.0'
    time.pass_hours(0.99)
    bench.poll()
    assert sendgrid.take_requests() == ["subusers 2026-11-05", "subusers 2026-11-04"]


def test_a_newer_day_makes_the_refresh_needless(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(3): [item("1", "shop-de", 4)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    sendgrid.take_requests()
    sendgrid.subusers[day(4)] = [item("1", "shop-de", 2)]
    time.pass_hours(2)
    bench.poll()
    assert sendgrid.take_requests() == ["subusers 2026-11-05", "subusers 2026-11-04"]
    assert bench.series("sendgrid_seq_score") == ['{account="acme",subuser="shop-de"} 2.0']


def test_a_cold_start_asks_for_no_more_than_lookback_days(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    bench = Bench(time, own_score=False, settings={"lookback_days": 3})
    bench.poll()
    assert sendgrid.requests == [
        "subusers 2026-11-05",
        "subusers 2026-11-04",
        "subusers 2026-11-03",
    ]
    assert bench.page == ""
    assert bench.value("account_up") == 1


def test_own_scores_walk_back_as_the_subusers_do(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.own = {day(3): item("9", "acme", 3.5, date="2026-11-03"), day(2): item("9", "acme", 2)}
    bench = Bench(time, subusers=None)
    bench.poll()
    assert sendgrid.take_requests() == ["own 2026-11-05", "own 2026-11-04", "own 2026-11-03"]
    assert bench.series("sendgrid_seq_account_score") == ['{account="acme"} 3.5']
    time.pass_hours(0.25)
    bench.poll()
    assert sendgrid.take_requests() == ["own 2026-11-05", "own 2026-11-04"]
    time.pass_hours(1)
    bench.poll()
    assert sendgrid.take_requests() == ["own 2026-11-05", "own 2026-11-04", "own 2026-11-03"]


def test_an_account_that_is_never_eligible_costs_few_requests(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.own = {day(number): item("9") for number in (1, 2, 3, 4)}
    bench = Bench(time, subusers=None, settings={"lookback_days": 5})
    bench.poll()
    everything = [f"own 2026-11-0{number}" for number in (5, 4, 3, 2, 1)]
    assert sendgrid.take_requests() == everything
    assert bench.page == ""
    time.pass_hours(0.25)
    bench.poll()
    assert sendgrid.take_requests() == ["own 2026-11-05", "own 2026-11-04"]
    sendgrid.own[day(2)] = item("9", "acme", 4)
    time.pass_hours(0.75)
    bench.poll()
    assert sendgrid.take_requests() == everything[:4]
    assert bench.series("sendgrid_seq_account_score") == ['{account="acme"} 4.0']


def test_a_failed_poll_keeps_the_scores_and_says_why(
    sendgrid: FakeSendGrid, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    sendgrid.subusers = {day(4): [item("1", "shop-de", 4)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    first = time.seconds
    page = bench.page
    sendgrid.subusers[day(5)] = (401, {}, '{"errors": [{"field": null, "message": "no grant"}]}')
    time.pass_hours(0.25)
    bench.poll()
    assert bench.page == page
    assert bench.value("account_up") == 0
    assert bench.value("poll_failures_total", reason="unauthorized") == 1
    assert bench.value("last_successful_poll_timestamp_seconds") == first
    assert bench.value("last_poll_timestamp_seconds") == time.seconds
    assert bench.poller.health.failure == (
        "401 (no grant): SendGrid refuses the key: is it active, whole, and of this region?"
    )
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.message for record in warnings] == ["poll failed"]
    del sendgrid.subusers[day(5)]
    bench.poll()
    assert bench.value("account_up") == 1
    assert bench.poller.health.failure is None


def test_one_endpoint_that_fails_does_not_cost_the_other(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    for number in range(1, 6):
        sendgrid.subusers[day(number)] = (403, {}, '{"errors": [{"message": "access forbidden"}]}')
    sendgrid.own = {day(5): item("9", "acme", 3, date="2026-11-05")}
    bench = Bench(time)
    bench.poll()
    assert sendgrid.requests == ["subusers 2026-11-05", "own 2026-11-05"]
    assert bench.series("sendgrid_seq_account_score") == ['{account="acme"} 3.0']
    assert bench.value("account_up") == 0
    assert bench.value("poll_failures_total", reason="forbidden") == 1


def test_a_refused_key_is_not_tried_on_the_other_endpoint(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers[day(5)] = (401, {}, "")
    Bench(time).poll()
    assert sendgrid.requests == ["subusers 2026-11-05"]


def test_scores_are_withdrawn_once_they_are_older_than_lookback(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(5): [item("1", "shop-de", 4)]}
    sendgrid.own = {day(5): item("9", "acme", 4, date="2026-11-05")}
    bench = Bench(time)
    bench.poll()
    sendgrid.subusers.clear()
    sendgrid.own = {}
    time.pass_hours(7 * 24)
    bench.poll()
    assert len(bench.series("sendgrid_seq_score")) == 1
    time.pass_hours(24)
    sendgrid.own = dict.fromkeys(map(day, range(1, 6)), (500, {}, ""))
    bench.poll()
    assert bench.page == ""


def test_a_refresh_without_scores_leaves_the_day_as_it_was(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(5): [item("1", "shop-de", 4)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    page = bench.page
    answers: list[Any] = [[], [item("1")], (202, {}, "")]
    for answer in answers:
        sendgrid.subusers[day(5)] = answer
        time.pass_hours(2)
        bench.poll()
        assert bench.page == page


def test_a_fleet_without_any_score_shows_who_is_not_eligible(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "shop-de")], day(3): [item("1", "shop-de")]}
    bench = Bench(time, own_score=False)
    bench.poll()
    assert bench.series("sendgrid_seq_subuser_eligible") == [
        '{account="acme",subuser="shop-de",user_id="1"} 0.0'
    ]
    assert bench.series("sendgrid_seq_score_date_timestamp_seconds") == []
    sendgrid.subusers[day(4)] = [item("1", "shop-de", 2)]
    bench.poll()
    assert bench.series("sendgrid_seq_score") == ['{account="acme",subuser="shop-de"} 2.0']


def test_a_subuser_that_is_gone_is_gone_from_the_next_page(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2", "b", 4)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    sendgrid.subusers[day(5)] = [item("1", "a", 4)]
    bench.poll()
    assert 'subuser="b"' not in bench.page


def test_a_nameless_subuser_goes_by_the_name_of_an_earlier_page(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2", "b", 4)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    sendgrid.subusers[day(5)] = [item("1", "a", 4), item("2")]
    bench.poll()
    assert bench.series("sendgrid_seq_subuser_eligible") == [
        '{account="acme",subuser="a",user_id="1"} 1.0',
        '{account="acme",subuser="b",user_id="2"} 0.0',
    ]
    assert "names 0" not in sendgrid.requests


def test_names_that_no_page_tells_are_asked_for_once_a_day(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2"), item("3")]}
    sendgrid.names = {"1": "a", "2": "b"}
    bench = Bench(time, own_score=False)
    bench.poll()
    assert [line.split(",")[1] for line in bench.series("sendgrid_seq_subuser_eligible")] == [
        'subuser="a"',
        'subuser="b"',
        'subuser="3"',
    ]
    asked = [request for request in sendgrid.take_requests() if request.startswith("names")]
    assert asked == ["names 0", "names 2"]
    time.pass_hours(2)
    bench.poll()
    assert "names 0" not in sendgrid.take_requests()
    time.pass_hours(22)
    bench.poll()
    assert "names 0" in sendgrid.take_requests()


@pytest.mark.parametrize(
    ("status", "asks_again"), [(403, False), (404, False), (500, True), (429, True)]
)
def test_names_that_sendgrid_does_not_tell_cost_no_poll(
    sendgrid: FakeSendGrid, time: FakeTime, status: int, asks_again: bool
) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4), item("2")]}
    sendgrid.names = (status, {}, "")
    bench = Bench(time, own_score=False)
    bench.poll()
    assert bench.value("account_up") == 1
    assert 'subuser="2"' in bench.page
    sendgrid.take_requests()
    time.pass_hours(2)
    bench.poll()
    assert ("names 0" in sendgrid.take_requests()) == asks_again


def test_only_the_selected_subusers_are_published(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4), item("2", "b", 4), item("3")]}
    sendgrid.names = {"3": "c"}
    bench = Bench(
        time, own_score=False, subusers=SubuserSelection(names=frozenset({"a", "c", "typo"}))
    )
    bench.poll()
    assert bench.series("sendgrid_seq_subuser_eligible") == [
        '{account="acme",subuser="a",user_id="1"} 1.0',
        '{account="acme",subuser="c",user_id="3"} 0.0',
    ]
    assert bench.series("sendgrid_seq_subusers") == [
        '{account="acme",state="ineligible"} 1.0',
        '{account="acme",state="missing"} 1.0',
        '{account="acme",state="scored"} 1.0',
    ]


def test_two_users_of_one_name_are_two_series(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4), item("2", "a", 3)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    assert bench.series("sendgrid_seq_score") == [
        '{account="acme",subuser="a"} 4.0',
        '{account="acme",subuser="2"} 3.0',
    ]
    assert bench.value("anomalies_total", kind="duplicate_username") == 1


def test_odd_values_are_counted_and_logged_once_with_an_example(
    sendgrid: FakeSendGrid, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4), item("2", "b", 9), item("3", "c", 0.5)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    assert bench.value("anomalies_total", kind="score") == 2
    assert bench.value("anomalies_total", kind="metric") == 10
    assert bench.value("account_up") == 1
    (warning,) = (record for record in caplog.records if record.levelname == "WARNING")
    assert warning.message == "odd values from SendGrid"
    assert vars(warning)["score"] == "2, user_id '2': 9"


def test_today_may_be_a_day_that_sendgrid_has_yet_to_reach(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    future: Any = (400, {}, '{"errors": [{"field": "date", "message": "cannot be in the future"}]}')
    sendgrid.subusers = {day(5): future, day(4): [item("1", "a", 4)]}
    bench = Bench(time, own_score=False)
    bench.poll()
    assert bench.value("account_up") == 1
    assert len(bench.series("sendgrid_seq_score")) == 1
    sendgrid.subusers = {day(5): future, day(4): future}
    bench = Bench(time, own_score=False)
    bench.poll()
    assert bench.value("poll_failures_total", reason="bad_request") == 1


def test_a_clock_set_back_keeps_what_is_held(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4)]}
    sendgrid.own = {day(5): item("9", "acme", 4, date="2026-11-05")}
    bench = Bench(time)
    bench.poll()
    page = bench.page
    sendgrid.take_requests()
    time.pass_hours(-24)
    bench.poll()
    assert (bench.page, sendgrid.take_requests()) == (page, [])


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, 900),
        ({"Retry-After": "1200"}, 1200),
        ({"Retry-After": "61"}, 900),
        ({"X-RateLimit-Reset": "1300"}, 1300),
        ({"Retry-After": "999999"}, 3600),
    ],
)
def test_over_the_rate_limit_the_next_poll_waits_for_it(
    sendgrid: FakeSendGrid, time: FakeTime, headers: dict[str, str], pause: float
) -> None:
    sendgrid.subusers[day(5)] = (429, headers, "")
    bench = Bench(time, own_score=False)
    assert bench.poll() == pause
    assert bench.value("poll_failures_total", reason="rate_limited") == 1


def test_a_key_file_is_read_anew_at_every_poll(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path, mock: Any
) -> None:
    file = tmp_path / "key"
    file.write_text("first\n")
    bench = Bench(time, own_score=False, api_key=ApiKey(file), settings={"lookback_days": 1})
    bench.poll()
    file.write_text("second\n")
    bench.poll()
    assert [call.request.headers["Authorization"] for call in mock.calls] == [
        "Bearer first",
        "Bearer second",
    ]
    file.unlink()
    bench.poll()
    assert bench.value("poll_failures_total", reason="key_unavailable") == 1


def test_a_defect_of_ours_is_a_counted_failure(
    time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    class Defect(requests.Session):
        def get(self, *args: Any, **options: Any) -> requests.Response:
            raise ZeroDivisionError

    bench = Bench(time, own_score=False, session=Defect())
    assert bench.poll() == 900
    assert bench.value("poll_failures_total", reason="internal") == 1
    assert bench.poller.health.failure == "a defect in seq-exporter: ZeroDivisionError"
    assert "Traceback" in caplog.text


def test_a_stopped_poll_ends_at_its_next_pause_and_publishes_nothing(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4)]}
    store = Store()
    poller = Poller(
        account(),
        PollSettings(),
        store.open("acme"),
        AccountTelemetry(Telemetry(), "acme"),
        clock=time.clock,
    )
    poller.stop()
    with pytest.raises(PollStopped):
        poller.poll()
    assert (store.page.body, sendgrid.requests) == (b"", [])


def test_scores_survive_a_restart(sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4.5), item("2")]}
    sendgrid.own = {day(4): item("9", "acme", 3, date="2026-11-04")}
    sendgrid.names = {"2": "b"}
    first = Bench(time, state=StateFolder(tmp_path))
    first.poll()
    sendgrid.take_requests()
    second = Bench(time, state=StateFolder(tmp_path))
    second.poller.restore()
    assert second.page == first.page
    assert second.poller.health.is_ready
    assert second.value("account_up") is None
    time.pass_hours(0.5)
    second.poll()
    assert sendgrid.take_requests() == ["subusers 2026-11-05", "own 2026-11-05"]
    time.pass_hours(0.6)
    second.poll()
    assert "names 0" not in sendgrid.take_requests()


def test_nothing_is_restored_that_has_expired(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4.5)]}
    Bench(time, state=StateFolder(tmp_path), own_score=False).poll()
    time.pass_hours(8 * 24)
    second = Bench(time, state=StateFolder(tmp_path), own_score=False)
    second.poller.restore()
    assert second.page == ""
    assert not second.poller.health.is_ready


def test_a_folder_that_cannot_be_written_costs_a_warning_and_not_the_poll(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    sendgrid.subusers = {day(5): [item("1", "a", 4.5)]}
    bench = Bench(time, state=StateFolder(tmp_path / "file"), own_score=False)
    bench.poll()
    assert bench.value("account_up") == 1
    assert "cannot save scores" in caplog.messages


def test_no_key_in_what_is_logged(
    sendgrid: FakeSendGrid, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    sendgrid.subusers[day(5)] = (401, {}, f'{{"errors": [{{"message": "bad key {KEY}"}}]}}')
    bench = Bench(time)
    bench.poll()
    assert KEY not in caplog.text
    assert KEY not in str(bench.poller.health)
    assert "bad key ***" in str(bench.poller.health)
