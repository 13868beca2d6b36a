"""From an account to its scores: every poll and every command reads through here."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Self

import requests

from seq_exporter.clock import Clock
from seq_exporter.config.model import Account, PollSettings, explain_misfit
from seq_exporter.config.secret import Secret
from seq_exporter.errors import AccountUnavailable, EndpointFailed, KeyUnavailable, PollError
from seq_exporter.retries import PauseAfter
from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.client import SendGrid, pause_of_poll
from seq_exporter.sendgrid.newest_day import Calendar, NewestDay
from seq_exporter.sendgrid.observer import RequestObserver
from seq_exporter.sendgrid.session import open_session
from seq_exporter.sendgrid.transport import Transport
from seq_exporter.sendgrid.usernames import Usernames, select_subusers


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading an account once: the newest scores, and what went wrong.

    `failures` has the parts that could not be read, `key`, `subusers` or `own`, in the order in
    which they failed; `snapshot` keeps the earlier scores of a part that failed. `key` is the key
    that was used, None if it could not be read.
    """

    snapshot: Snapshot
    failures: Mapping[str, PollError]
    anomalies: Anomalies
    key: Secret | None

    def require_all(self) -> Snapshot:
        """Return the scores if every part could be read. Raises the first PollError otherwise."""
        for failure in self.failures.values():
            raise failure
        return self.snapshot


class AccountReader:
    """Reads the scores of one account; a context manager that closes its session.

    It remembers usernames and days without scores, to save requests. `account`, `settings` and
    `session` may be replaced between two readings, for a new key or another schedule. Without a
    `session`, it opens one.
    """

    def __init__(
        self,
        account: Account,
        settings: PollSettings,
        *,
        observer: RequestObserver | None = None,
        session: requests.Session | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
        pause_after: PauseAfter = pause_of_poll,
    ) -> None:
        self.account = account
        self.settings = settings
        self.clock = clock or Clock()
        self._observer = observer or RequestObserver()
        self.session = session
        self._sleep = sleep
        self._pause_after = pause_after
        self._usernames = Usernames()
        self._newest_subusers = NewestDay[SubuserScores]()
        self._newest_own = NewestDay[OwnScore]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.session is not None:
            self.session.close()

    @property
    def calendar(self) -> Calendar:
        """The days to ask for and to show at this moment."""
        return Calendar(self.clock.now(), self.settings)

    def connect(self, on_behalf_of: str = "") -> SendGrid:
        """Return a client with the account's key, which is read now. Raises KeyUnavailable.

        It asks on behalf of the subuser of that name, if there is one.
        """
        key = self.account.api_key.read()
        account = replace(self.account, on_behalf_of=on_behalf_of or self.account.on_behalf_of)
        settings = self.settings
        if self.session is None:
            self.session = open_session()
        transport = Transport(
            account, key, self.session, settings.timeout_seconds, self.clock, self._observer
        )
        return SendGrid(transport, self._sleep, Anomalies(), settings.most_users, self._pause_after)

    @property
    def known_usernames(self) -> Collection[str]:
        """The usernames that SendGrid has returned so far, also of subusers not selected."""
        return self._usernames.known

    def explain_misfit(self) -> str:
        """Return why the account's choice of subusers fits none of them, "" if it fits one."""
        names = self._usernames
        return explain_misfit(self.account.subusers, names.known, names.nameless)

    @property
    def nameless_users(self) -> Collection[str]:
        """The user_ids of the newest scores for which SendGrid has returned no username."""
        return self._usernames.nameless

    def resume(self, snapshot: Snapshot, key: Secret) -> None:
        """Continue from `snapshot`, which an earlier process read with `key`."""
        known = snapshot.subusers.by_label.values() if snapshot.subusers else ()
        self._usernames = Usernames(known)
        self._newest_subusers = NewestDay[SubuserScores](key)
        self._newest_own = NewestDay[OwnScore](key)

    def read_newest(self, held: Snapshot | None = None) -> Reading:
        """Return the newest scores; ask only for days that may be newer than those in `held`.

        If one endpoint fails, the other is still read.
        """
        snapshot = held or Snapshot(self.account.name)
        try:
            sendgrid = self.connect()
        except KeyUnavailable as err:
            return Reading(snapshot, {"key": err}, Anomalies(), None)
        calendar = self.calendar  # one moment for all requests, however long they take
        failures: dict[str, PollError] = {}
        for what, read in (
            ("subusers", self._read_newest_subusers),
            ("own", self._read_newest_own),
        ):
            try:
                snapshot = read(snapshot, sendgrid, calendar)
            # Without its traceback: that would keep this frame, and below it a whole response
            # body, in memory until the next garbage collection.
            except EndpointFailed as err:
                failures[what] = err.with_traceback(None)
            except AccountUnavailable as err:
                failures[what] = err.with_traceback(None)
                break
        return Reading(snapshot, failures, sendgrid.anomalies, sendgrid.transport.key)

    def read_day(self, day: date) -> Snapshot:
        """Return the scores of `day`; a part not calculated yet is None. Raises PollError."""
        sendgrid, calendar = self.connect(), self.calendar
        subusers = own = None
        if self.account.subusers is not None:
            subusers = self._read_subusers(day, sendgrid, calendar, {}, {})
        if self.account.own_score:
            own = _read_own(day, sendgrid, calendar)
        return Snapshot(self.account.name, subusers, own)

    def withhold_others(self, snapshot: Snapshot, key: Secret) -> Snapshot:
        """Return `snapshot` without what an earlier key read: it may be another account's."""
        return replace(
            snapshot,
            subusers=snapshot.subusers if self._newest_subusers.is_found_with(key) else None,
            own=snapshot.own if self._newest_own.is_found_with(key) else None,
        )

    def _read_newest_subusers(
        self, held: Snapshot, sendgrid: SendGrid, calendar: Calendar
    ) -> Snapshot:
        if self.account.subusers is None:
            return held
        by_label = held.subusers.by_label if held.subusers else {}
        known = {score.user_id: score for score in by_label.values()}
        read = partial(
            self._read_subusers, sendgrid=sendgrid, calendar=calendar, known=known, held=by_label
        )
        key = sendgrid.transport.key
        found = self._newest_subusers.find(held.subusers, read, calendar, key)
        return replace(held, subusers=found)

    def _read_newest_own(self, held: Snapshot, sendgrid: SendGrid, calendar: Calendar) -> Snapshot:
        if not self.account.own_score:
            return held
        read = partial(_read_own, sendgrid=sendgrid, calendar=calendar)
        found = self._newest_own.find(held.own, read, calendar, sendgrid.transport.key)
        return replace(held, own=found)

    def _read_subusers(
        self,
        day: date,
        sendgrid: SendGrid,
        calendar: Calendar,
        known: Mapping[str, Score],
        held: Mapping[str, Score],
    ) -> SubuserScores | None:
        selection = self.account.subusers
        assert selection is not None  # noqa: S101 - the callers saw to it
        scores = sendgrid.fetch_subusers(day, known)
        if scores is None:
            return None
        named = self._usernames.complete(scores, sendgrid, calendar.now, known)
        return select_subusers(day, named, selection, sendgrid.anomalies, calendar.now, held)


def _read_own(day: date, sendgrid: SendGrid, calendar: Calendar) -> OwnScore | None:
    score = sendgrid.fetch_own(day)
    return OwnScore(day, score, calendar.now) if score else None
