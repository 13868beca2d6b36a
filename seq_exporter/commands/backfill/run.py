"""A whole backfill: from SendGrid into the archive, and from there to files or a receiver."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from seq_exporter.clock import Clock
from seq_exporter.commands.backfill.archive import Archive, explain_failure
from seq_exporter.commands.backfill.estimate import Estimate, describe_estimate
from seq_exporter.commands.backfill.fetch import fetch_accounts
from seq_exporter.commands.backfill.openmetrics import (
    PATTERN,
    check_space,
    count_unwritten,
    estimate_files,
    write_files,
)
from seq_exporter.commands.backfill.plan import BackfillOptions, Plan, make_plan
from seq_exporter.commands.backfill.remote_write import (
    Receiver,
    count_unsent,
    estimate_sending,
    send_samples,
)
from seq_exporter.commands.backfill.summary import (
    BLOCKS,
    describe_files,
    describe_sending,
    summarize,
)
from seq_exporter.commands.messages import count
from seq_exporter.commands.progress import showing
from seq_exporter.config.model import Account
from seq_exporter.errors import BackfillError, ConfigError
from seq_exporter.sendgrid.session import open_session
from seq_exporter.urls import show_url

_ARCHIVE = "scores.sqlite"

# The files of a backfill in its folder.
_OURS = (
    *(_ARCHIVE, f"{_ARCHIVE}-journal", BLOCKS, PATTERN, f"{PATTERN}.tmp"),
    "etilqs_*",  # in which SQLite sorts
    "lost+found",  # of a file system of its own
)


def run_backfill(
    accounts: Sequence[Account], options: BackfillOptions, folder: Path, clock: Clock
) -> str:
    """Fetch the days and write or send them; return a summary, and what to do next.

    Raises ConfigError or BackfillError, the latter for a stop by Ctrl-C or SIGTERM too.
    """
    with _stoppable(), opened(folder) as archive:
        try:
            total = len(accounts) * len(options.days)
            with showing("Asking SendGrid", total, "days", sys.stderr, clock) as advance:
                fetched = fetch_accounts(accounts, archive, options, clock, time.sleep, advance)
            until = options.until
            if until is None:
                about = repr((options, bool(options.url), [account.name for account in accounts]))
                until = archive.begin_run(int(clock.now()), about)
            plan = make_plan([(each.account, each.archive) for each in fetched], options, until)
            if options.url:
                done = _send(plan, archive, options.url, options, clock)
            else:
                done = _write(plan, archive, folder, clock)
            archive.end_run()
        except KeyboardInterrupt:
            there = count(archive.count_days(), "day") + " of scores"
            if not options.url:
                there += f" and {count(len(list(folder.glob(PATTERN))), 'complete file')}"
            raise BackfillError(
                f"stopped with {there} in {folder}:\nthe same command continues from there"
            ) from None
        return f"{summarize(fetched, plan, options, clock.now())}\n\n{done}"


def _write(plan: Plan, archive: Archive, folder: Path, clock: Clock) -> str:
    if unwritten := count_unwritten(plan, archive, folder):
        estimated = estimate_files(plan, folder, clock)
        there_bytes = sum(path.stat().st_size for path in folder.glob(PATTERN))
        check_space(plan, estimated, shutil.disk_usage(folder).free + there_bytes, folder)
        _announce("Writing", estimated.of(unwritten), plan)
    with showing("Writing", plan.samples, "samples", sys.stderr, clock) as advance:
        return describe_files(write_files(plan, archive, folder, advance), plan, folder)


def _send(plan: Plan, archive: Archive, url: str, options: BackfillOptions, clock: Clock) -> str:
    with open_session() as session:
        receiver = Receiver(
            url,
            options.headers,
            session,
            time.sleep,
            options.poll.timeout_seconds,
            clock,
        )
        unsent = count_unsent(plan, archive, receiver)
        _announce("Sending", estimate_sending(plan, clock).of(unsent), plan)
        with showing("Sending", plan.samples, "samples", sys.stderr, clock) as advance:
            telling = replace(receiver, report_pause=lambda reason: advance(0, reason))
            sent = send_samples(plan, archive, telling, advance)
    return describe_sending(sent, plan, show_url(url))


def _announce(doing: str, estimated: Estimate, plan: Plan) -> None:
    """Say what follows: it may take minutes and gigabytes."""
    click.echo(describe_estimate(doing, estimated, plan.step_seconds), err=True)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Archive]:
    """Make the folder unless it exists, and open its archive.

    Raises ConfigError if it holds anything else, and BackfillError if it cannot be written, now or
    in the block.
    """
    try:
        with contextlib.suppress(FileExistsError):  # the next line finds any fault of it
            folder.mkdir(parents=True)
        foreign = [
            path.name
            for path in sorted(folder.iterdir())
            if not any(path.match(pattern) for pattern in _OURS)
        ]
    except OSError as err:
        raise ConfigError(f"cannot use --output-dir {folder}: {err.strerror}") from err
    if foreign:
        raise ConfigError(
            f"--output-dir {folder} holds {foreign[0]!r}, which is not from a backfill: "
            "name a new or empty folder, or one from an earlier backfill"
        )
    # SQLite sorts in files: here is room, and elsewhere a container may not write.
    os.environ.setdefault("SQLITE_TMPDIR", str(folder.resolve()))
    try:
        with contextlib.closing(Archive(folder / _ARCHIVE)) as archive:
            yield archive
    except sqlite3.Error as err:
        explanation = explain_failure(folder / _ARCHIVE, err) or _cannot_write(folder, str(err))
        raise BackfillError(explanation) from err
    except OSError as err:
        is_allowed = err.errno not in (errno.EACCES, errno.EPERM, errno.EROFS)
        raise BackfillError(
            _cannot_write(folder, err.strerror or str(err), is_allowed=is_allowed)
        ) from err


def _cannot_write(folder: Path, reason: str, *, is_allowed: bool = True) -> str:
    remedy = "make room" if is_allowed else "let this user write there"
    return (
        f"cannot write to {folder}: {reason}: {remedy}, and run the same command again; "
        "complete files are kept"
    )
