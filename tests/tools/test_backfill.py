"""The past in a real Prometheus, and the present that continues it.

`tests/long` does the same with all of the ninety days.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backfilled import (
    RECEIVERS,
    check_files,
    check_full_disk,
    check_remote_write,
    check_stops,
)
from tests.processes import Start
from tests.simulator import Simulator

#: More than a file holds, so that there are two, and more than the days that a score is held for.
DAYS = 24


@pytest.mark.small
@pytest.mark.parametrize("step", ["4m", "1d"])
def test_the_present_goes_on_from_the_past(
    step: str, start: Start, exporter: Start, tmp_path: Path
) -> None:
    check_files(DAYS, 3, step, start, exporter, tmp_path)


#: More than the days that a score is held for.
SENT_DAYS = 12


@pytest.mark.small
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_the_past_is_sent_to_where_the_present_is(
    receiver: str, start: Start, exporter: Start, tmp_path: Path
) -> None:
    check_remote_write(SENT_DAYS, RECEIVERS[receiver], start, exporter, tmp_path)


@pytest.mark.small
def test_a_backfill_that_is_stopped_goes_on_from_there(exporter: Start, tmp_path: Path) -> None:
    check_stops(1, 150, exporter, tmp_path)


# The archive fails with the first, the files with the last.
@pytest.mark.small
@pytest.mark.parametrize("kilobytes", [64, 4096])
def test_a_full_disk_leaves_nothing_that_looks_whole(
    kilobytes: int, start: Start, simulator: Simulator, tmp_path: Path
) -> None:
    check_full_disk(kilobytes, simulator, start, tmp_path)
