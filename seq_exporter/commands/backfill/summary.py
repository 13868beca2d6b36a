"""The text at the end of a backfill: what it fetched, what is missing, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from seq_exporter.clock import midnight
from seq_exporter.commands.backfill.fetch import FetchedAccount
from seq_exporter.commands.backfill.plan import WINDOW_SECONDS, BackfillOptions, Plan
from seq_exporter.commands.backfill.remote_write import SentSamples
from seq_exporter.commands.messages import count
from seq_exporter.config.durations import format_duration

#: The folder for the blocks that promtool makes.
BLOCKS = "blocks"

# Prometheus keeps the newest samples, of this time, in memory. A block that reaches into that time
# makes it drop its own samples of it when it restarts.
_HEAD_SECONDS = 3 * 3600


def summarize(
    fetched: Sequence[FetchedAccount], plan: Plan, options: BackfillOptions, now: float
) -> str:
    """Return some lines on each account: the days it has, and those that are missing."""
    lines = []
    for each, planned in zip(fetched, plan.accounts, strict=True):
        subusers = each.archive.counted_days()
        found = subusers or each.archive.own_scores()
        there = [day for day in options.days if day in found]
        what = "the account's own scores"
        if any(scores.subusers for _, scores in planned.days):
            number = sum(subusers[day].counts["scored"] for day in there)
            what = f"{number:,} scores of subusers"
        lines.append(f"{each.account.name}: {count(len(there), 'day')}, {what}")
        if each.not_calculated:
            lines.append(f"  not calculated: {_list_days(each.not_calculated)}")
        if each.names_refused:
            lines.append(f"  users without a name go by their id: {each.names_refused}")
        for kind, number in sorted(each.anomalies.counts.items()):
            example = each.anomalies.examples[kind]
            lines.append(f"  {kind} not as documented, and left out: {number:,} ({example})")
        forgotten = each.archive.forgotten() & set(options.days)
        if forgotten:
            lines.append(f"  no longer kept by SendGrid: {_list_days(forgotten)}")
        lines += (f"  {hint}" for hint in _hints(there, options, now))
    return "\n".join(lines)


def describe_files(files: Sequence[Path], plan: Plan, folder: Path) -> str:
    """Return what was written, and the commands that import it into Prometheus."""
    if not files:
        return "No scores were published in that time: no file is written."
    size = sum(path.stat().st_size for path in files) / 1e6
    blocks = shlex.quote(str(folder / BLOCKS))
    safe = datetime.fromtimestamp(plan.end + _HEAD_SECONDS, UTC)
    step = format_duration(plan.step_seconds)
    lines = [
        f"{count(len(files), 'file')}, {size:,.1f} MB, "
        f"a sample every {step} up to {_end_of(plan)}.",
        "" if {"job", "instance"} <= plan.labels.keys() else _NO_LABELS,
        "Next, make blocks of them, and move the blocks into Prometheus' data directory:\n",
        f"  rm -rf {blocks}",
        f"  for file in {shlex.quote(str(folder))}/scores-*.om; do",
        f"    promtool tsdb create-blocks-from openmetrics \\\n"
        f'      --max-block-duration={WINDOW_SECONDS // 3600}h "$file" {blocks}',
        "  done",
        f"  mv {blocks}/* PROMETHEUS_DATA_DIRECTORY\n",
        "Prometheus has to keep them: --storage.tsdb.retention.time=100d or more.",
        f"If Prometheus runs already, wait until {safe:%Y-%m-%d %H:%M} UTC, three hours after\n"
        "the newest sample: before, it may lose samples of its own.",
    ]
    return "\n".join(line for line in lines if line)


def describe_sending(sent: SentSamples, plan: Plan, place: str) -> str:
    """Return how many samples were sent, and to where."""
    step = format_duration(plan.step_seconds)
    text = f"{sent.now:,} samples sent to {place},\none every {step} up to {_end_of(plan)}."
    if sent.before:
        text += f"\n{sent.before:,} had been sent before, by a run that was stopped."
    return text if {"job", "instance"} <= plan.labels.keys() else f"{text}\n{_NO_LABELS}"


_NO_LABELS = (
    "Without the --label=job=...,instance=... of the live exporter, a graph shows its\n"
    "series and these as different ones."
)


def _end_of(plan: Plan) -> str:
    return f"{datetime.fromtimestamp(plan.end, UTC):%Y-%m-%d %H:%M} UTC"


def _hints(days: Sequence[date], options: BackfillOptions, now: float) -> Iterable[str]:
    """Yield a hint if --delay does not fit the newest day."""
    day = options.last
    late = now - midnight(day + timedelta(1))
    if day in days and late < options.delay_seconds:
        yield f"{day} was calculated within {late / 3600:.1f} h of its end: use a shorter --delay"
    if day not in days and late > options.delay_seconds:
        yield f"{day} is not calculated {late / 3600:.1f} h after its end: use a longer --delay"


def _list_days(days: Iterable[date]) -> str:
    return ", ".join(map(str, sorted(days)))
