"""Accounts that come, change and go while the exporter runs."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses
from prometheus_client.parser import text_string_to_metric_families
from requests import PreparedRequest

from seq_exporter.clock import Clock
from seq_exporter.config.model import Config, PollSettings, SeriesSelection
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.errors import ConfigError
from seq_exporter.publish.formats import TEXT
from seq_exporter.serve.exporter import Exporter
from seq_exporter.threads import DaemonThreads
from tests.support import (
    SUBUSERS_SCORES,
    FakeSendGrid,
    FakeTime,
    account,
    day,
    item,
    own_text,
    text_of,
)

OTHER_URL = SUBUSERS_SCORES.replace("api.sendgrid.com", "other.example")

ACME = account(own_score=False)
GLOBEX = account(name="globex", own_score=False)
CONFIG = Config((ACME, GLOBEX))


class ExporterHarness:
    """An exporter whose next configuration a test sets."""

    def __init__(self, config: Config, time: FakeTime, clock: Clock | None = None) -> None:
        self.next: Config | Exception = config
        self.exporter = Exporter(config, self._load, clock or time.clock)

    def _load(self) -> Config:
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    async def reload(self, config: Config | Exception) -> str | None:
        self.next = config
        return await self.exporter.reload()

    @property
    def page(self) -> str:
        return text_of(self.exporter.store.exposition)

    def value(self, name: str, **labels: str) -> float | None:
        samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.own_page)
            for sample in family.samples
        }
        return samples.get((f"seq_exporter_{name}", *sorted(labels.items())))

    @property
    def own_page(self) -> str:
        return own_text(self.exporter.telemetry.render(TEXT))

    async def wait_until_ready(self) -> None:
        await wait_until(lambda: not self.exporter.unready)


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):  # only for a test that fails
        while not is_so():
            await asyncio.sleep(0.005)


def run(harness: ExporterHarness, act: Callable[[ExporterHarness], Awaitable[None]]) -> None:
    """Start the exporter, wait for its first polls, act, and stop it."""

    async def main() -> None:
        harness.exporter.start()
        try:
            await act(harness)
        finally:
            harness.exporter.stop()

    asyncio.run(main())


@pytest.fixture
def harness(sendgrid: FakeSendGrid, time: FakeTime) -> ExporterHarness:
    sendgrid.subusers = {day(5): [item("1", "shop", 4)]}
    return ExporterHarness(CONFIG, time)


def test_accounts_are_polled_at_once(harness: ExporterHarness, sendgrid: FakeSendGrid) -> None:
    async def act(harness: ExporterHarness) -> None:
        assert harness.value("config_last_reload_successful") == 1
        await harness.wait_until_ready()
        assert 'sendgrid_seq_score{account="acme",subuser="shop"} 4.0\n' in harness.page
        assert 'sendgrid_seq_score{account="globex",subuser="shop"} 4.0\n' in harness.page
        assert len(sendgrid.requests) == 2

    run(harness, act)


def test_an_account_that_has_not_changed_is_left_alone(
    harness: ExporterHarness, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        page = harness.page
        sendgrid.take_requests()
        time.pass_hours(1)
        assert await harness.reload(Config((GLOBEX, ACME))) is None
        await asyncio.sleep(0.05)
        assert harness.page == page
        assert sendgrid.take_requests() == []
        assert harness.value("config_last_reload_success_timestamp_seconds") == time.seconds

    run(harness, act)


def test_an_account_that_is_removed_is_gone_at_once(harness: ExporterHarness) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        assert await harness.reload(Config((GLOBEX,))) is None
        assert "acme" not in harness.page
        assert harness.value("account_up", account="acme") is None
        assert harness.value("account_up", account="globex") == 1
        assert [snapshot.account for snapshot, _ in harness.exporter.accounts] == ["globex"]

    run(harness, act)


def test_many_accounts_leave_in_one_step(sendgrid: FakeSendGrid, time: FakeTime) -> None:
    accounts = [account(name=f"account-{number}", own_score=False) for number in range(50)]
    sendgrid.subusers = {day(5): [item("1", "shop", 4)]}
    harness = ExporterHarness(Config(tuple(accounts)), time)

    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        published: list[int] = []
        changes = harness.exporter.store._changes
        publish = changes._publish
        changes._publish = lambda: published.append(1) or publish()  # type: ignore[func-returns-value]
        assert await harness.reload(Config(tuple(accounts[7:8]))) is None
        assert published == [1]
        for page in (harness.page, harness.own_page):
            assert set(re.findall('account="(.*?)"', page)) == {"account-7"}

    run(harness, act)


def test_an_account_that_has_changed_starts_anew(
    harness: ExporterHarness, sendgrid: FakeSendGrid
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        sendgrid.subusers[day(5)] = [item("1", "shop", 2)]
        changed = replace(ACME, on_behalf_of="shop")
        assert await harness.reload(Config((changed, GLOBEX))) is None
        assert "acme" not in harness.page
        await harness.wait_until_ready()
        assert 'sendgrid_seq_score{account="acme",subuser="shop"} 2.0\n' in harness.page
        assert 'sendgrid_seq_score{account="globex",subuser="shop"} 4.0\n' in harness.page

    run(harness, act)


def test_a_new_key_alone_keeps_the_scores_until_it_has_answered(
    harness: ExporterHarness, sendgrid: FakeSendGrid
) -> None:
    changed = Config((replace(ACME, api_key=ApiKey(Secret("another"))), GLOBEX))

    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        page = harness.page
        sendgrid.subusers = dict.fromkeys(map(day, range(1, 6)), (401, {}, ""))
        sendgrid.take_requests()
        assert await harness.reload(changed) is None
        await wait_until(lambda: harness.value("account_up", account="acme") == 0)
        assert harness.page == page
        # It may be another account's key: the held scores are read again.
        sendgrid.subusers = {day(4): [item("7", "other", 2)]}
        harness.exporter._running["acme"].wake.set()
        await wait_until(lambda: 'subuser="other"' in harness.page)
        assert 'sendgrid_seq_score{account="acme",subuser="other"} 2.0\n' in harness.page
        assert 'account="acme",subuser="shop"' not in harness.page

    run(harness, act)


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        pytest.param(
            {"series": SeriesSelection(metrics=("open_rate",))},
            {"score": 1, "metric_score": 1, "subuser_eligible": 1},
            id="one metric",
        ),
        pytest.param(
            {"series": SeriesSelection(scores=False, metrics=(), eligible=False)},
            {"score": 0, "metric_score": 0, "subuser_eligible": 0},
            id="the distribution",
        ),
        pytest.param(
            {"max_series": 41}, {"score": 1, "metric_score": 5, "subuser_eligible": 1}, id="limit"
        ),
        pytest.param(
            {"series": SeriesSelection(eligible=False), "max_series": 40},
            {"score": 1, "metric_score": 5, "subuser_eligible": 0},
            id="both",
        ),
    ],
)
def test_other_series_are_published_at_once_and_without_a_request(
    harness: ExporterHarness, sendgrid: FakeSendGrid, more: dict[str, Any], lines: dict[str, int]
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        before = harness.page
        sendgrid.take_requests()
        assert await harness.reload(Config((replace(ACME, **more), GLOBEX))) is None
        acme = [line for line in harness.page.splitlines() if 'account="acme"' in line]
        for name, count in lines.items():
            assert sum(line.startswith(f"sendgrid_seq_{name}{{") for line in acme) == count
        assert harness.value("account_series", account="acme") == len(acme)
        assert harness.value("account_up", account="acme") == 1
        # And back: nothing was lost.
        assert await harness.reload(CONFIG) is None
        assert harness.page == before
        await asyncio.sleep(0.05)
        assert sendgrid.take_requests() == []

    run(harness, act)


def test_a_limit_below_what_is_published_keeps_it_and_fails_the_polls(
    harness: ExporterHarness, sendgrid: FakeSendGrid
) -> None:
    low = Config((replace(ACME, max_series=40), GLOBEX))

    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        before = harness.page
        assert await harness.reload(low) is None
        await wait_until(lambda: harness.value("account_up", account="acme") == 0)
        assert harness.page == before
        reasons = {"account": "acme", "reason": "too_many_series"}
        assert harness.value("poll_failures_total", **reasons) == 1
        # The runbook's mitigation: the next poll is at once, and succeeds.
        assert await harness.reload(CONFIG) is None
        await wait_until(lambda: harness.value("account_up", account="acme") == 1)
        assert harness.page == before

    run(harness, act)


def test_scores_that_were_too_many_are_read_at_once_when_the_limit_is_raised(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    sendgrid.subusers = {day(4): [item("1", "a", 4)]}

    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        sendgrid.subusers[day(5)] = [item("1", "a", 3), item("2", "b", 5)]
        harness.exporter._running["acme"].wake.set()
        await wait_until(lambda: harness.value("account_up", account="acme") == 0)
        raised = Config((replace(ACME, max_series=48),))
        assert await harness.reload(raised) is None
        assert 'sendgrid_seq_score{account="acme",subuser="a"} ' in harness.page  # never absent
        await wait_until(lambda: harness.value("account_up", account="acme") == 1)
        assert 'sendgrid_seq_score{account="acme",subuser="a"} 3.0\n' in harness.page
        assert 'sendgrid_seq_score{account="acme",subuser="b"} 5.0\n' in harness.page

    run(ExporterHarness(Config((replace(ACME, max_series=41),)), time), act)


def test_other_series_and_another_key_keep_the_scores_until_it_has_answered(
    harness: ExporterHarness, sendgrid: FakeSendGrid
) -> None:
    both = replace(
        ACME, api_key=ApiKey(Secret("another")), series=SeriesSelection(metrics=()), max_series=50
    )

    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        sendgrid.subusers = dict.fromkeys(map(day, range(1, 6)), (401, {}, ""))
        assert await harness.reload(Config((both, GLOBEX))) is None
        await wait_until(lambda: harness.value("account_up", account="acme") == 0)
        assert 'sendgrid_seq_score{account="acme",subuser="shop"} 4.0\n' in harness.page
        assert 'sendgrid_seq_metric_score{account="acme"' not in harness.page
        assert harness.exporter._running["acme"].poller.account == both

    run(harness, act)


def test_an_account_that_sendgrid_has_blocked_is_left_alone_by_a_reload(
    harness: ExporterHarness, sendgrid: FakeSendGrid
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        sendgrid.take_requests()
        assert await harness.reload(replace(CONFIG, poll=PollSettings(interval_seconds=60))) is None
        await asyncio.sleep(0.05)
        assert sendgrid.take_requests() == []

        new_key = replace(ACME, api_key=ApiKey(Secret("another")))
        assert await harness.reload(Config((new_key, GLOBEX))) is None
        await wait_until(lambda: bool(sendgrid.requests))
        await asyncio.sleep(0.05)
        assert sendgrid.take_requests() == ["subusers 2026-11-05"]  # with the new key alone

    sendgrid.subusers = {day(5): (429, {"Retry-After": "3000"}, "")}
    run(harness, act)


def test_a_new_schedule_holds_at_once_and_keeps_the_scores(
    harness: ExporterHarness, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        page = harness.page
        sendgrid.take_requests()
        time.pass_hours(0.5)
        faster = replace(CONFIG, poll=PollSettings(refresh_interval_seconds=60))
        assert await harness.reload(faster) is None
        assert harness.page == page
        await wait_until(lambda: len(sendgrid.requests) == 2)
        assert sendgrid.requests == ["subusers 2026-11-05"] * 2

    run(harness, act)


def test_accounts_are_read_in_threads_while_a_reload_changes_them(
    mock: responses.RequestsMock, time: FakeTime
) -> None:
    mock.get(SUBUSERS_SCORES, status=202)
    many = Config(tuple(replace(ACME, name=f"account-{number}") for number in range(30)))
    counts: set[int] = set()
    errors: list[Exception] = []
    is_over = threading.Event()

    def read(harness: ExporterHarness) -> None:
        while not is_over.is_set():
            try:
                counts.add(len(harness.exporter.accounts))
            except Exception as err:  # noqa: BLE001
                errors.append(err)

    async def act(harness: ExporterHarness) -> None:
        reader = threading.Thread(target=read, args=(harness,))
        reader.start()
        try:
            for config in (many, CONFIG, many):
                assert await harness.reload(config) is None
        finally:
            is_over.set()
            reader.join()
        assert errors == []
        assert max(counts) > 2

    switch_seconds = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        run(ExporterHarness(CONFIG, time), act)
    finally:
        sys.setswitchinterval(switch_seconds)


@pytest.mark.parametrize("error", [RuntimeError("odd"), KeyError("odd")])
def test_a_defect_outside_a_poll_does_not_end_the_polls(
    sendgrid: FakeSendGrid, time: FakeTime, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    failing = [error]

    def monotonic() -> float:
        if failing:
            raise failing.pop()
        return time.seconds

    sendgrid.subusers = {day(5): [item("1", "shop", 4)]}
    harness = ExporterHarness(
        Config((ACME,)), time, Clock(now=lambda: time.seconds, monotonic=monotonic)
    )

    async def act(harness: ExporterHarness) -> None:
        message = "poll not reported by a defect in seq-exporter"
        await wait_until(lambda: message in caplog.messages)
        assert harness.page == ""
        harness.exporter._running["acme"].wake.set()
        await harness.wait_until_ready()
        assert 'sendgrid_seq_score{account="acme",subuser="shop"} 4.0\n' in harness.page

    run(harness, act)
    logged = next(record for record in caplog.records if "defect" in record.message)
    assert logged.exc_info is not None
    assert logged.exc_info[1] is error


def test_without_threads_polls_are_tried_again(
    sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sendgrid.subusers = {day(5): [item("1", "shop", 4)]}
    harness = ExporterHarness(replace(CONFIG, state_dir=tmp_path), time)
    before = threading.stack_size(1 << 46)  # no thread starts: no room for its stack

    async def act(harness: ExporterHarness) -> None:
        try:
            await wait_until(lambda: caplog.messages.count("cannot poll") == 2)
        finally:
            threading.stack_size(before)
        assert caplog.messages.count("cannot restore scores") == 2
        for running in harness.exporter._running.values():
            running.wake.set()
        await harness.wait_until_ready()
        assert harness.value("account_up", account="acme") == 1

    run(harness, act)
    logged = {(record.account, record.error) for record in caplog.records if "poll" in record.msg}  # type: ignore[attr-defined]
    assert logged == {(name, "no thread can be started") for name in ("acme", "globex")}


def test_a_bad_configuration_changes_nothing(
    harness: ExporterHarness, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        page = harness.page
        assert await harness.reload(ConfigError("config.yaml:1: no")) == "config.yaml:1: no"
        assert harness.page == page
        assert harness.value("config_last_reload_successful") == 0
        assert "reload failed, the old configuration stays in force" in caplog.messages
        assert await harness.reload(CONFIG) is None
        assert harness.value("config_last_reload_successful") == 1

    run(harness, act)


@pytest.mark.parametrize("error", [IndexError("odd"), RuntimeError("odd"), OSError("odd")])
def test_whatever_a_reload_raises_it_fails_and_the_next_one_works(
    harness: ExporterHarness, error: Exception
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        page = harness.page
        problem = await harness.reload(error)
        assert problem is not None
        assert problem.startswith("the configuration: cannot be read: ")
        assert harness.exporter.is_behind
        assert harness.page == page
        assert harness.value("config_last_reload_successful") == 0
        assert await harness.reload(Config((GLOBEX,))) is None
        assert not harness.exporter.is_behind
        assert harness.value("config_last_reload_successful") == 1
        assert "acme" not in harness.page

    run(harness, act)


def test_a_retry_logs_no_problem_again(
    harness: ExporterHarness, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        harness.next = ConfigError("one")
        for is_retry in (False, True, True, False):
            assert await harness.exporter.reload(is_retry=is_retry) == "one"
        harness.next = ConfigError("two")
        for _ in range(2):
            assert await harness.exporter.reload(is_retry=True) == "two"

    run(harness, act)
    message = "reload failed, the old configuration stays in force"
    logged = [record.error for record in caplog.records if record.message == message]  # type: ignore[attr-defined]
    assert logged == ["one", "one", "two"]


@pytest.mark.parametrize("result", [CONFIG, ConfigError("config.yaml:1: no")])
def test_a_reload_collects_no_garbage(
    result: Config | ConfigError, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    collecting: list[bool] = []

    def load() -> Config:
        collecting.append(gc.isenabled())
        if isinstance(result, ConfigError):
            raise result
        return result

    exporter = Exporter(CONFIG, load, time.clock)
    asyncio.run(exporter.reload())
    assert collecting == [False]
    assert gc.isenabled()


def test_a_reload_that_hangs_fails_and_keeps_nothing_from_ending(
    sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    is_over = threading.Event()

    def load() -> Config:
        is_over.wait(120)
        return Config(())

    exporter = Exporter(CONFIG, load, time.clock, load_seconds=0.05)

    async def main() -> None:
        exporter.start()
        problem = await exporter.reload()
        assert problem == "the configuration: cannot be read: no answer within 0.05 s"
        asyncio.create_task(exporter.reload())  # noqa: RUF006
        await asyncio.sleep(0)
        exporter.stop()

    asyncio.run(main())  # ends although both still hang
    assert not is_over.is_set()
    is_over.set()


def test_without_a_thread_a_reload_fails_and_the_next_one_applies_it(
    harness: ExporterHarness,
) -> None:
    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        page = harness.page
        before = threading.stack_size(1 << 46)  # no thread starts: no room for its stack
        try:
            problem = await harness.reload(Config((GLOBEX,)))
        finally:
            threading.stack_size(before)
        assert problem == "the configuration was not applied: no thread can be started"
        assert harness.page == page
        assert await harness.reload(Config((GLOBEX,))) is None
        assert "acme" not in harness.page

    run(harness, act)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(Config((GLOBEX,)), id="removed"),
        pytest.param(Config((replace(ACME, own_score=True), GLOBEX)), id="changed"),
        pytest.param(
            Config((replace(ACME, series=SeriesSelection(scores=False)), GLOBEX)), id="fewer series"
        ),
    ],
)
def test_a_reload_that_finds_no_thread_halfway_is_completed_by_the_next(
    sendgrid: FakeSendGrid, time: FakeTime, config: Config
) -> None:
    sendgrid.subusers = {day(5): [item("1", "shop", 4)]}
    before = threading.stack_size()
    stack_bytes = [1 << 46, before]  # with the first, no thread starts: no room for its stack

    def load() -> Config:
        threading.stack_size(stack_bytes.pop(0))
        exporter._reload_threads = DaemonThreads(1)  # as if the thread of the reload hung by now
        return config

    exporter = Exporter(CONFIG, load, time.clock)

    async def main() -> None:
        exporter.start()
        try:
            await wait_until(lambda: all(health.is_ready for _, health in exporter.accounts))
            page = text_of(exporter.store.exposition)
            assert 'sendgrid_seq_score{account="acme"' in page
            problem = await exporter.reload()
            assert problem == "the configuration was not applied: no thread can be started"
            assert text_of(exporter.store.exposition) == page
            threading.stack_size(before)
            assert await exporter.reload() is None
            assert 'sendgrid_seq_score{account="acme"' not in text_of(exporter.store.exposition)
        finally:
            threading.stack_size(before)
            exporter.stop()

    asyncio.run(main())


def test_a_poll_of_a_removed_account_brings_nothing_back(
    mock: responses.RequestsMock, sendgrid: FakeSendGrid, time: FakeTime
) -> None:
    asked, answer, answered = threading.Event(), threading.Event(), threading.Event()

    def answer_late(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked.set()
        answer.wait(30)
        answered.set()
        return 200, {}, '{"result": [{"user_id": "1", "username": "late", "score": 4}]}'

    mock.add_callback(responses.GET, OTHER_URL, answer_late)
    slow = replace(ACME, base_url="https://other.example")

    async def act(harness: ExporterHarness) -> None:
        await asyncio.to_thread(asked.wait, 30)
        assert await harness.reload(Config((GLOBEX,))) is None
        answer.set()
        await asyncio.to_thread(answered.wait, 30)
        await harness.wait_until_ready()
        await asyncio.sleep(0.05)
        assert "acme" not in harness.page
        assert 'account="acme"' not in harness.own_page

    run(ExporterHarness(Config((slow,)), time), act)


def test_an_account_is_unready_until_its_first_poll_ends_or_it_was_restored_or_removed(
    mock: responses.RequestsMock, sendgrid: FakeSendGrid, time: FakeTime, tmp_path: Path
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def answer_late(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked.set()
        answer.wait(30)
        return 200, {}, '{"result": [{"user_id": "1", "username": "late", "score": 4}]}'

    mock.add_callback(responses.GET, OTHER_URL, answer_late)
    slow = replace(ACME, base_url="https://other.example")
    config = Config((slow, GLOBEX), state_dir=tmp_path)

    async def remove(harness: ExporterHarness) -> None:
        assert harness.exporter.unready == 2
        await wait_until(lambda: harness.exporter.unready == 1)
        await asyncio.to_thread(asked.wait, 30)
        assert await harness.reload(replace(config, accounts=(GLOBEX,))) is None
        assert harness.exporter.unready == 0
        answer.set()

    async def poll(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        assert all(health.last_poll for _, health in harness.exporter.accounts)
        asked.clear()
        answer.clear()

    async def restore(harness: ExporterHarness) -> None:
        await asyncio.to_thread(asked.wait, 30)
        await harness.wait_until_ready()
        answer.set()

    for act in (remove, poll, restore):
        run(ExporterHarness(config, time), act)


def test_a_key_that_goes_out_in_the_clear_is_warned_of(
    mock: responses.RequestsMock, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    mock.get(OTHER_URL.replace("https", "http"), status=202)

    async def act(harness: ExporterHarness) -> None:
        await harness.wait_until_ready()
        message = "base_url is not https: the API key can be read in transit"
        assert message in caplog.messages

    run(ExporterHarness(Config((replace(ACME, base_url="http://other.example"),)), time), act)
