"""The command: every account of a configuration, tried a few at a time, told in their order."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import click

from seq_exporter.clock import Clock
from seq_exporter.commands.check.account import AccountCheck
from seq_exporter.commands.check.findings import AccountReport, wrap
from seq_exporter.commands.flags import (
    account_flag,
    choose_accounts,
    config_flag,
    flag,
    web_config_flag,
)
from seq_exporter.config.file import find_config, load_config
from seq_exporter.config.model import Account, Config
from seq_exporter.sendgrid.session import open_session
from seq_exporter.threads import DaemonThreads
from seq_exporter.web.settings.file import load_web_settings

_AT_ONCE = 8


@click.command()
@config_flag
@web_config_flag
@account_flag("Try only")
@flag("offline", is_flag=True, help="Check the files alone: SendGrid is not asked.")
@flag(
    "format",
    parameter="style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)
def check(
    config_file: str, web_config_file: str, names: Sequence[str], offline: bool, style: str
) -> None:
    """Check the configuration, and try every key.

    For each account: whether its key works, the newest day with scores, how many subusers have
    one, what is left of the rate limit, and how far the clock is from SendGrid's.

    Exit status: 0 if all is well, 1 if polls of an account would fail, 2 for a mistake in a file.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal has no letters for is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    config = load_config(find_config(config_file), os.environ)
    if web_config_file:
        load_web_settings(Path(web_config_file))
    accounts = choose_accounts(config, names)
    if offline:
        said = f"{config_file}: no mistake; {_count(len(accounts), 'account')}"
        click.echo(json.dumps({"ok": True, "accounts": []}) if style == "json" else said)
        return
    reports = asyncio.run(_tell(accounts, config, style))
    failing = sum(report.would_fail for report in reports)
    if style == "json":
        told = {"ok": not failing, "accounts": [report.to_json() for report in reports]}
        click.echo(json.dumps(told, indent=2))
    elif failing:
        click.echo(f"{_count(len(reports), 'account')}: {failing} would fail")
    else:
        click.echo(f"{_count(len(reports), 'account')}: all would be polled")
    sys.exit(1 if failing else 0)


async def _tell(accounts: Sequence[Account], config: Config, style: str) -> list[AccountReport]:
    """Try the accounts, and print each as soon as those before it are printed."""
    reports = []
    async for report in _try_all(accounts, config):
        reports.append(report)
        if style == "text":
            _print(report)
    return reports


async def _try_all(accounts: Sequence[Account], config: Config) -> AsyncIterator[AccountReport]:
    # Not those of an executor: Ctrl-C would wait for each to end.
    threads = DaemonThreads(_AT_ONCE)
    checks = [
        AccountCheck(account, config.poll, open_session(), Clock(), time.sleep)
        for account in accounts
    ]
    tasks = [asyncio.ensure_future(threads.run(each.run)) for each in checks]
    for task in tasks:
        yield await task


def _print(report: AccountReport) -> None:
    click.echo(click.style(report.account, bold=True), color=_is_colourful())
    for finding in report.findings:
        mark = _encodable(finding.verdict.mark, {"✓": "+", "✗": "x"})
        first, *more = wrap(finding, shutil.get_terminal_size().columns)
        line = f"  {click.style(mark, fg=finding.verdict.colour)} {first}"
        click.echo("\n    ".join([line, *more]), color=_is_colourful())


def _is_colourful() -> bool | None:
    """Return False where colour is not wanted (https://no-color.org); else click decides."""
    return False if os.environ.get("NO_COLOR") else None


def _encodable(mark: str, plain: dict[str, str]) -> str:
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return plain[mark]
    return mark


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
