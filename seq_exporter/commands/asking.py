"""Asking SendGrid about several accounts at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from seq_exporter.commands.messages import telling_pauses
from seq_exporter.commands.progress import Advance, showing_bar
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.errors import PollError
from seq_exporter.sendgrid.reader import AccountReader
from seq_exporter.threads import DaemonThreads

_AT_ONCE = 8

_Answer = TypeVar("_Answer")


def open_reader(account: Account, settings: PollSettings) -> AccountReader:
    """Return a reader for an account, which says so if SendGrid asks it to wait."""
    return AccountReader(account, settings, sleep=telling_pauses(account.name))


def ask_all(
    accounts: Sequence[Account],
    settings: PollSettings,
    ask: Callable[[AccountReader, Advance], _Answer],
    steps: int = 1,
) -> list[_Answer | PollError]:
    """Return what `ask` returns for each account, in their order, or the PollError that it raises.

    Asks about a few accounts at a time, and shows the progress on a terminal: `ask` advances by
    `steps` for each account.
    """
    # Not those of an executor: Ctrl-C would wait for each to end.
    threads = DaemonThreads(_AT_ONCE)
    answers: list[_Answer | PollError] = []
    with showing_bar("Asking SendGrid", len(accounts) * steps, sys.stderr, transient=True) as bar:

        def ask_one(account: Account) -> _Answer | PollError:
            try:
                with open_reader(account, settings) as reader:
                    return ask(reader, bar)
            except PollError as err:
                return err.with_traceback(None)

        # It returns nothing: at its end, asyncio.run writes out what a task returned, every score
        # of a fleet, for an error message that nobody sees.
        async def gather() -> None:
            asking = (threads.run(lambda each=account: ask_one(each)) for account in accounts)  # type: ignore[misc]
            answers.extend(await asyncio.gather(*asking))

        asyncio.run(gather())
    return answers
