"""The command `seq-exporter check`: its flags, and the check of the files alone."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from seq_exporter.commands.flags import (
    account_flag,
    choose_accounts,
    config_flag,
    flag,
    web_config_flag,
)
from seq_exporter.commands.messages import count, print_message
from seq_exporter.escapes import dump_json
from seq_exporter.serve.signals import holding_signals


@click.command()
@config_flag
@web_config_flag
@account_flag("Try only")
@flag("offline", is_flag=True, help="Check only the files, without asking SendGrid.")
@flag(
    "format",
    parameter="style",
    type=click.Choice(["text", "json", "schema"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs; schema: the JSON Schema of that JSON.",
)
@flag(
    "quiet",
    parameter="is_quiet",
    is_flag=True,
    help="Print only what would make polls fail, and nothing if all is well: for cron.",
)
def check(
    config_file: str,
    web_config_file: str,
    names: Sequence[str],
    offline: bool,
    style: str,
    is_quiet: bool,
) -> None:
    """Check the configuration, and try every key.

    Prints for each account whether its key works, the newest day with scores, how many subusers
    have one, the rest of the rate limit, and the difference between this clock and SendGrid's.

    Exit status: 0 if every poll should succeed, 1 if polls of an account would fail, 2 for a
    mistake in a file.
    """
    if style == "schema":
        _print_schema()
        return
    # Not imported with the flags: `--help` and a shell's completion read no files.
    with holding_signals():
        from seq_exporter.config.file import find_config, load_config

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal cannot print must not end in an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    config = load_config(find_config(config_file), os.environ)
    if web_config_file:
        with holding_signals():
            from seq_exporter.web.settings.file import load_web_settings

        load_web_settings(Path(web_config_file))
    accounts = choose_accounts(config, names)
    if offline:
        if not is_quiet:
            text = f"{config_file}: no mistakes; {count(len(accounts), 'account')}"
            print_message(dump_json({"ok": True, "accounts": []}) if style == "json" else text)
        return
    with holding_signals():
        from seq_exporter.commands.check.run import run_check

    sys.exit(0 if run_check(accounts, config.poll, style, is_quiet=is_quiet) else 1)


def _print_schema() -> None:
    from seq_exporter.commands.check.findings import describe_json

    print_message(dump_json(describe_json(), indent=2))
