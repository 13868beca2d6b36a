"""What a backfill says at its end: what there is, what is missing, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from seq_exporter.clock import midnight
from seq_exporter.commands.backfill.gather import Fetched, Wish
from seq_exporter.commands.backfill.output_folder import BLOCKS
from seq_exporter.commands.backfill.plan import WINDOW_SECONDS, Plan
from seq_exporter.commands.backfill.sending import Sent
from seq_exporter.config.durations import format_duration

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
        told = f"{scores:,} scores of subusers" if past.subusers else "the account's own scores"
        lines.append(f"{each.account.name}: {count(len(there), 'day')}, {told}")
        if each.missing.days:
            lines.append(f"  not calculated: {_list_days(each.missing.days)}")
        if each.missing.names:
            lines.append(f"  users without a name go by their id: {each.missing.names}")
        for kind, number in sorted(each.anomalies.counts.items()):
            example = each.anomalies.examples[kind]
            lines.append(f"  {kind} not as documented, and left out: {number:,} ({example})")
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
    safe = datetime.fromtimestamp(plan.end + _HEAD_SECONDS, UTC)
    step = format_duration(plan.step_seconds)
    lines = [
        f"{count(len(files), 'file')}, {size:,.1f} MB, "
        f"a sample every {step} up to {_end_of(plan)}.",
        "" if {"job", "instance"} <= plan.labels.keys() else _NO_LABELS,
        "Next, make blocks of them, and put these into Prometheus' data directory:\n",
        f"  rm -rf {blocks}",
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


def describe_sending(sent: Sent, plan: Plan, place: str) -> str:
    """Return what was sent."""
    step = format_duration(plan.step_seconds)
    said = f"{sent.now:,} samples sent to {place},\none every {step} up to {_end_of(plan)}."
    if sent.before:
        said += f"\n{sent.before:,} had been sent before, by a run that was stopped."
    return said if {"job", "instance"} <= plan.labels.keys() else f"{said}\n{_NO_LABELS}"


_NO_LABELS = (
    "Without --label=job=...,instance=... as of the live exporter, its series and\n"
    "these stay apart."
)


def count(number: int, thing: str) -> str:
    """Return `1 day`, `2 days`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _end_of(plan: Plan) -> str:
    return f"{datetime.fromtimestamp(plan.end, UTC):%Y-%m-%d %H:%M} UTC"


def _hints(days: Sequence[date], wish: Wish, now: float) -> Iterable[str]:
    """Say where --delay does not fit what is there and what is not."""
    late = now - midnight(wish.last + timedelta(1))
    if wish.last in days and late < wish.delay_seconds:
        yield f"{wish.last} is there {late / 3600:.1f} h after its end: pass a shorter --delay"
    if wish.last not in days and late > wish.delay_seconds:
        yield f"{wish.last} is not there {late / 3600:.1f} h after its end: pass a longer --delay"


def _list_days(days: Iterable[date]) -> str:
    return ", ".join(map(str, sorted(days)))
