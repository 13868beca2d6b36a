"""`seq-exporter check`: tries the accounts, a few at a time, and prints them in their order."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
import time
from collections.abc import Sequence
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
from seq_exporter.commands.messages import print_message
from seq_exporter.config.file import find_config, load_config
from seq_exporter.config.model import Account, Config
from seq_exporter.escapes import dump_json, show
from seq_exporter.sendgrid.session import open_session
from seq_exporter.threads import DaemonThreads
from seq_exporter.web.settings.file import load_web_settings

_AT_ONCE = 8


@click.command()
@config_flag
@web_config_flag
@account_flag("Try only")
@flag("offline", is_flag=True, help="Check only the files, without asking SendGrid.")
@flag(
    "format",
    parameter="style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs.",
)
def check(
    config_file: str, web_config_file: str, names: Sequence[str], offline: bool, style: str
) -> None:
    """Check the configuration, and try every key.

    Prints for each account whether its key works, the newest day with scores, how many subusers
    have one, the rest of the rate limit, and the difference between this clock and SendGrid's.

    Exit status: 0 if every poll should succeed, 1 if polls of an account would fail, 2 for a
    mistake in a file.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal cannot print must not end in an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    config = load_config(find_config(config_file), os.environ)
    if web_config_file:
        load_web_settings(Path(web_config_file))
    accounts = choose_accounts(config, names)
    if offline:
        text = f"{config_file}: no mistakes; {_count(len(accounts), 'account')}"
        print_message(dump_json({"ok": True, "accounts": []}) if style == "json" else text)
        return
    reports = asyncio.run(_check_all(accounts, config, style))
    failing = sum(report.would_fail for report in reports)
    if style == "json":
        answer = {"ok": not failing, "accounts": [report.to_json() for report in reports]}
        click.echo(dump_json(answer, indent=2))
    elif failing:
        click.echo(f"polls of {failing} of {_count(len(reports), 'account')} would fail")
    else:
        click.echo(f"{_count(len(reports), 'account')}: every poll should succeed")
    sys.exit(1 if failing else 0)


async def _check_all(
    accounts: Sequence[Account], config: Config, style: str
) -> list[AccountReport]:
    """Check the accounts, and print each once those before it are printed."""
    # Not an executor: Ctrl-C would wait until each of its threads has ended.
    threads = DaemonThreads(_AT_ONCE)
    checks = [
        AccountCheck(account, config.poll, open_session(), Clock(), time.sleep)
        for account in accounts
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
