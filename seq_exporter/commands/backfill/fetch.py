"""From SendGrid into the archive: each day of one account, and nothing that is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from seq_exporter.commands.backfill.account_archive import AccountArchive
from seq_exporter.commands.progress import Report
from seq_exporter.config.model import Account
from seq_exporter.errors import BadRequest, EndpointFailed, Forbidden, NotCalculated, ServerFailed
from seq_exporter.scores import DAYS_KEPT, Score
from seq_exporter.sendgrid.client import SendGrid

# A day that has just been answered without any score may be filled still.
_DAYS_TO_FILL = 3


class Missing(NamedTuple):
    """What SendGrid did not tell: days that are not calculated, and why it told no usernames."""

    days: set[date]
    names: str = ""


class Fetch:
    """Fetches one account's days; whatever it raises, what has come by then is kept."""

    def __init__(
        self,
        account: Account,
        archive: AccountArchive,
        sendgrid: SendGrid,
        today: date,
        report: Report,
    ) -> None:
        self._account = account
        self._archive = archive
        self._sendgrid = sendgrid
        self._today = today
        # SendGrid may refuse those before: a midnight may pass meanwhile.
        self._oldest = today - timedelta(DAYS_KEPT - 2)
        self._report = report

    def run(self, days: Sequence[date]) -> Missing:
        """Fetch what is not there yet of `days`, and return what is still missing.

        Days that are not calculated are asked for once more at the end. Raises PollError.
        """
        pending: set[date] = set()
        names = ""
        if self._account.subusers is not None:
            unfinished = self._archive.unfinished(days)
            self._report(len(days) - len(unfinished), self._account.name)
            again = self._fetch_days(unfinished)
            pending |= set(self._fetch_days(again))
            self._report(len(pending), self._account.name)
            names = self._fetch_names()
        else:
            self._report(len(days), self._account.name)
        if self._account.own_score:
            pending |= self._fetch_own(days)
        return Missing(pending, names)

    def _fetch_own(self, days: Sequence[date]) -> set[date]:
        try:
            again = self._fetch_own_days(self._archive.unfinished_own(days))
            return set(self._fetch_own_days(again))
        except Forbidden as err:
            raise Forbidden(f"{err}; if only its own score is refused: own_score: false") from None

    def _fetch_days(self, days: Sequence[date]) -> list[date]:
        """Return those of `days` that are not calculated."""
        pending = []
        for day in days:
            is_there = self._unless_forgotten(day, self._fetch_day)
            if is_there:
                self._report(1, f"{self._account.name} {day}")
            else:
                pending.append(day)
        return pending

    def _fetch_day(self, day: date) -> bool:
        """Return whether the day is calculated."""
        cursor = self._archive.find_cursor(day)
        try:
            return self._fetch_pages(day, cursor)
        except BadRequest:
            if cursor is None:
                raise
            self._archive.drop(day)  # the cursor is too old, perhaps
            return self._fetch_pages(day, None)

    def _fetch_pages(self, day: date, cursor: str | None) -> bool:
        try:
            for number, page in enumerate(self._sendgrid.read_scores(day, cursor), 1):
                self._archive.add_page(day, page.scores, page.following)
                self._report(0, f"{self._account.name} {day}, page {number}")
        except NotCalculated:
            self._archive.drop(day)
            return False
        return self._finish(day)

    def _finish(self, day: date) -> bool:
        """Note that all pages of the day are there; return whether nothing more is to come."""
        self._archive.finish(day)
        if self._may_be_filled(day) and not self._archive.has_scores(day):
            self._archive.drop(day)
            return False
        return True

    def _may_be_filled(self, day: date) -> bool:
        return (self._today - day).days <= _DAYS_TO_FILL

    def _fetch_names(self) -> str:
        """Fetch the list of names where pages leave names out; return why there is none.

        A key may be refused the list. That is not kept: a mended key is told it.
        """
        offset = self._archive.find_names_offset()
        if offset is None:
            return ""
        try:
            for page in self._sendgrid.read_usernames(offset):
                self._archive.add_usernames(page.usernames, page.following)
                self._report(0, f"{self._account.name}, names from {page.following}")
        except ServerFailed:  # it may tell them later: labels would be other ones than the live
            raise
        except EndpointFailed as err:
            return str(err)
        self._archive.finish_names()
        return ""

    def _fetch_own_days(self, days: Sequence[date]) -> list[date]:
        """Return those of `days` that are not calculated."""
        pending = []
        for start in range(0, len(days), DAYS_KEPT):
            pending += self._fetch_own_range(days[start : start + DAYS_KEPT])
        return pending

    def _fetch_own_range(self, days: Sequence[date]) -> list[date]:
        try:
            found = self._sendgrid.fetch_own_days(days[0], days[-1]) if days[1:] else {}
        except BadRequest:  # the first one is too old, perhaps
            return self._fetch_own_range(days[:1]) + self._fetch_own_range(days[1:])
        told = {day: found[day] for day in days if day in found and self._is_final(day, found[day])}
        self._archive.add_own(told)
        alone = [day for day in days if day not in told]
        return [day for day in alone if not self._unless_forgotten(day, self._fetch_own_day)]

    def _fetch_own_day(self, day: date) -> bool:
        score = self._sendgrid.fetch_own(day)
        if score is None or not self._is_final(day, score):
            return False
        self._archive.add_own({day: score})
        return True

    def _is_final(self, day: date, score: Score) -> bool:
        return score.is_scored or not self._may_be_filled(day)

    def _unless_forgotten(self, day: date, fetch: Callable[[date], bool]) -> bool:
        """Fetch a day; return whether there is no more to ask for."""
        try:
            return fetch(day)
        except BadRequest:
            if day == self._today:  # the clocks differ around midnight: it is not there yet
                return False
            if day >= self._oldest:
                raise
            self._archive.forget(day)
            return True
