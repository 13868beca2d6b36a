"""What becomes of a poll: failures, the rate limit, keys, restarts."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from logging import WARNING
from pathlib import Path
from typing import Any

import pytest
import requests

from seq_exporter.config.model import Account, PollSettings, SubuserSelection
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.errors import PollStopped
from seq_exporter.publish.store import Store
from seq_exporter.publish.telemetry import Telemetry
from seq_exporter.score import Score
from seq_exporter.scores import Snapshot, SubuserScores
from seq_exporter.sendgrid.sessions import Sessions
from seq_exporter.serve.polling import Poller
from seq_exporter.serve.state import StateFolder
from tests.support import (
    GIVE_UP_SECONDS,
    KEY,
    FakeSendGrid,
    FakeTime,
    account,
    day,
    item,
    state_in,
    text_of,
)
from tests.unit.serve.poller_harness import PollerHarness


def test_a_failed_poll_keeps_the_scores_and_says_why(
    sendgrid: FakeSendGrid, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    sendgrid.subusers = {day(4): [item("1", "shop-de", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    first = time.seconds
    page = harness.page
    sendgrid.subusers[day(5)] = (401, {}, '{"errors": [{"field": null, "message": "no grant"}]}')
    time.pass_hours(0.25)
    harness.poll()
    assert harness.page == page
    assert harness.value("account_up") == 0
    assert harness.value("poll_failures_total", reason="unauthorized") == 1
    assert harness.value("last_successful_poll_timestamp_seconds") == first
    assert harness.value("last_poll_timestamp_seconds") == time.seconds
    assert harness.poller.health.failure == (
        "401 (no grant): SendGrid refuses the key: is it active, complete and for this region?"
    )
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    (warning,) = [vars(record) for record in warnings]
    assert warning["message"] == "poll failed"
    about = {name: warning[name] for name in ("account", "reason", "error", "next_poll_seconds")}
    assert about == {
        "account": "acme",
        "reason": "unauthorized",
        "error": harness.poller.health.failure,
        "next_poll_seconds": 900,
    }
    del sendgrid.subusers[day(5)]
    harness.poll()
    assert harness.value("account_up") == 1
    assert harness.poller.health.failure is None


def test_one_endpoint_that_fails_does_not_cost_the_other(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    for number in range(1, 6):
        sendgrid.subusers[day(number)] = (403, {}, '{"errors": [{"message": "access forbidden"}]}')
    sendgrid.own = {day(5): item("9", "acme", 3, date="2026-11-05")}
    harness = PollerHarness(time)
    harness.poll()
    assert sendgrid.requests == ["subusers 2026-11-05", "own 2026-11-05"]
    assert harness.series("sendgrid_seq_account_score") == ['{account="acme"} 3.0']
    assert harness.value("account_up") == 0
    assert harness.value("poll_failures_total", reason="forbidden") == 1


def test_a_refused_key_is_not_tried_on_the_other_endpoint(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers[day(5)] = (401, {}, "")
    PollerHarness(time).poll()
    assert sendgrid.requests == ["subusers 2026-11-05"]


def test_a_subuser_that_is_gone_is_gone_from_the_next_page(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4), item("2", "b", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    sendgrid.subusers[day(5)] = [item("1", "a", 4)]
    harness.poll()
    assert 'subuser="b"' not in harness.page


def test_odd_values_are_counted_and_logged_once_with_an_example(
    sendgrid: FakeSendGrid, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4), item("2", "b", 9), item("3", "c", 0.5)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert harness.value("anomalies_total", kind="score") == 2
    assert harness.value("anomalies_total", kind="metric") == 10
    assert harness.value("account_up") == 1
    (warning,) = (record for record in caplog.records if record.levelname == "WARNING")
    assert warning.message == "values from SendGrid are not as documented"
    assert vars(warning)["score"] == "2, user_id '2': 9"


def test_a_choice_that_fits_nobody_is_logged_when_it_begins(
    sendgrid: FakeSendGrid, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    harness = PollerHarness(time, own_score=False, subusers=SubuserSelection(include=("Shop-*",)))
    logged = []
    for username in ("shop-de", "shop-de", "Shop-DE", "shop-de"):
        sendgrid.subusers = {day(5): [item("1", username, 4)]}
        harness.poll()
        assert harness.value("account_up") == 1
        time.pass_hours(1)
        logged.append([record.message for record in caplog.records if record.levelno >= WARNING])
        caplog.clear()
    assert logged == [["no subuser is published"], [], [], ["no subuser is published"]]


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
    harness = PollerHarness(time, own_score=False)
    started = time.seconds
    seconds = harness.poll()
    if pause == 900:  # the interval, which is from start to start
        seconds += time.seconds - started
    assert seconds == pytest.approx(pause)
    assert harness.value("poll_failures_total", reason="rate_limited") == 1


def test_an_outage_delays_the_next_poll_as_long_as_sendgrid_asks(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers[day(5)] = (503, {"Retry-After": "3000"}, "")
    harness = PollerHarness(time, own_score=False)
    assert harness.poll() == 3000
    assert harness.poller.blocked_seconds == 3000
    assert harness.value("poll_failures_total", reason="server_error") == 1


def test_the_rate_limit_of_one_endpoint_is_kept_after_a_failure_of_the_other(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers[day(5)] = (403, {}, "")
    sendgrid.own[day(5)] = (429, {"Retry-After": "3000"}, "")
    harness = PollerHarness(time)
    assert harness.poll() == 3000
    assert harness.poller.blocked_seconds == 3000
    assert harness.value("poll_failures_total", reason="forbidden") == 1
    time.pass_hours(1)
    assert harness.poller.blocked_seconds == 0


def test_when_a_day_was_first_seen_is_told_where_somebody_looked(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    def first_seen() -> float | None:
        name = "sendgrid_seq_score_date_first_seen_timestamp_seconds"
        return harness.samples.get((name, ("account", "acme"), ("scope", "subusers")))

    sendgrid.subusers = {day(3): [item("1", "a", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    assert first_seen() is None  # it may have been there for long
    time.pass_hours(1)
    harness.poll()
    sendgrid.subusers[day(4)] = [item("1", "a", 4)]
    time.pass_hours(1)
    harness.poll()
    seen = time.seconds
    assert first_seen() == seen
    time.pass_hours(1)
    harness.poll()
    assert first_seen() == seen
    sendgrid.subusers[day(5)] = (401, {}, "")
    harness.poll()
    sendgrid.subusers[day(5)] = [item("1", "a", 4)]
    time.pass_hours(1)
    harness.poll()
    assert first_seen() is None  # the poll before could not see it


def test_a_key_file_is_read_anew_at_every_poll(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path, mock: Any
) -> None:
    file = tmp_path / "key"
    file.write_text("first\n")
    harness = PollerHarness(
        time, own_score=False, api_key=ApiKey(file), settings={"lookback_days": 1}
    )
    harness.poll()
    file.write_text("second\n")
    harness.poll()
    assert [call.request.headers["Authorization"] for call in mock.calls] == [
        "Bearer first",
        "Bearer second",
    ]
    file.unlink()
    harness.poll()
    assert harness.value("poll_failures_total", reason="key_unavailable") == 1


def test_with_too_many_series_the_last_good_scores_stay(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4)]}
    harness = PollerHarness(time, own_score=False, max_series=41)
    harness.poll()
    assert harness.value("account_series") == 41
    page = harness.page
    sendgrid.subusers[day(5)] = [item("1", "a", 4), item("2", "b", 4)]
    for count in (1, 2):
        harness.poll()
        assert harness.page == page
        assert harness.value("account_up") == 0
        assert harness.value("poll_failures_total", reason="too_many_series") == count
    assert harness.poller.health.failure == (
        "48 series are more than max_series, 41: raise it, or leave series out"
    )
    sendgrid.subusers[day(5)] = [item("2", "b", 3)]
    harness.poll()
    assert harness.value("account_up") == 1
    assert harness.series("sendgrid_seq_score") == ['{account="acme",subuser="b"} 3.0']


def test_a_large_account_is_warned_of_once(
    time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    harness = PollerHarness(time)
    for first in range(3):
        users = {str(n): Score(str(n), None, 4.0, (4.0,) * 5) for n in range(first, 15_000)}
        harness.poller._swap(Snapshot("acme", SubuserScores(day(4), users)))
    assert caplog.messages == ["many series: see docs/scaling.md"]
    harness.telemetry.publish()  # as at the end of a poll
    assert harness.value("account_series") == 7 * 14_998 + 34


def test_a_first_poll_without_a_file_descriptor_fails_and_the_next_one_succeeds(
    sendgrid: FakeSendGrid,
    time: FakeTime,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class NoDescriptor:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "seq_exporter.sendgrid.reader":
                raise OSError(errno.EMFILE, "Too many open files")

    sendgrid.subusers = {day(5): [item("1", "a", 3)]}
    harness = PollerHarness(time, own_score=False)
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "seq_exporter.sendgrid.reader", raising=False)
        patch.setattr(sys, "meta_path", [NoDescriptor(), *sys.meta_path])
        harness.poll()
    assert harness.value("poll_failures_total", reason="internal") == 1
    assert [record.__dict__["error"] for record in caplog.records] == [
        "cannot read a part of seq-exporter: Too many open files: "
        "raise the limit (ulimit -n, LimitNOFILE)"
    ]
    harness.poll()
    assert harness.series("sendgrid_seq_score") == ['{account="acme",subuser="a"} 3.0']


def test_a_defect_of_ours_is_a_counted_failure(
    time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    class Defect(requests.Session):
        def send(self, *args: Any, **options: Any) -> requests.Response:
            raise ZeroDivisionError

    harness = PollerHarness(time, own_score=False, sessions=Sessions(Defect))
    assert harness.poll() == 900
    assert harness.value("poll_failures_total", reason="internal") == 1
    assert harness.poller.health.failure == "a defect in seq-exporter: ZeroDivisionError"
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
        Telemetry().open("acme"),
        clock=time.clock,
    )
    poller.stop()
    with pytest.raises(PollStopped):
        poller.poll()
    assert (text_of(store.exposition), sendgrid.requests) == ("", [])


def test_scores_survive_a_restart(sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4.5), item("2")]}
    sendgrid.own = {day(4): item("9", "acme", 3, date="2026-11-04")}
    sendgrid.names = {"2": "b"}
    first = PollerHarness(time, state=state_in(tmp_path))
    first.poll()
    sendgrid.take_requests()
    second = PollerHarness(time, state=state_in(tmp_path))
    second.poller.restore()
    assert second.page == first.page
    assert second.poller.health.is_ready
    assert second.value("account_up") is None
    assert second.value("scores_restored") == 1
    time.pass_hours(0.5)
    sendgrid.own[day(5)] = (500, {}, "")
    second.poll()
    assert (second.value("account_up"), second.value("scores_restored")) == (0, 1)
    assert second.poller.health.is_restored
    del sendgrid.own[day(5)]
    sendgrid.take_requests()
    second.poll()
    assert (second.value("account_up"), second.value("scores_restored")) == (1, 0)
    assert not second.poller.health.is_restored
    assert sendgrid.take_requests() == ["subusers 2026-11-05", "own 2026-11-05"]
    time.pass_hours(0.6)
    second.poll()
    assert "names 0" not in sendgrid.take_requests()


def test_what_an_old_key_found_is_not_saved_as_the_new_keys(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    sendgrid.subusers = {day(4): [item("1", "old", 4)]}
    sendgrid.own = {day(4): item("9", "old", 4)}
    harness = PollerHarness(time, state=state_in(tmp_path))
    harness.poll()
    new_key = ApiKey(Secret("SG.another-key-of-another-account"))
    harness.poller.account = account(api_key=new_key)
    sendgrid.subusers = dict.fromkeys(map(day, range(1, 6)), (403, {}, ""))
    sendgrid.own = {day(4): item("9", "new", 2)}
    harness.poll()
    assert harness.series("sendgrid_seq_score") == ['{account="acme",subuser="old"} 4.0']
    restarted = PollerHarness(time, state=state_in(tmp_path), api_key=new_key)
    restarted.poller.restore()
    assert restarted.series("sendgrid_seq_score") == []
    assert restarted.series("sendgrid_seq_account_score") == ['{account="acme"} 2.0']


def test_what_is_held_is_saved_in_a_new_folder_too(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4)]}
    harness = PollerHarness(time, own_score=False)
    harness.poll()
    harness.poller.keep_state_in(state_in(tmp_path))
    harness.poll()
    restarted = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    restarted.poller.restore()
    assert restarted.page == harness.page


def test_nothing_is_restored_that_has_expired(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    sendgrid.subusers = {day(5): [item("1", "a", 4.5)]}
    PollerHarness(time, state=state_in(tmp_path), own_score=False).poll()
    time.pass_hours(8 * 24)
    second = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    second.poller.restore()
    assert second.page == ""
    assert not second.poller.health.is_ready


@pytest.mark.parametrize("error", [RuntimeError("odd"), KeyError("odd"), MemoryError()])
def test_a_defect_while_restoring_costs_the_scores_and_not_the_polls(
    sendgrid: FakeSendGrid,
    time: FakeTime,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    class Defect(StateFolder):
        def load(self, account: Account, key: Secret) -> Snapshot | None:
            raise error

    sendgrid.subusers = {day(5): [item("1", "shop", 4)]}
    harness = PollerHarness(time, own_score=False, state=Defect(tmp_path, hash_cost=2))
    harness.poller.restore()
    assert caplog.messages == ["scores not restored by a defect in seq-exporter"]
    harness.poll()
    assert harness.value("account_up") == 1


def test_a_folder_that_cannot_be_written_costs_a_warning_and_not_the_poll(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    sendgrid.subusers = {day(5): [item("1", "a", 4.5)]}
    harness = PollerHarness(time, state=state_in(tmp_path / "file"), own_score=False)
    harness.poll()
    assert harness.value("account_up") == 1
    assert harness.value("state_save_failures_total") == 1
    assert "cannot save scores" in caplog.messages
    (tmp_path / "file").unlink()
    harness.poll()
    assert harness.value("state_save_failures_total") == 1
    restarted = PollerHarness(time, state=state_in(tmp_path / "file"), own_score=False)
    restarted.poller.restore()
    assert restarted.page == harness.page


def publish_days(
    harness: PollerHarness, sendgrid: FakeSendGrid, time: FakeTime, days: Mapping[int, list[Any]]
) -> None:
    """Publish each of these days, by number, on its day."""
    for number, items in days.items():
        time.seconds = datetime(2026, 11, number, 12, tzinfo=UTC).timestamp()
        sendgrid.subusers = {day(number): items}
        harness.poll()


def changes(harness: PollerHarness) -> dict[str, float | None]:
    """Return the change of each subuser from 7 days before, as far as it is known."""
    subusers = harness.poller.writer.snapshot.subusers
    assert subusers
    return dict(zip(subusers.by_label, subusers.change7, strict=False))


WEEK = {5: [item("1", "a", 4.5), item("2", "b", 3), item("3", "c")], 6: [item("1", "a", 1)]}


def test_scores_are_compared_with_those_of_a_week_before(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    harness = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    publish_days(harness, sendgrid, time, WEEK)
    assert changes(harness) == {}
    new = [item("1", "renamed", 4.1), item("2", "b", 3.5), item("3", "c", 2), item("4", "d", 2)]
    publish_days(harness, sendgrid, time, {12: new})
    expected = {"renamed": -0.4, "b": 0.5, "c": None, "d": None}
    assert changes(harness) == expected
    restarted = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    restarted.poller.restore()
    assert changes(restarted) == expected
    assert restarted.page == harness.page


def test_a_day_that_is_corrected_is_compared_again(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    harness = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    publish_days(harness, sendgrid, time, WEEK)
    publish_days(harness, sendgrid, time, {12: [item("1", "a", 4)]})
    file = tmp_path / "earlier-scores" / "acme.json"
    written = file.read_bytes()
    time.pass_hours(1.5)
    harness.poll()
    assert (changes(harness), file.read_bytes()) == ({"a": -0.5}, written)
    sendgrid.subusers = {day(12): [item("2", "b", 2), item("1", "a", 4.2)]}
    time.pass_hours(1.5)
    harness.poll()
    assert changes(harness) == {"b": -1.0, "a": -0.3}
    assert file.read_bytes() != written


def test_a_day_read_again_keeps_its_changes_while_the_folder_fails(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    harness = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    publish_days(harness, sendgrid, time, WEEK | {12: [item("1", "a", 4)]})
    harness.poller.keep_state_in(state_in(tmp_path / "earlier-scores" / "acme.json"))
    time.pass_hours(1.5)
    harness.poll()
    assert (harness.value("state_save_failures_total"), changes(harness)) == (1, {"a": -0.5})


def test_a_day_read_again_is_not_counted_again(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    harness = PollerHarness(time, own_score=False)
    publish_days(harness, sendgrid, time, {12: [item("1", "a", 4)]})
    first = harness.poller.writer.snapshot.subusers
    time.pass_hours(1.5)
    harness.poll()
    again = harness.poller.writer.snapshot.subusers
    assert first
    assert again
    assert again.read_at > first.read_at
    assert again.band_counts is first.band_counts


def test_no_other_day_is_taken_for_that_of_a_week_before(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    harness = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    publish_days(harness, sendgrid, time, WEEK | {14: [item("1", "a", 4)]})
    assert changes(harness) == {}


def test_an_account_that_is_added_again_has_its_history(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"own_score": False}
    first = PollerHarness(time, state=state_in(tmp_path), **settings)
    publish_days(first, sendgrid, time, WEEK)
    again = PollerHarness(time, state=state_in(tmp_path), **settings)
    publish_days(again, sendgrid, time, {12: [item("1", "a", 4)]})
    assert changes(again) == {"a": -0.5}
    other = PollerHarness(time, state=state_in(tmp_path), on_behalf_of="shop", **settings)
    publish_days(other, sendgrid, time, {12: [item("1", "a", 4)]})
    assert changes(other) == {}


def test_a_history_of_another_version_is_set_aside_in_one_line(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    harness = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    publish_days(harness, sendgrid, time, WEEK)
    file = tmp_path / "earlier-scores" / "acme.json"
    file.write_text(file.read_text().replace('"format":1', '"format":2'))
    publish_days(harness, sendgrid, time, {12: [item("1", "a", 4)]})
    assert caplog.messages == ["cannot restore earlier scores"]
    assert sorted(path.name for path in file.parent.iterdir()) == ["acme.json", "acme.unreadable"]
    assert (harness.value("account_up"), changes(harness)) == (1, {})


def test_a_history_that_hangs_delays_no_score(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "earlier-scores").mkdir()
    os.mkfifo(tmp_path / "earlier-scores" / "acme.json")
    # Long enough for the snapshot, which is saved to the same disk, on a busy machine.
    state = StateFolder(tmp_path, disk_seconds=1.0, hash_cost=2)
    harness = PollerHarness(time, state=state, own_score=False)
    publish_days(harness, sendgrid, time, {5: WEEK[5]})
    assert harness.value("account_up") == 1
    assert len(harness.series("sendgrid_seq_score")) == 2
    assert [record.__dict__["error"] for record in caplog.records] == [
        "[Errno 110] no answer within 1 s"
    ]
    # The snapshot is there all the same.
    restarted = PollerHarness(time, state=state, own_score=False)
    restarted.poller.restore()
    assert restarted.page == harness.page


def test_a_history_is_not_read_while_it_is_saved(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    """Reading it removes files that were left half written, such as the one of the poll."""
    readers: list[threading.Thread] = []

    class Watched(StateFolder):
        def save_history(self, *history: Any) -> None:
            reader = threading.Thread(target=harness.poller.recall)
            reader.start()
            reader.join(0.1)  # it would have ended by then
            assert reader.is_alive()
            readers.append(reader)
            super().save_history(*history)

    harness = PollerHarness(time, state=Watched(tmp_path, hash_cost=2), own_score=False)
    publish_days(harness, sendgrid, time, {5: WEEK[5]})
    (reader,) = readers
    reader.join(GIVE_UP_SECONDS)
    assert not reader.is_alive()
    assert harness.value("account_up") == 1


def test_a_history_that_cannot_be_written_is_counted_and_tried_again(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "earlier-scores").touch()
    harness = PollerHarness(time, state=state_in(tmp_path), own_score=False)
    publish_days(harness, sendgrid, time, {5: WEEK[5]})
    assert caplog.messages == ["cannot save scores"]
    assert (harness.value("account_up"), harness.value("state_save_failures_total")) == (1, 1)
    (tmp_path / "earlier-scores").unlink()
    harness.poll()
    publish_days(harness, sendgrid, time, {12: [item("1", "a", 4)]})
    assert harness.value("state_save_failures_total") == 1
    assert changes(harness) == {"a": -0.5}


def test_no_key_in_what_is_logged(
    sendgrid: FakeSendGrid, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    sendgrid.subusers[day(5)] = (401, {}, f'{{"errors": [{{"message": "bad key {KEY}"}}]}}')
    harness = PollerHarness(time)
    harness.poll()
    assert KEY not in caplog.text
    assert KEY not in str(harness.poller.health)
    assert "bad key ***" in str(harness.poller.health)
