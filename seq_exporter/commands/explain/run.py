"""Finds the subuser, has its score explained, and prints the explanation."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NoReturn

from rich.console import Console

from seq_exporter.commands.asking import ask_all, open_reader
from seq_exporter.commands.explain.text import print_explanation
from seq_exporter.commands.flags import choose_accounts
from seq_exporter.commands.messages import print_error
from seq_exporter.commands.progress import Advance, showing_bar
from seq_exporter.config.file import find_config, load_config
from seq_exporter.config.model import ALL_SUBUSERS, Account, PollSettings
from seq_exporter.errors import ConfigError, PollError
from seq_exporter.explain.evidence import (
    DAYS,
    Evidence,
    explain_own,
    explain_subuser,
    read_subusers,
)
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
    # All subusers of an account, whichever of them are published: they may share an IP pool.
    accounts = [
        replace(account, subusers=ALL_SUBUSERS if subuser else None, own_score=not subuser)
        for account in choose_accounts(config, names)
    ]
    if subuser:
        evidence = _explain_subuser(accounts, config.poll, subuser)
    else:
        evidence = _explain_own(_choose_one(accounts, "has its own score"), config.poll)
    print_explanation(evidence, Console(highlight=False))


def _explain_own(account: Account, settings: PollSettings) -> Evidence:
    with _naming(account), open_reader(account, settings) as reader:
        evidence = explain_own(reader)
    if evidence is None:
        raise PollError(f"account {account.name!r} has no score of its own in the last days")
    return evidence


def _explain_subuser(accounts: Sequence[Account], settings: PollSettings, subuser: str) -> Evidence:
    account, newest = _find_account(accounts, settings, subuser)
    with (
        _naming(account),
        open_reader(account, settings) as reader,
        showing_bar("Asking SendGrid", DAYS - 1, sys.stderr, transient=True) as advance,
    ):
        return explain_subuser(reader, newest, subuser, advance=advance)


@contextlib.contextmanager
def _naming(account: Account) -> Iterator[None]:
    """Let an error say whose it is."""
    try:
        yield
    except PollError as err:
        raise PollError(f"{account.name}: {err}") from None


def _find_account(
    accounts: Sequence[Account], settings: PollSettings, subuser: str
) -> tuple[Account, SubuserScores]:
    """Return the account that has the subuser, and the newest scores of its subusers.

    An account that does not answer is reported on standard error. Raises ConfigError if no account
    has the subuser, or more than one; PollError if an account may have it, and nobody knows.
    """

    def read(reader: AccountReader, advance: Advance) -> SubuserScores | None:
        found = read_subusers(reader)
        advance(1, reader.account.name)
        return found

    answers = dict(zip(accounts, ask_all(accounts, settings, read), strict=True))
    unknown = [account.name for account, answer in answers.items() if answer is None]
    for account, answer in answers.items():
        if isinstance(answer, PollError):
            print_error(f"{account.name}: {answer}")
            unknown.append(account.name)
    found = {each: answer for each, answer in answers.items() if isinstance(answer, SubuserScores)}
    having = [account for account, answer in found.items() if subuser in answer.by_label]
    if not having:
        known = [label for answer in found.values() for label in answer.by_label]
        _report_absence(subuser, known, unknown)
    account = _choose_one(having, f"has a subuser {subuser!r}")
    return account, found[account]


def _report_absence(subuser: str, known: Sequence[str], unknown: Sequence[str]) -> NoReturn:
    """Raise what says that nobody of this name is `known`; of some accounts, nothing is known."""
    nearest = difflib.get_close_matches(subuser, known, n=1)
    hint = f": did you mean {nearest[0]!r}?" if nearest else ""
    message = f"no account has a subuser {subuser!r} now{hint}"
    if unknown:
        accounts = ", ".join(unknown)
        raise PollError(f"{message}\nOf {accounts}, SendGrid has returned no scores.")
    raise ConfigError(message)


def _choose_one(accounts: Sequence[Account], what: str) -> Account:
    if len(accounts) > 1:
        known = ", ".join(account.name for account in accounts)
        raise ConfigError(f"each of {known} {what}: choose one with --account")
    return accounts[0]
