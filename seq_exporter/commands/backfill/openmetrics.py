"""OpenMetrics files with timestamps, for `promtool tsdb create-blocks-from openmetrics`."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

from seq_exporter.clock import Clock, utc_day
from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.estimate import TRIED_SAMPLES, Estimate, estimate
from seq_exporter.commands.backfill.history import PublishedDay, Series, sample_times
from seq_exporter.commands.backfill.plan import Plan, Window
from seq_exporter.commands.progress import Advance
from seq_exporter.config.durations import format_duration
from seq_exporter.errors import BackfillError
from seq_exporter.publish.families import FAMILIES
from seq_exporter.publish.lines import format_number, format_series

#: The names of the files; a file that is not complete yet ends in .tmp as well.
PATTERN = "scores-*.om"

_SAMPLES_BETWEEN_ADVANCES = 20_000


def estimate_files(
    plan: Plan, folder: Path, clock: Clock, tried_samples: int = TRIED_SAMPLES
) -> Estimate:
    """Return what the files of `plan` take, after some of it is written to `folder` and deleted.

    Raises OSError.
    """

    def make(series: Sequence[Series], window: Window) -> int:
        with tempfile.TemporaryFile("w", encoding="utf-8", newline="\n", dir=folder) as file:
            _fill_file(file, folder, series, plan, window, lambda samples: None)
            return os.fstat(file.fileno()).st_size

    return estimate(plan, make, clock, tried_samples)


def check_space(plan: Plan, estimated: Estimate, free_bytes: int, folder: Path) -> None:
    """Raise BackfillError if the files of `plan` do not fit: better now than in an hour."""
    largest = max(map(plan.count_samples, plan.windows()), default=0)
    # One file at a time is there twice, in parts and as a whole.
    needed_bytes = estimated.size_bytes + estimated.of(largest).size_bytes
    if needed_bytes > free_bytes:
        step = format_duration(plan.step_seconds)
        raise BackfillError(
            f"the files take about {needed_bytes / 1e6:,.0f} MB, and {folder} has "
            f"{free_bytes / 1e6:,.0f} MB: choose a longer --step than {step}, "
            "fewer accounts with --account, or another --output-dir"
        )


def write_files(plan: Plan, archive: Archive, folder: Path, advance: Advance) -> list[Path]:
    """Write one file for each window, and return them; files that are complete already stay.

    Files that do not belong to `plan` are deleted: they hold samples of another one. `advance`
    counts samples. Raises OSError. Three lines of a file:

        # TYPE sendgrid_seq_score gauge
        sendgrid_seq_score{account="acme",subuser="shop-de",job="seq-exporter"} 4.2 1793880000
        sendgrid_seq_score{account="acme",subuser="shop-de",job="seq-exporter"} 4.2 1793883600
    """
    files = _name_files(plan, folder)
    if not files:  # nothing to put in the place of the files that are there
        return []
    contents = {path: plan.fingerprint(window) for path, window in files.items()}
    # All of them first: a stop must not leave files of two plans side by side.
    for path in [*folder.glob(PATTERN), *folder.glob(f"{PATTERN}.tmp")]:
        if not _is_complete(path, contents.get(path), archive):
            path.unlink()
    for path, window in files.items():
        if path.exists():
            advance(plan.count_samples(window), path.name)
        else:
            _write_file(path, plan, window, advance)
            archive.set_output(path.name, contents[path], 1)
    return list(files)


def count_unwritten(plan: Plan, archive: Archive, folder: Path) -> int:
    """Return how many samples are not in complete files yet, about."""
    return sum(
        plan.count_samples(window)
        for path, window in _name_files(plan, folder).items()
        if not (path.exists() and _is_complete(path, plan.fingerprint(window), archive))
    )


def _name_files(plan: Plan, folder: Path) -> dict[Path, Window]:
    return {folder / f"scores-{utc_day(each.start)}.om": each for each in plan.windows()}


def _is_complete(path: Path, content: str | None, archive: Archive) -> bool:
    return archive.get_output(path.name) == (content, 1)


def _write_file(path: Path, plan: Plan, window: Window, advance: Advance) -> None:
    """Write the file under another name, and give it its own when it is complete."""
    whole = path.with_name(f"{path.name}.tmp")
    with contextlib.ExitStack() as stack:
        stack.callback(whole.unlink, missing_ok=True)
        file = stack.enter_context(whole.open("w", encoding="utf-8", newline="\n"))
        series = plan.list_series(window)
        _fill_file(
            file, path.parent, series, plan, window, lambda samples: advance(samples, path.name)
        )
        whole.rename(path)


def _fill_file(
    file: IO[str],
    folder: Path,
    found: Iterable[Series],
    plan: Plan,
    window: Window,
    advance: Callable[[int], None],
) -> None:
    """Write the samples that the series have in `window`.

    While they are made, each family has a part of its own in `folder`, as they may not mix.
    """
    with contextlib.ExitStack() as stack:
        parts = {
            family.name: stack.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder)
            )
            for family in FAMILIES
        }
        _write_parts(parts, found, plan, window, advance)
        for family in FAMILIES:
            part = parts[family.name]
            if part.tell():
                file.write(family.header)
                part.seek(0)
                shutil.copyfileobj(part, file, 1024 * 1024)
        file.write("# EOF\n")
        file.flush()
        os.fsync(file.fileno())


def _write_parts(
    parts: Mapping[str, IO[str]],
    found: Iterable[Series],
    plan: Plan,
    window: Window,
    advance: Callable[[int], None],
) -> None:
    @cache
    def list_times(published: PublishedDay) -> list[str]:
        return [str(second) for second in sample_times(published, plan.step_seconds, *window)]

    count = 0
    for series in found:
        labels = series.labels | dict(plan.labels)
        text = format_series(series.family.name, labels.items())
        for published, value in series.values:
            if times := list_times(published):
                start = f"{text} {format_number(value)} "
                parts[series.family.name].write(start + f"\n{start}".join(times) + "\n")
                count += len(times)
        if count > _SAMPLES_BETWEEN_ADVANCES:
            advance(count)
            count = 0
    advance(count)
