"""Asks all accounts, a few at a time, and shows on a terminal how far that is."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from seq_exporter.clock import Clock
from seq_exporter.commands.scores.fetch import CHANGES, AccountScores, Asker, Wish
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.errors import PollError
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.parsing import Anomalies
from seq_exporter.sendgrid.session import open_session
from seq_exporter.sendgrid.transport import RateLimit, Transport
from seq_exporter.threads import DaemonThreads

_AT_ONCE = 8


async def ask_all(
    accounts: Sequence[Account], settings: PollSettings, wish: Wish
) -> list[AccountScores | PollError]:
    """Return what each account answers, in their order, or why it does not."""
    # Not those of an executor: Ctrl-C would wait for each to end.
    threads = DaemonThreads(_AT_ONCE)
    columns = TextColumn("asking SendGrid"), BarColumn(), MofNCompleteColumn()
    console, is_seen = Console(stderr=True), sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=not is_seen) as progress:
        bar = progress.add_task("days", total=len(accounts) * _count_days(wish))

        def ask(account: Account) -> AccountScores | PollError:
            try:
                return _ask(account, settings, wish, lambda: progress.advance(bar))
            except PollError as err:
                return err.with_traceback(None)

        asked = (threads.run(lambda each=account: ask(each)) for account in accounts)  # type: ignore[misc]
        return list(await asyncio.gather(*asked))


def _count_days(wish: Wish) -> int:
    return 1 + len({*CHANGES, *range(1, wish.history)})


def _ask(
    account: Account, settings: PollSettings, wish: Wish, step: Callable[[], None]
) -> AccountScores:
    clock = Clock()
    transport = Transport(
        account,
        account.api_key.read(),
        open_session(),
        settings.timeout_seconds,
        clock,
        _Unobserved(),
    )
    sendgrid = SendGrid(transport, time.sleep, Anomalies())
    return Asker(account, settings, sendgrid, clock, step).ask(wish)


class _Unobserved:
    """Takes no notice: nobody counts requests here."""

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Nothing."""

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Nothing."""
