"""From SendGrid into the archive: each day of one account, and nothing that is there already."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from seq_exporter.backfill.archive import AccountArchive
from seq_exporter.backfill.progress import Report
from seq_exporter.config import Account
from seq_exporter.errors import BadRequest, EndpointFailed, RateLimited, ServerFailed
from seq_exporter.sendgrid import (
    MOST_USERS,
    SCORES_PAGE,
    SUBUSERS,
    SUBUSERS_PAGE,
    SUBUSERS_SCORES,
    NamePage,
    SendGrid,
    endless,
)

# Of own scores, SendGrid tells this many days at once.
_DAYS_AT_ONCE = 90

# How often in a row, and for how long at most, SendGrid may ask for a pause.
_PAUSES = 10
_USUAL_PAUSE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 3600.0

_Answer = TypeVar("_Answer")

_log = logging.getLogger(__name__)


class Fetch:
    """Fetches one account's days; whatever it raises, what has come by then is kept.

    `oldest` is the last day that SendGrid is bound to tell of; it may refuse those before.
    """

    def __init__(
        self,
        account: Account,
        archive: AccountArchive,
        sendgrid: SendGrid,
        oldest: date,
        report: Report,
    ) -> None:
        self._account = account
        self._archive = archive
        self._sendgrid = sendgrid
        self._oldest = oldest
        self._report = report

    def run(self, days: Sequence[date]) -> set[date]:
        """Fetch what is not there yet of `days`; return those that are not calculated.

        They are asked for once more at the end. Raises PollError.
        """
        pending: set[date] = set()
        if self._account.subusers is not None:
            unfinished = self._archive.unfinished(days)
            self._report(len(days) - len(unfinished), self._account.name)
            again = self._fetch_days(unfinished)
            pending |= set(self._fetch_days(again))
            self._report(len(pending), self._account.name)
            self._fetch_names()
        else:
            self._report(len(days), self._account.name)
        if self._account.own_score:
            again = self._fetch_own_days(self._archive.unfinished_own(days))
            pending |= set(self._fetch_own_days(again))
        return pending

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
        cursors = {cursor}
        for number in range(1, MOST_USERS // SCORES_PAGE + 1):
            page = self._ask(self._sendgrid.fetch_page, day, cursor)
            if page is None:
                self._archive.drop(day)
                return False
            new_users = self._archive.add_page(day, page.scores, page.cursor)
            cursor = page.cursor
            if cursor in cursors or page.is_last(new_users):
                self._archive.finish(day)
                return True
            cursors.add(cursor)
            self._report(0, f"{self._account.name} {day}, page {number}")
        raise endless(SUBUSERS_SCORES)

    def _fetch_names(self) -> None:
        """Fetch the list of names where pages leave names out. A key may be refused the list."""
        offset = self._archive.find_names_offset()
        if offset is None:
            return
        try:
            self._list_names(offset)
        except ServerFailed:  # it may tell them later: labels would be other ones than the live
            raise
        except EndpointFailed as err:
            _log.info("SendGrid tells this key no usernames", extra={"error": str(err)})
        self._archive.finish_names()

    def _list_names(self, offset: int) -> None:
        last = NamePage({}, offset)
        for _ in range(MOST_USERS // SUBUSERS_PAGE):
            page = self._ask(self._sendgrid.fetch_usernames, last.next_offset)
            if not page.names or page.names == last.names:
                return
            self._archive.add_names(page)
            self._report(0, f"{self._account.name}, names from {page.next_offset}")
            last = page
        raise endless(SUBUSERS)

    def _fetch_own_days(self, days: Sequence[date]) -> list[date]:
        """Return those of `days` that are not calculated."""
        pending = []
        for start in range(0, len(days), _DAYS_AT_ONCE):
            pending += self._fetch_own_range(days[start : start + _DAYS_AT_ONCE])
        return pending

    def _fetch_own_range(self, days: Sequence[date]) -> list[date]:
        try:
            found = self._ask(self._sendgrid.fetch_own_days, days[0], days[-1]) if days[1:] else {}
        except BadRequest:  # the first one is too old, perhaps
            return self._fetch_own_range(days[:1]) + self._fetch_own_range(days[1:])
        self._archive.add_own({day: found[day] for day in days if day in found})
        alone = [day for day in days if day not in found]
        return [day for day in alone if not self._unless_forgotten(day, self._fetch_own_day)]

    def _fetch_own_day(self, day: date) -> bool:
        score = self._ask(self._sendgrid.fetch_own, day)
        if score:
            self._archive.add_own({day: score})
        return score is not None

    def _unless_forgotten(self, day: date, fetch: Callable[[date], bool]) -> bool:
        """Fetch a day; return whether there is no more to ask for."""
        try:
            return fetch(day)
        except BadRequest:
            if day >= self._oldest:
                raise
            self._archive.forget(day)
            return True

    def _ask(self, ask: Callable[..., _Answer], *arguments: object) -> _Answer:
        """Ask, and where SendGrid wants a pause, however long, ask again after it."""
        for _ in range(_PAUSES):
            try:
                return ask(*arguments)
            except RateLimited as err:
                seconds = min(err.wait_seconds or _USUAL_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
                self._report(0, f"pausing {seconds:.0f} s as SendGrid asks: {self._account.name}")
                self._sendgrid.sleep(seconds)
        return ask(*arguments)
