"""What is said before a backfill writes or sends, against what it then takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.estimate import Estimate, describe_estimate, estimate
from seq_exporter.commands.backfill.history import Series, sample_times
from seq_exporter.commands.backfill.openmetrics import (
    count_unwritten,
    estimate_files,
    write_files,
)
from seq_exporter.commands.backfill.plan import Plan, Window, make_plan
from seq_exporter.commands.backfill.remote_write import (
    Receiver,
    count_unsent,
    estimate_sending,
    send_samples,
)
from seq_exporter.config.secret import Secret
from seq_exporter.errors import RemoteWriteFailed
from seq_exporter.score import Score
from seq_exporter.sendgrid.session import open_session
from tests.support import KEY, FakeTime, account, day
from tests.unit.commands.backfill.past import HOURS, LABELS, at, options_of
from tests.unit.commands.backfill.receiving import Answer, FakeReceiver

DAYS = 25  # more than a file holds

#: A part of all samples, so that the rest is estimated.
TRIED_SAMPLES = 2_000


def fill(archive: Archive, name: str, subusers: int) -> Any:
    """Add scores of the account and its subusers; one in ten has none."""
    own = archive.claim(account(name=name), Secret(KEY))
    for number in range(1, DAYS + 1):
        own.add_page(day(number), list(make_scores(subusers, number)), None)
        own.finish(day(number))
        own.add_own({day(number): Score("", None, 3.9, (4.1, 3.0, 2.0, 4.5, 4.5))})
    return own


def make_scores(subusers: int, number: int) -> Iterator[Score]:
    for user in range(subusers):
        tenth = (user + number) % 30 / 10
        metrics = (1 + tenth, 4.0, 2 + tenth, 3.3, 5.0)
        scored = user % 10 != 9
        yield Score(
            str(1000 + user),
            f"shop-{user}" + ".example.com" * (user % 3),
            1.5 + tenth if scored else None,
            metrics if scored else (None,) * 5,
        )


def plan_for(archive: Archive, fleet: dict[str, int], step_seconds: int) -> Plan:
    accounts = [(account(name=name), fill(archive, name, fleet[name])) for name in fleet]
    options = options_of(last=day(DAYS), step_seconds=step_seconds, labels=LABELS)
    return make_plan(accounts, options, at(DAYS + 2))


SIZES = [
    pytest.param({"acme": 0}, 6 * HOURS, id="an account without subusers"),
    pytest.param({"acme": 3}, HOURS, id="few series of many samples"),
    pytest.param({"acme": 100}, 24 * HOURS, id="many series of few samples"),
    pytest.param({"a": 5, "a-much-longer-name": 40, "none": 0}, 12 * HOURS, id="three accounts"),
]


@pytest.mark.parametrize(("fleet", "step_seconds"), SIZES)
def test_files_are_as_large_as_estimated(
    fleet: dict[str, int], step_seconds: int, archive: Archive, tmp_path: Path, time: FakeTime
) -> None:
    plan = plan_for(archive, fleet, step_seconds)
    estimated = estimate_files(plan, tmp_path, time.clock, TRIED_SAMPLES)
    files = write_files(plan, archive, tmp_path, lambda done, text: None)
    lines = sum(line[:1] != b"#" for file in files for line in file.read_bytes().splitlines())
    assert estimated.samples == pytest.approx(lines, rel=0.1)
    written = sum(file.stat().st_size for file in files)
    assert estimated.size_bytes == pytest.approx(written, rel=0.1)


@pytest.fixture
def received(time: FakeTime) -> Iterator[tuple[FakeReceiver, Receiver]]:
    with FakeReceiver(Answer(204)).running() as fake:
        yield fake, Receiver(fake.url, {}, open_session(), time.sleep, 30, time.clock)


@pytest.mark.parametrize(
    "fleet",
    [
        pytest.param({"acme": 0}, id="an account without subusers"),
        pytest.param({"acme": 20}, id="an account with subusers"),
        pytest.param({"a": 5, "a-much-longer-name": 15, "none": 0}, id="three accounts"),
    ],
)
def test_requests_are_as_large_as_estimated(
    fleet: dict[str, int],
    archive: Archive,
    received: tuple[FakeReceiver, Receiver],
    time: FakeTime,
) -> None:
    fake, receiver = received
    plan = plan_for(archive, fleet, HOURS)
    # Two requests: a whole one is compressed better than a part.
    estimated = estimate_sending(plan, time.clock, 20_000)
    send_samples(plan, archive, receiver, lambda done, text: None)
    sent = sum(len(request.body) for request in fake.requests)
    assert estimated.size_bytes == pytest.approx(sent, rel=0.15)


def test_what_is_there_is_not_counted(
    archive: Archive, tmp_path: Path, received: tuple[FakeReceiver, Receiver]
) -> None:
    plan = plan_for(archive, {"acme": 3}, HOURS)
    assert count_unwritten(plan, archive, tmp_path) == plan.samples
    first, *others = write_files(plan, archive, tmp_path, lambda done, text: None)
    assert others
    assert count_unwritten(plan, archive, tmp_path) == 0
    first.unlink()
    assert count_unwritten(plan, archive, tmp_path) == plan.count_samples(plan.windows()[0])


def test_what_was_sent_is_not_counted(
    archive: Archive, received: tuple[FakeReceiver, Receiver]
) -> None:
    fake, receiver = received
    plan = plan_for(archive, {"acme": 10}, HOURS)
    assert count_unsent(plan, archive, receiver) == plan.samples
    fake.answers = [Answer(204), Answer(204), Answer(400)]
    with pytest.raises(RemoteWriteFailed):
        send_samples(plan, archive, receiver, lambda done, text: None)
    assert count_unsent(plan, archive, receiver) == plan.samples - 20_000


def test_the_time_is_that_of_the_series_that_were_tried(archive: Archive, time: FakeTime) -> None:
    plan = plan_for(archive, {"acme": 10}, HOURS)
    tried: list[int] = []

    def make(series: Sequence[Series], window: Window) -> int:
        samples = sum(
            len(sample_times(published, HOURS, *window))
            for each in series
            for published, _ in each.values
        )
        tried.append(samples)
        time.sleep(samples / 1000)
        return 5 * samples

    estimated = estimate(plan, make, time.clock)
    assert len(tried) == 1
    assert estimated.samples == plan.samples
    assert estimated.size_bytes == pytest.approx(5 * plan.samples)
    assert estimated.seconds == pytest.approx(plan.samples / 1000)


def test_nothing_takes_nothing(tmp_path: Path, time: FakeTime) -> None:
    plan = Plan([], HOURS, {})
    assert estimate_files(plan, tmp_path, time.clock) == Estimate(0, 0.0, 0.0)
    assert Estimate(0, 0.0, 0.0).of(0) == Estimate(0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("estimated", "said"),
    [
        (Estimate(1, 130, 0.0), "1 samples, one every 1h: less than 1 MB, 1 s"),
        (Estimate(999, 999_999, 1.4), "999 samples, one every 1h: less than 1 MB, 1 s"),
        (Estimate(1_735_204, 231_400_000, 89.4), "1,740,000 samples, one every 1h: 231 MB, 89 s"),
        (
            Estimate(29_949_000, 4_213_000_000, 90),
            "29,900,000 samples, one every 1h: 4,210 MB, 2 min",
        ),
        (Estimate(10**9, 10**11, 3599), "1,000,000,000 samples, one every 1h: 100,000 MB, 60 min"),
    ],
)
def test_the_line(estimated: Estimate, said: str) -> None:
    assert describe_estimate("Writing", estimated, HOURS) == f"Writing about {said}"
