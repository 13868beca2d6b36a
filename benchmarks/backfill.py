"""Ninety days of a fleet: fetched, written, and turned into blocks by the real promtool."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.processes import environment, python, running_simulator
from seq_exporter.commands.backfill.plan import WINDOW_SECONDS

_LABELS = "--label=job=seq-exporter,instance=seq-exporter:10737"
_BLOCK_HOURS = WINDOW_SECONDS // 3600


def measure_backfill(folder: Path, subusers: int) -> Figures:
    """Backfill one account with the defaults, twice: the second run makes no request."""
    figures: Figures = {}
    with running_simulator(folder, subusers) as simulator:
        (folder / "config.yaml").write_text(simulator.output.read_text())
        command = python("-m", "seq_exporter", "backfill", "--output-dir=past", _LABELS)
        whole, peak_bytes = _run(command, folder)
        files = sorted((folder / "past").glob("scores-*.om"))
        figures["backfill files"] = sum(path.stat().st_size for path in files)
        figures["backfill archive"] = (folder / "past" / "scores.sqlite").stat().st_size
        for path in files:
            path.unlink()
        figures["backfill writing"], _ = _run(command, folder)
        figures["backfill asking"] = whole - figures["backfill writing"]
        figures["backfill memory"] = peak_bytes
        figures["backfill step"] = _step_of(files[1])
    figures |= _make_blocks(files, folder)
    shutil.rmtree(folder / "past")
    return figures


def _make_blocks(files: Sequence[Path], folder: Path) -> Figures:
    promtool = shutil.which("promtool")
    if promtool is None:
        print("promtool is not installed: no blocks are made", file=sys.stderr)
        return {}
    blocks = folder / "past" / "blocks"
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics"]
    seconds = 0.0
    for path in files:
        more = f"--max-block-duration={_BLOCK_HOURS}h"
        seconds += _run([*command, more, str(path), str(blocks)], folder)[0]
    size = sum(path.stat().st_size for path in blocks.rglob("*") if path.is_file())
    return {"promtool": seconds, "blocks": float(size)}


def _run(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Run `command`; return the seconds it takes, and its peak resident memory in bytes."""
    started = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, errors.decode()
    return time.monotonic() - started, usage.ru_maxrss * 1024.0


def _step_of(file: Path) -> float:
    """Return the seconds between two samples."""
    with file.open() as lines:
        moments = [
            int(line.rpartition(" ")[2])
            for line, _ in zip(lines, range(4), strict=False)
            if line[0] != "#"
        ]
    return float(moments[1] - moments[0])
