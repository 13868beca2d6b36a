"""From the configuration to a plan: asks for what is not there yet, and lays it out in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from seq_exporter.clock import Clock
from seq_exporter.commands.backfill.account_archive import AccountArchive
from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.fetch import Fetch, Missing
from seq_exporter.commands.backfill.history import History
from seq_exporter.commands.backfill.labels import label_scores
from seq_exporter.commands.backfill.pace import Pacer
from seq_exporter.commands.backfill.plan import Past, Plan, choose_step
from seq_exporter.commands.backfill.timeline import Shown, trace_days
from seq_exporter.commands.progress import Report
from seq_exporter.config.model import ALL_SUBUSERS, Account, PollSettings
from seq_exporter.errors import BackfillError, PollError
from seq_exporter.sendgrid.parsing import Anomalies
from seq_exporter.sendgrid.reader import AccountReader


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of the past: the days from `first` to `last`.

    `until` is the moment to end before, None for the present one. `delay_seconds` is how long after
    the end of a day its scores appeared. `step_seconds` is the time between two samples, None to
    choose it; `labels` are added to every series.
    """

    first: date
    last: date
    until: int | None
    delay_seconds: int
    step_seconds: int | None
    labels: Mapping[str, str]
    requests_per_minute: int

    @property
    def days(self) -> list[date]:
        """The days wanted, the oldest first: it is what SendGrid forgets next."""
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]


class Fetched(NamedTuple):
    """An account whose days are there, but for what is missing; and what was odd about them."""

    account: Account
    archive: AccountArchive
    missing: Missing
    anomalies: Anomalies


@dataclass(frozen=True, slots=True)
class Gathering:
    """Asks SendGrid for the past of accounts."""

    poll: PollSettings
    wish: Wish
    clock: Clock
    sleep: Callable[[float], None]

    def fetch(self, accounts: Sequence[Account], archive: Archive, report: Report) -> list[Fetched]:
        """Fetch what is not there yet. Tells `report` of days.

        One account that fails does not keep the others from being fetched; at the end, it is a
        BackfillError all the same: files without it would look whole.
        """
        fetched, failures = [], []
        for account in accounts:
            try:
                fetched.append(self._fetch_account(account, archive, report))
            except PollError as err:
                failures.append(f"account {account.name!r}: {err}")
        if failures:
            raise BackfillError(
                "\n".join(failures) + "\nNothing is written yet. What has come is kept: run the "
                "same command again, or name the accounts that are wanted with --account."
            )
        return fetched

    def _fetch_account(self, account: Account, archive: Archive, report: Report) -> Fetched:

        def tell(reason: str) -> None:
            report(0, f"{reason}: {account.name}")

        pacer = Pacer(self.wish.requests_per_minute, self.clock, self.sleep, tell)
        with AccountReader(
            account,
            self.poll,
            observer=pacer,
            clock=self.clock,
            sleep=pacer.sleep,
            pause_after=pacer.pause_after,
        ) as reader:
            sendgrid = reader.connect()
            own = archive.claim(account, sendgrid.transport.key)
            today = self.clock.today()
            missing = Fetch(account, own, sendgrid, today, report).run(self.wish.days)
        return Fetched(account, own, missing, sendgrid.anomalies)

    def plan(self, fetched: Sequence[Fetched], until: int) -> Plan:
        """Return what is to be written, up to the moment `until`."""
        pasts = [self._lay_out(each, until) for each in fetched]
        step_seconds = self.wish.step_seconds or choose_step(pasts)
        return Plan(pasts, step_seconds, self.wish.labels)

    def _lay_out(self, fetched: Fetched, until: int) -> Past:
        account, archive = fetched.account, fetched.archive
        label_scores(archive, account.subusers or ALL_SUBUSERS)
        history = History(account, archive)

        def trace(days: Mapping[date, bool]) -> list[Shown]:
            return trace_days(
                {day: has_scores for day, has_scores in days.items() if day in wanted},
                delay_seconds=self.wish.delay_seconds,
                lookback_days=self.poll.lookback_days,
                until=until,
            )

        wanted = set(self.wish.days)
        subusers = trace(history.subuser_days) if account.subusers else []
        past = Past(history, subusers, trace(history.own_days) if account.own_score else [])
        _check_series(past)
        return past


def _check_series(past: Past) -> None:
    """Raise BackfillError where the live exporter would not have published a day."""
    account = past.history.account
    for shown in past.subusers if account.max_series else ():
        count = past.count_series(shown)
        if count > (account.max_series or 0):
            raise BackfillError(
                f"account {account.name!r}: {count} series of {shown.day} are more than "
                f"max_series, {account.max_series}: raise it, or leave series out"
            )
