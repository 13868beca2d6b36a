"""The past of ninety days in a real Prometheus, and backfills that are stopped at any moment."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.backfilled import (
    RECEIVERS,
    Stopped,
    check_files,
    check_full_disk,
    check_remote_write,
    check_stops,
)
from tests.processes import Start
from tests.simulator import Simulator

DAYS = 90


@pytest.mark.parametrize("step", ["4m", "1d"])
def test_the_present_goes_on_from_the_past(
    step: str, start: Start, exporter: Start, tmp_path: Path
) -> None:
    check_files(DAYS, 6, step, start, exporter, tmp_path)


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_the_past_is_sent_to_where_the_present_is(
    receiver: str, start: Start, exporter: Start, tmp_path: Path
) -> None:
    check_remote_write(DAYS, RECEIVERS[receiver], start, exporter, tmp_path)


def test_a_backfill_that_is_killed_at_any_moment_goes_on_from_there(
    exporter: Start, tmp_path: Path
) -> None:
    backfill = Stopped(exporter, tmp_path, subusers=600)
    chance = random.Random(1)
    statuses = [backfill.stop(signal.SIGKILL, chance.random() * 0.5) for _ in range(15)]
    assert set(statuses) <= {0, -signal.SIGKILL}
    assert statuses.count(-signal.SIGKILL) >= 8
    backfill.finish()


def test_a_backfill_that_is_stopped_goes_on_from_there(exporter: Start, tmp_path: Path) -> None:
    check_stops(2, 300, exporter, tmp_path)


@pytest.mark.parametrize("kilobytes", [64, 256, 1024, 4096])
def test_a_full_disk_leaves_nothing_that_looks_whole(
    kilobytes: int, start: Start, simulator: Simulator, tmp_path: Path
) -> None:
    check_full_disk(kilobytes, simulator, start, tmp_path)
