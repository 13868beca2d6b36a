"""The past of ninety days in a real Prometheus, and backfills that are stopped at any moment."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.backfilled import RECEIVERS, Stopped, check_files, check_remote_write
from tests.processes import Start

DAYS = 90


@pytest.mark.parametrize("step", ["4m", "1d"])
def test_the_present_goes_on_from_the_past(
    step: str, start: Start, exporter: Start, tmp_path: Path
) -> None:
    check_files(DAYS, step, start, exporter, tmp_path)


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
