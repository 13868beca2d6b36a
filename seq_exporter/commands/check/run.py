"""Tries the accounts, a few at a time, and prints them in their order."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence

import click

from seq_exporter.clock import Clock
from seq_exporter.commands.check.account import AccountCheck
from seq_exporter.commands.check.findings import AccountReport, CheckReport, to_json, wrap
from seq_exporter.commands.messages import count, telling_pauses
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.escapes import dump_json, show
from seq_exporter.sendgrid.session import open_session
from seq_exporter.threads import DaemonThreads

_AT_ONCE = 8


def run_check(
    accounts: Sequence[Account], settings: PollSettings, style: str, *, is_quiet: bool
) -> bool:
    """Print what was found, in the format `style`; return whether every poll should succeed.

    If `is_quiet`, print only what would make polls fail.
    """

    def choose(report: AccountReport) -> AccountReport:
        return AccountReport(report.account, report.failures) if is_quiet else report

    def print_chosen(report: AccountReport) -> None:
        if style == "text" and choose(report).findings:
            _print(choose(report))

    # Whatever cron reads becomes a mail.
    sleeps = [time.sleep if is_quiet else telling_pauses(each.name) for each in accounts]
    checks = [
        AccountCheck(account, settings, open_session(), Clock(), sleep)
        for account, sleep in zip(accounts, sleeps, strict=True)
    ]
    reports = asyncio.run(_check_all(checks, print_chosen))
    failing = sum(not report.ok for report in reports)
    if is_quiet and not failing:
        return True
    if style == "json":
        shown = [choose(report) for report in reports if not (is_quiet and report.ok)]
        click.echo(dump_json(to_json(CheckReport(shown)), indent=2))
    elif failing:
        click.echo(f"polls of {failing} of {count(len(reports), 'account')} would fail")
    else:
        click.echo(f"{count(len(reports), 'account')}: every poll should succeed")
    return not failing


async def _check_all(
    checks: Sequence[AccountCheck], report: Callable[[AccountReport], None]
) -> list[AccountReport]:
    """Check the accounts, and report each once those before it are reported."""
    # Not an executor: Ctrl-C would wait until each of its threads has ended.
    threads = DaemonThreads(_AT_ONCE)
    reports = []
    for task in [asyncio.ensure_future(threads.run(each.run)) for each in checks]:
        reports.append(await task)
        report(reports[-1])
    return reports


def _print(report: AccountReport) -> None:
    click.echo(click.style(show(report.account), bold=True), color=_is_colourful())
    for finding in report.findings:
        mark = _encodable(finding.verdict.mark, {"✓": "+", "✗": "x"})
        first, *more = wrap(finding, shutil.get_terminal_size().columns)
        line = f"  {click.style(mark, fg=finding.verdict.colour)} {first}"
        click.echo("\n    ".join([line, *more]), color=_is_colourful())


def _is_colourful() -> bool | None:
    """Return False for a terminal without colours, or if NO_COLOR (https://no-color.org) is set.

    Otherwise click decides.
    """
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown")
    return False if is_plain else None


def _encodable(mark: str, plain: dict[str, str]) -> str:
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return plain[mark]
    return mark
