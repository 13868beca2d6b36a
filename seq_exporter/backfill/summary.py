"""What a backfill says at its end: what there is, what is missing, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from seq_exporter.backfill.folder import BLOCKS
from seq_exporter.backfill.gather import Fetched, Wish
from seq_exporter.backfill.plan import WINDOW_SECONDS, Plan
from seq_exporter.backfill.timeline import midnight
from seq_exporter.durations import format_duration

# Prometheus keeps what is newer in memory. A block that reaches into that time makes it forget its
# own samples of it when it starts anew.
_HEAD_SECONDS = 3 * 3600


def summarize(fetched: Sequence[Fetched], plan: Plan, wish: Wish, now: float) -> str:
    """Return some lines on each account: its days, and those that are not there."""
    lines = []
    for each, past in zip(fetched, plan.pasts, strict=True):
        days = past.history.subuser_days or past.history.own_days
        there = [day for day in wish.days if day in days]
        scores = sum(past.history.count_scores(day) for day in there)
        lines.append(f"{each.account.name}: {len(there)} days, {scores:,} scores of subusers")
        if each.not_calculated:
            lines.append(f"  not calculated: {_list_days(each.not_calculated)}")
        forgotten = each.archive.forgotten() & set(wish.days)
        if forgotten:
            lines.append(f"  no longer told by SendGrid: {_list_days(forgotten)}")
        lines += (f"  {hint}" for hint in _hints(there, wish, now))
    return "\n".join(lines)


def describe_files(files: Sequence[Path], plan: Plan, folder: Path) -> str:
    """Return what was written, and the commands that make it a part of Prometheus."""
    if not files:
        return "Nothing was shown in that time: no file is written."
    size = sum(path.stat().st_size for path in files) / 1e6
    blocks = shlex.quote(str(folder / BLOCKS))
    newest = max(each.end for past in plan.pasts for each in (*past.subusers, *past.own))
    safe = datetime.fromtimestamp(newest + _HEAD_SECONDS, UTC)
    step = format_duration(plan.step_seconds)
    lines = [
        f"{len(files)} file{'s' if len(files) > 1 else ''}, {size:,.1f} MB, a sample every {step}.",
        "" if {"job", "instance"} <= plan.labels.keys() else _NO_LABELS,
        "Next, make blocks of them, and put these into Prometheus' data directory:\n",
        f"  for file in {shlex.quote(str(folder))}/scores-*.om; do",
        f"    promtool tsdb create-blocks-from openmetrics \\\n"
        f'      --max-block-duration={WINDOW_SECONDS // 3600}h "$file" {blocks}',
        "  done",
        f"  mv {blocks}/* PROMETHEUS_DATA_DIRECTORY\n",
        "Prometheus has to keep them: --storage.tsdb.retention.time=100d or more.",
        f"One that runs already may take them from {safe:%Y-%m-%d %H:%M} UTC on, three hours\n"
        "after their newest sample; earlier, it may lose samples of its own.",
    ]
    return "\n".join(line for line in lines if line)


def describe_sending(samples: int, plan: Plan, place: str) -> str:
    """Return what was sent."""
    said = f"{samples:,} samples sent to {place}, one every {format_duration(plan.step_seconds)}."
    return said if {"job", "instance"} <= plan.labels.keys() else f"{said}\n{_NO_LABELS}"


_NO_LABELS = (
    "They have no job or no instance: without --label=job=...,instance=... as of the live\n"
    "exporter, its series and these stay apart."
)


def _hints(days: Sequence[date], wish: Wish, now: float) -> Iterable[str]:
    """Say where --delay does not fit what is there and what is not."""
    late = now - midnight(wish.last + timedelta(1))
    if wish.last in days and late < wish.delay_seconds:
        yield f"{wish.last} is there {late / 3600:.1f} h after its end: --delay is less"
    if wish.last not in days and late > wish.delay_seconds:
        yield f"{wish.last} is not there {late / 3600:.1f} h after its end: --delay is more"


def _list_days(days: Iterable[date]) -> str:
    return ", ".join(map(str, sorted(days)))
