"""The whole of a backfill: from SendGrid into the archive, and from there to where it is wanted."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seq_exporter.clock import Clock
from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.gather import Gathering, Wish
from seq_exporter.commands.backfill.openmetrics import PATTERN, check_space, write_files
from seq_exporter.commands.backfill.output_folder import opened
from seq_exporter.commands.backfill.plan import Plan
from seq_exporter.commands.backfill.remote_write import Receiver, show_url
from seq_exporter.commands.backfill.sending import send_series
from seq_exporter.commands.backfill.summary import (
    count,
    describe_files,
    describe_sending,
    summarize,
)
from seq_exporter.commands.progress import showing
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.errors import BackfillError
from seq_exporter.sendgrid.session import open_session


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver of remote write: its URL and the headers that it wants, which may hold secrets."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def run_backfill(
    accounts: Sequence[Account],
    poll: PollSettings,
    wish: Wish,
    folder: Path,
    target: Target | None,
    clock: Clock,
) -> str:
    """Fetch what is wished for, write or send it; return what there is and what to do next.

    Raises ConfigError or BackfillError; a stop by Ctrl-C or SIGTERM is one as well.
    """
    gathering = Gathering(poll, wish, clock, time.sleep)
    with _stoppable(), opened(folder) as archive:
        try:
            total = len(accounts) * len(wish.days)
            with showing("Asking SendGrid", total, "days", sys.stderr, clock) as report:
                fetched = gathering.fetch(accounts, archive, report)
            until = wish.until
            if until is None:
                about = repr((wish, [account.name for account in accounts], bool(target)))
                until = archive.begin(int(clock.now()), about)
            plan = gathering.plan(fetched, until)
            if target:
                done = _send(plan, archive, target, poll.timeout_seconds, clock)
            else:
                done = _write(plan, archive, folder, clock)
            archive.end()
        except KeyboardInterrupt:
            there = count(archive.count_days(), "day") + " of scores"
            if not target:
                there += f" and {count(len(list(folder.glob(PATTERN))), 'whole file')}"
            raise BackfillError(
                f"stopped with {there} in {folder}:\nthe same command goes on from there"
            ) from None
        return f"{summarize(fetched, plan, wish, clock.now())}\n\n{done}"


def _write(plan: Plan, archive: Archive, folder: Path, clock: Clock) -> str:
    """Write the files; return what there is to say of them."""
    there_bytes = sum(path.stat().st_size for path in folder.glob(PATTERN))
    check_space(plan, shutil.disk_usage(folder).free + there_bytes, folder)
    with showing("Writing", plan.samples, "samples", sys.stderr, clock) as report:
        return describe_files(write_files(plan, archive, folder, report), plan, folder)


def _send(plan: Plan, archive: Archive, target: Target, seconds: float, clock: Clock) -> str:
    """Send the samples; return what there is to say of them."""
    with (
        open_session() as session,
        showing("Sending", plan.samples, "samples", sys.stderr, clock) as report,
    ):
        receiver = Receiver(
            target.url,
            target.headers,
            session,
            time.sleep,
            seconds,
            clock,
            tell=lambda reason: report(0, reason),
        )
        sent = send_series(plan, archive, receiver, report)
    return describe_sending(sent, plan, show_url(target.url))


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C is taken."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
