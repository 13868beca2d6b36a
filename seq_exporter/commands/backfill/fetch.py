"""From SendGrid into the archive: the days of each account that are not there yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from seq_exporter.clock import Clock
from seq_exporter.commands.backfill.archive import AccountArchive, Archive
from seq_exporter.commands.backfill.pace import Pacer
from seq_exporter.commands.backfill.plan import BackfillOptions
from seq_exporter.commands.progress import Advance
from seq_exporter.config.model import Account
from seq_exporter.errors import (
    BackfillError,
    BadRequest,
    EndpointFailed,
    Forbidden,
    NotCalculated,
    PollError,
    ServerFailed,
)
from seq_exporter.score import Score
from seq_exporter.scores import DAYS_KEPT
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.reader import AccountReader

# Scores may still be added to a day this recent that has none.
_DAYS_TO_FILL = 3


class FetchedAccount(NamedTuple):
    """An account whose days are in the archive, but for those that are not calculated yet.

    `names_refused` is why usernames are missing, "" if none is.
    """

    account: Account
    archive: AccountArchive
    not_calculated: set[date]
    names_refused: str
    anomalies: Anomalies


def fetch_accounts(
    accounts: Sequence[Account],
    archive: Archive,
    options: BackfillOptions,
    clock: Clock,
    sleep: Callable[[float], None],
    advance: Advance,
) -> list[FetchedAccount]:
    """Fetch the days of each account that are not there yet; `advance` counts days.

    If one account fails, the others are fetched all the same. The end is a BackfillError then:
    files without that account would look complete.
    """

    def fetch(account: Account) -> FetchedAccount:
        pacer = Pacer(
            options.requests_per_minute,
            clock,
            sleep,
            report_pause=lambda reason: advance(0, f"{reason}: {account.name}"),
        )
        with AccountReader(
            account,
            options.poll,
            observer=pacer,
            clock=clock,
            sleep=pacer.sleep,
            pause_after=pacer.pause_after,
        ) as reader:
            sendgrid = reader.connect()
            own = archive.claim(account, sendgrid.transport.key)
            return AccountFetch(account, own, sendgrid, clock.today(), advance).run(options.days)

    fetched, failures = [], []
    for account in accounts:
        try:
            fetched.append(fetch(account))
        except PollError as err:
            failures.append(f"account {account.name!r}: {err}")
    if failures:
        raise BackfillError(
            "\n".join(failures) + "\nNothing is written yet. The days fetched so far are kept: "
            "run the same command again, or choose the accounts to write with --account."
        )
    return fetched


@dataclass(frozen=True, slots=True)
class AccountFetch:
    """Fetches the days of one account; whatever it raises, what has come by then is kept."""

    account: Account
    archive: AccountArchive
    sendgrid: SendGrid
    today: date
    advance: Advance

    def run(self, days: Sequence[date]) -> FetchedAccount:
        """Fetch those of `days` that are not there yet. Raises PollError.

        Days that are not calculated are asked for once more at the end.
        """
        pending: set[date] = set()
        names_refused = ""
        if self.account.subusers is not None:
            unfinished = self.archive.unfinished(days)
            self.advance(len(days) - len(unfinished), self.account.name)
            again = self._fetch_days(unfinished)
            pending |= set(self._fetch_days(again))
            self.advance(len(pending), self.account.name)
            names_refused = self._fetch_usernames()
        else:
            self.advance(len(days), self.account.name)
        if self.account.own_score:
            pending |= self._fetch_own(days)
        return FetchedAccount(
            self.account, self.archive, pending, names_refused, self.sendgrid.anomalies
        )

    def _fetch_own(self, days: Sequence[date]) -> set[date]:
        """Fetch the account's own scores; return those of `days` that are not calculated."""
        try:
            again = self._fetch_own_range(self.archive.unfinished_own(days))
            return set(self._fetch_own_range(again))
        except Forbidden as err:
            raise Forbidden(f"{err}; if only its own score is refused: own_score: false") from None

    def _fetch_days(self, days: Sequence[date]) -> list[date]:
        """Fetch the subusers' scores; return those of `days` that are not calculated."""
        pending = []
        for day in days:
            if self._unless_forgotten(day, self._fetch_day):
                self.advance(1, f"{self.account.name} {day}")
            else:
                pending.append(day)
        return pending

    def _fetch_day(self, day: date) -> bool:
        """Return whether the day is calculated."""
        cursor = self.archive.find_cursor(day)
        try:
            return self._fetch_pages(day, cursor)
        except BadRequest:
            if cursor is None:
                raise
            self.archive.drop(day)  # the cursor is too old, perhaps
            return self._fetch_pages(day, None)

    def _fetch_pages(self, day: date, cursor: str | None) -> bool:
        try:
            for number, page in enumerate(self.sendgrid.read_scores(day, cursor), 1):
                self.archive.add_page(day, page.users, page.following)
                self.advance(0, f"{self.account.name} {day}, page {number}")
        except NotCalculated:
            self.archive.drop(day)
            return False
        self.archive.finish(day)
        if self._may_be_filled(day) and not self.archive.has_scores(day):
            self.archive.drop(day)
            return False
        return True

    def _may_be_filled(self, day: date) -> bool:
        return (self.today - day).days <= _DAYS_TO_FILL

    def _fetch_usernames(self) -> str:
        """Fetch the list of usernames if pages leave some out; return why that is impossible.

        SendGrid may refuse a key the list. The refusal is not kept: once the key is corrected, the
        next run asks again.
        """
        offset = self.archive.find_names_offset()
        if offset is None:
            return ""
        try:
            for page in self.sendgrid.read_usernames(offset):
                self.archive.add_usernames(page.users, page.following)
                self.advance(0, f"{self.account.name}, names from {page.following}")
        except ServerFailed:  # later it may answer: the labels would differ from the live ones
            raise
        except EndpointFailed as err:
            return str(err)
        self.archive.finish_usernames()
        return ""

    def _fetch_own_range(self, days: Sequence[date]) -> list[date]:
        if len(days) > DAYS_KEPT:
            return self._fetch_own_range(days[:DAYS_KEPT]) + self._fetch_own_range(days[DAYS_KEPT:])
        try:
            found = self.sendgrid.fetch_own_days(days[0], days[-1]) if days[1:] else {}
        except BadRequest:  # the first one is too old, perhaps
            return self._fetch_own_range(days[:1]) + self._fetch_own_range(days[1:])
        final = self._add_own({day: found[day] for day in days if day in found})
        alone = [day for day in days if day not in final]
        return [day for day in alone if not self._unless_forgotten(day, self._fetch_own_day)]

    def _fetch_own_day(self, day: date) -> bool:
        score = self.sendgrid.fetch_own(day)
        return score is not None and day in self._add_own({day: score})

    def _add_own(self, found: Mapping[date, Score]) -> Collection[date]:
        """Add those of the scores to which nothing may be added later; return their days."""
        final = {
            day: score
            for day, score in found.items()
            if score.is_scored or not self._may_be_filled(day)
        }
        self.archive.add_own(final)
        return final

    def _unless_forgotten(self, day: date, fetch: Callable[[date], bool]) -> bool:
        """Fetch a day; return whether nothing of it is left to ask for."""
        try:
            return fetch(day)
        except BadRequest:
            if day == self.today:  # the clocks differ around midnight: it is not there yet
                return False
            # SendGrid may refuse the days before this one: a midnight may pass meanwhile.
            if day >= self.today - timedelta(DAYS_KEPT - 2):
                raise
            self.archive.forget(day)
            return True
