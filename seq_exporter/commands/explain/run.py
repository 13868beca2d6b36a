"""Finds the subuser, has its score explained, and prints the explanation."""

from __future__ import annotations

import difflib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from seq_exporter.commands.asking import ask_all
from seq_exporter.commands.explain.evidence import (
    Evidence,
    explain_own,
    explain_subuser,
    read_subusers,
)
from seq_exporter.commands.explain.text import print_explanation
from seq_exporter.commands.flags import choose_accounts
from seq_exporter.commands.messages import print_error
from seq_exporter.commands.progress import Advance
from seq_exporter.config.file import find_config, load_config
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.errors import ConfigError, PollError
from seq_exporter.scores import SubuserScores
from seq_exporter.sendgrid.reader import AccountReader


def run_explain(config_file: str, names: Sequence[str], subuser: str) -> None:
    """Explain the score of `subuser`, or an account's own if it is empty.

    Raises ConfigError if there is none, or more than one, and PollError.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name with characters that the terminal lacks is not a reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    config = load_config(find_config(config_file), os.environ)
    accounts = choose_accounts(config, names)
    if subuser:
        account, newest = _find_account(accounts, config.poll, subuser)
        with AccountReader(account, config.poll) as reader:
            evidence = explain_subuser(reader, newest, subuser, config.poll)
    else:
        evidence = _explain_own(_choose_one(accounts, "has its own score"), config.poll)
    print_explanation(evidence, Console(highlight=False))


def _explain_own(account: Account, settings: PollSettings) -> Evidence:
    with AccountReader(replace(account, subusers=None, own_score=True), settings) as reader:
        evidence = explain_own(reader)
    if evidence is None:
        raise ConfigError(f"account {account.name!r} has no score of its own")
    return evidence


def _find_account(
    accounts: Sequence[Account], settings: PollSettings, subuser: str
) -> tuple[Account, SubuserScores]:
    """Return the account that has the subuser, and the newest scores of its subusers.

    An account that does not answer is reported on standard error. Raises ConfigError if no account
    has the subuser, or more than one; PollError if one that does not answer may have it.
    """

    def read(reader: AccountReader, advance: Advance) -> SubuserScores | None:
        found = read_subusers(reader)
        advance(1, reader.account.name)
        return found

    asked = [replace(account, own_score=False) for account in accounts]
    answers = ask_all(asked, settings, read)
    failed = [
        each for each in zip(accounts, answers, strict=True) if isinstance(each[1], PollError)
    ]
    for account, error in failed:
        print_error(f"{account.name}: {error}")
    found = {
        account: answer
        for account, answer in zip(accounts, answers, strict=True)
        if isinstance(answer, SubuserScores)
    }
    having = [account for account, answer in found.items() if subuser in answer.by_label]
    if not having:
        who = "no account" if not failed else "no account that answers"
        known = [label for answer in found.values() for label in answer.by_label]
        nearest = difflib.get_close_matches(subuser, known, n=1)
        hint = f": did you mean {nearest[0]!r}?" if nearest else ""
        message = f"{who} has a subuser {subuser!r} now{hint}"
        raise PollError(message) if failed else ConfigError(message)
    account = _choose_one(having, f"has a subuser {subuser!r}")
    return account, found[account]


def _choose_one(accounts: Sequence[Account], what: str) -> Account:
    if len(accounts) > 1:
        known = ", ".join(account.name for account in accounts)
        raise ConfigError(f"each of {known} {what}: choose one with --account")
    return accounts[0]
