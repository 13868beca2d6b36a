"""The past in a real Prometheus, and the present that goes on from it.

`tests/long` does the same with all of the ninety days.
"""

from __future__ import annotations

import re
import shlex
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.backfilled import (
    RECEIVERS,
    Stopped,
    check_files,
    check_remote_write,
    read_files,
    run_backfill,
)
from tests.processes import Start
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS

#: More than a file holds, so that there are two, and more than the days that a score is held for.
DAYS = 24


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


def test_a_backfill_that_is_stopped_goes_on_from_there(exporter: Start, tmp_path: Path) -> None:
    backfill = Stopped(exporter, tmp_path, subusers=300)
    numbers = (signal.SIGINT, signal.SIGKILL, signal.SIGTERM) * 2
    statuses = [backfill.stop(number) for number in numbers]
    assert set(statuses) <= {0, 1, -signal.SIGKILL}
    assert sum(status != 0 for status in statuses) >= 3
    backfill.finish()


@pytest.mark.parametrize("kilobytes", [64, 256, 4096])
def test_a_full_disk_leaves_nothing_that_looks_whole(
    kilobytes: int, start: Start, simulator: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(simulator.config)
    until = f"--until={datetime.now(UTC).replace(microsecond=0).isoformat()}"
    arguments = ("--step=1h", "--account=kettlewick", "--requests-per-minute=6000", until)
    command = shlex.join(
        [sys.executable, "-m", "seq_exporter", "backfill", "--output-dir=past", *arguments]
    )
    # The size of a file is limited: the archive fails with the first, the files with the last.
    limited = start("bash", "-c", f"ulimit -f {kilobytes}; exec {command}")
    said = limited.communicate(timeout=GIVE_UP_SECONDS)[1]
    assert limited.returncode == 1
    assert re.search(
        r"^seq-exporter: cannot write to past: .*: make room, and run the same command "
        r"again; complete files are kept$",
        said,
        re.MULTILINE,
    )
    assert "Traceback" not in said
    there = read_files(tmp_path / "past")
    assert not list((tmp_path / "past").glob("*.tmp"))
    run_backfill(tmp_path, *arguments)
    # The first file may hold a few hours only, and fit.
    assert there.items() < read_files(tmp_path / "past").items()
