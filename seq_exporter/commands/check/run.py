"""Tries the accounts, a few at a time, and prints them in their order."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence

import click

from seq_exporter.clock import Clock
from seq_exporter.commands.check.account import AccountCheck
from seq_exporter.commands.check.findings import AccountReport, wrap
from seq_exporter.commands.messages import count
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.escapes import dump_json, show
from seq_exporter.sendgrid.session import open_session
from seq_exporter.threads import DaemonThreads

_AT_ONCE = 8


def run_check(accounts: Sequence[Account], settings: PollSettings, style: str) -> bool:
    """Print what was found, in the format `style`; return whether every poll should succeed."""
    reports = asyncio.run(_check_all(accounts, settings, style))
    failing = sum(report.would_fail for report in reports)
    if style == "json":
        answer = {"ok": not failing, "accounts": [report.to_json() for report in reports]}
        click.echo(dump_json(answer, indent=2))
    elif failing:
        click.echo(f"polls of {failing} of {count(len(reports), 'account')} would fail")
    else:
        click.echo(f"{count(len(reports), 'account')}: every poll should succeed")
    return not failing


async def _check_all(
    accounts: Sequence[Account], settings: PollSettings, style: str
) -> list[AccountReport]:
    """Check the accounts, and print each once those before it are printed."""
    # Not an executor: Ctrl-C would wait until each of its threads has ended.
    threads = DaemonThreads(_AT_ONCE)
    checks = [
        AccountCheck(account, settings, open_session(), Clock(), time.sleep) for account in accounts
    ]
    reports = []
    for task in [asyncio.ensure_future(threads.run(each.run)) for each in checks]:
        reports.append(await task)
        if style == "text":
            _print(reports[-1])
    return reports


def _print(report: AccountReport) -> None:
    click.echo(click.style(show(report.account), bold=True), color=_is_colourful())
    for finding in report.findings:
        mark = _encodable(finding.verdict.mark, {"✓": "+", "✗": "x"})
        first, *more = wrap(finding, shutil.get_terminal_size().columns)
        line = f"  {click.style(mark, fg=finding.verdict.colour)} {first}"
        click.echo("\n    ".join([line, *more]), color=_is_colourful())


def _is_colourful() -> bool | None:
    """Return False if NO_COLOR is set (https://no-color.org); otherwise click decides."""
    return False if os.environ.get("NO_COLOR") else None


def _encodable(mark: str, plain: dict[str, str]) -> str:
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return plain[mark]
    return mark
