"""OpenMetrics files with timestamps, for `promtool tsdb create-blocks-from openmetrics`."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from seq_exporter.clock import utc_day
from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.plan import Past, Plan, Window
from seq_exporter.commands.backfill.timeline import Shown, instants
from seq_exporter.commands.progress import Report
from seq_exporter.config.durations import format_duration
from seq_exporter.errors import BackfillError
from seq_exporter.publish.families import FAMILIES

#: What the files are called; one that is not whole yet ends in .tmp as well.
PATTERN = "scores-*.om"

_SAMPLES_BETWEEN_REPORTS = 20_000

# Of a sample, without the labels that are added: name, other labels, value and time.
_LINE_BYTES = 110


def check_space(plan: Plan, free_bytes: int, folder: Path) -> None:
    """Raise BackfillError where the files of `plan` would not fit: better now than in an hour."""
    line_bytes = _LINE_BYTES + sum(map(len, (*plan.labels, *plan.labels.values())))
    windows = [plan.count_samples(window) * line_bytes for window in plan.windows()]
    # One file at a time is there twice, in parts and as a whole.
    wanted_bytes = sum(windows) + max(windows, default=0)
    if wanted_bytes > free_bytes:
        step = format_duration(plan.step_seconds)
        raise BackfillError(
            f"the files take about {wanted_bytes / 1e6:,.0f} MB, and {folder} has "
            f"{free_bytes / 1e6:,.0f} MB: choose a longer --step than {step}, "
            "fewer accounts with --account, or another --output-dir"
        )


def write_files(plan: Plan, archive: Archive, folder: Path, report: Report) -> list[Path]:
    """Write one file a window, and return them; those that are there already stay as they are.

    Files that are no part of `plan` are deleted: they hold samples of another one. Tells `report`
    of samples. Raises OSError. Three lines of a file:

        # TYPE sendgrid_seq_score gauge
        sendgrid_seq_score{account="acme",subuser="shop-de",job="seq-exporter"} 4.2 1793880000
        sendgrid_seq_score{account="acme",subuser="shop-de",job="seq-exporter"} 4.2 1793883600
    """
    files = {folder / f"scores-{_day_of(window)}.om": window for window in plan.windows()}
    if not files:  # nothing to put in the place of what is there
        return []
    contents = {path: plan.fingerprint(window) for path, window in files.items()}
    # All of them at first: a stop must not leave files of two plans side by side.
    for path in [*folder.glob(PATTERN), *folder.glob(f"{PATTERN}.tmp")]:
        if archive.get_output(path.name) != (contents.get(path), 1):
            path.unlink()
    for path, window in files.items():
        if path.exists():
            report(plan.count_samples(window), path.name)
        else:
            _File(plan, window, report).write(path)
            archive.set_output(path.name, contents[path], 1)
    return list(files)


class _File:
    """One window's file: a part for each family while it is made, as families may not mix."""

    def __init__(self, plan: Plan, window: Window, report: Report) -> None:
        self._plan = plan
        self._window = window
        self._report = report
        self._labels = "".join(f',{name}="{value}"' for name, value in plan.quoted_labels.items())

    def write(self, path: Path) -> None:
        """Write the file under its name once it is whole."""
        whole = path.with_name(f"{path.name}.tmp")
        with contextlib.ExitStack() as stack:
            stack.callback(whole.unlink, missing_ok=True)
            parts = {
                family.name: stack.enter_context(
                    tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=path.parent)
                )
                for family in FAMILIES
            }
            for past in self._plan.pasts:
                self._write_past(past, parts, path.name)
            with whole.open("w", encoding="utf-8", newline="\n") as file:
                for family in FAMILIES:
                    part = parts[family.name]
                    if part.tell():
                        file.write(family.header)
                        part.seek(0)
                        shutil.copyfileobj(part, file, 1024 * 1024)
                file.write("# EOF\n")
                file.flush()
                os.fsync(file.fileno())
            whole.rename(path)

    def _write_past(self, past: Past, parts: Mapping[str, IO[str]], name: str) -> None:
        times: dict[Shown, list[str]] = {}
        unreported = 0
        for series in past.list_series(self._window):
            text = f"{series.text[:-1]}{self._labels}}}"
            part = parts[series.family]
            for shown, value in series.values:
                if shown not in times:
                    seconds = instants(shown, self._plan.step_seconds, *self._window)
                    times[shown] = list(map(str, seconds))
                if times[shown]:
                    start = f"{text} {value} "
                    part.write(start + f"\n{start}".join(times[shown]) + "\n")
                    unreported += len(times[shown])
            if unreported > _SAMPLES_BETWEEN_REPORTS:
                self._report(unreported, name)
                unreported = 0
        self._report(unreported, name)


def _day_of(window: Window) -> str:
    return utc_day(window.start).isoformat()
