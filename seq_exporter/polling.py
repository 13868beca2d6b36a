"""One account's polls: what is asked, what becomes of a failure, and when the next one is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import requests

from seq_exporter.clock import Clock
from seq_exporter.config import Account, PollSettings
from seq_exporter.errors import (
    AccountUnavailable,
    EndpointFailed,
    KeyUnavailable,
    PollError,
    PollStopped,
    RateLimited,
)
from seq_exporter.items import Anomalies
from seq_exporter.naming import Names, select_subusers
from seq_exporter.newest import Calendar, NewestDay
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from seq_exporter.secret import Secret
from seq_exporter.sendgrid import SendGrid
from seq_exporter.session import open_session
from seq_exporter.state import StateFolder
from seq_exporter.store import Slot
from seq_exporter.telemetry import AccountTelemetry
from seq_exporter.transport import Transport

# SendGrid's word on when to ask again is kept, but not for ever: a wrong one would end all polls.
_LONGEST_PAUSE_SECONDS = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """How an account's polls have gone; times are epoch seconds, None for what was not yet.

    `failure` says in words why the last poll failed; `is_restored` whether what is shown was
    there before this process.
    """

    last_poll: float | None = None
    last_success: float | None = None
    next_poll: float | None = None
    failure: str | None = None
    is_restored: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether a first poll has ended, well or badly, or earlier scores are shown."""
        return self.last_poll is not None or self.is_restored


class Poller:
    """Polls one account. `poll` blocks, for seconds or minutes; the rest is quick.

    `settings`, `state` and `health` are immutable and are replaced as a whole, so that another
    thread may read or set them while a poll goes on; what is set holds from the next poll.
    """

    def __init__(
        self,
        account: Account,
        settings: PollSettings,
        slot: Slot,
        telemetry: AccountTelemetry,
        *,
        state: StateFolder | None = None,
        session: requests.Session | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.account = account
        self.settings = settings
        self.state = state
        self.slot = slot
        self.health = Health()
        self._telemetry = telemetry
        self._session = session or open_session()
        self._clock = clock or Clock()
        self._sleep = sleep or self._sleep_unless_stopped
        self._names = Names()
        self._newest_subusers = NewestDay[SubuserScores]()
        self._newest_own = NewestDay[OwnScore]()
        self._stopped = threading.Event()

    def restore(self) -> None:
        """Publish what an earlier process saved for this account, if it is still good."""
        if not self.state:
            return
        try:
            saved = self.state.load(self.account, self.account.api_key.read())
        except (OSError, ValueError, KeyUnavailable) as err:
            _log.warning("cannot restore scores", extra=self._about(error=str(err)))
            return
        calendar = Calendar(self._clock.now(), self.settings)
        snapshot = calendar.withdraw_expired(saved) if saved else None
        if snapshot and (snapshot.subusers or snapshot.own):
            self.slot.swap(snapshot)
            self._names = Names(snapshot.subusers.by_label.values() if snapshot.subusers else ())
            self.health = Health(is_restored=True)

    def poll(self) -> float:
        """Poll once and publish what that brings; return the seconds until the next poll is due.

        A failure is counted and logged here, and leaves the last good scores where they are.
        Raises PollStopped, and nothing else.
        """
        started = self._clock.monotonic()
        calendar = Calendar(self._clock.now(), self.settings)
        anomalies = Anomalies()
        try:
            self.slot.swap(calendar.withdraw_expired(self.slot.snapshot))
            failure = self._update(calendar, anomalies)
        except PollStopped:
            raise
        except Exception as err:  # noqa: BLE001
            # A defect of ours in one account must not end the polls of the others, or its own.
            _log.exception("poll failed by a defect in seq-exporter", extra=self._about())
            failure = PollError(f"a defect in seq-exporter: {type(err).__name__}")
        seconds = self._clock.monotonic() - started
        self._report(failure, anomalies, seconds)
        return self._conclude(failure)

    def stop(self) -> None:
        """End a poll that goes on at its next pause; what it brings is no longer published."""
        self._stopped.set()

    def _update(self, calendar: Calendar, anomalies: Anomalies) -> PollError | None:
        """Ask for what may be new and publish it; return what went wrong first, if anything."""
        held = self.slot.snapshot
        try:
            key = self.account.api_key.read()
        except KeyUnavailable as err:
            return err
        transport = Transport(
            self.account,
            key,
            self._session,
            self.settings.timeout_seconds,
            self._clock,
            self._telemetry,
        )
        sendgrid = SendGrid(transport, self._sleep, anomalies)
        snapshot, failure = self._read_all(held, sendgrid, calendar)
        if snapshot.subusers is not held.subusers or snapshot.own is not held.own:
            self.slot.swap(snapshot)
            self._save(key, snapshot)
            self._log_new_days(held, snapshot)
        return failure

    def _read_all(
        self, held: Snapshot, sendgrid: SendGrid, calendar: Calendar
    ) -> tuple[Snapshot, PollError | None]:
        """Return the newest snapshot; where an endpoint fails, with what was held of it."""
        snapshot, failure = held, None
        for read in (self._read_subusers, self._read_own):
            try:
                snapshot = read(snapshot, sendgrid, calendar)
            except EndpointFailed as err:
                failure = failure or err
            except AccountUnavailable as err:
                return snapshot, failure or err
        return snapshot, failure

    def _read_subusers(self, held: Snapshot, sendgrid: SendGrid, calendar: Calendar) -> Snapshot:
        selection = self.account.subusers
        if selection is None:
            return held

        def read(day: date) -> SubuserScores | None:
            scores = sendgrid.fetch_subusers(day)
            if scores is None:
                return None
            named = self._names.complete(scores, sendgrid, calendar.now)
            return select_subusers(day, named, selection, sendgrid.anomalies, calendar.now)

        return replace(held, subusers=self._newest_subusers.find(held.subusers, read, calendar))

    def _read_own(self, held: Snapshot, sendgrid: SendGrid, calendar: Calendar) -> Snapshot:
        if not self.account.own_score:
            return held

        def read(day: date) -> OwnScore | None:
            score = sendgrid.fetch_own(day)
            return OwnScore(day, score, calendar.now) if score else None

        return replace(held, own=self._newest_own.find(held.own, read, calendar))

    def _save(self, key: Secret, snapshot: Snapshot) -> None:
        if self.state and not self._stopped.is_set():
            try:
                self.state.save(self.account, key, snapshot)
            except OSError as err:
                _log.warning("cannot save scores", extra=self._about(error=str(err)))

    def _log_new_days(self, held: Snapshot, snapshot: Snapshot) -> None:
        for scope, old, new in (
            ("subusers", held.subusers, snapshot.subusers),
            ("own", held.own, snapshot.own),
        ):
            if new and new.has_scores and (old is None or old.day != new.day):
                _log.info("scores of a new day", extra=self._about(scope=scope, day=str(new.day)))

    def _report(self, failure: PollError | None, anomalies: Anomalies, seconds: float) -> None:
        reason = failure.reason if failure else None
        self._telemetry.observe_poll(self._clock.now(), seconds, reason, anomalies.counts)
        if anomalies.counts:
            found = {
                kind: f"{count}, {anomalies.examples[kind]}"
                for kind, count in anomalies.counts.items()
            }
            _log.warning("odd values from SendGrid", extra=self._about(**found))
        if failure:
            _log.warning("poll failed", extra=self._about(reason=reason, error=str(failure)))
        else:
            _log.debug("poll succeeded", extra=self._about(seconds=round(seconds, 3)))

    def _conclude(self, failure: PollError | None) -> float:
        """Note how the poll went, and return the seconds until the next one."""
        now = self._clock.now()
        pause = self.settings.interval_seconds
        if isinstance(failure, RateLimited) and failure.wait_seconds:
            pause = max(pause, min(failure.wait_seconds, _LONGEST_PAUSE_SECONDS))
        self.health = Health(
            last_poll=now,
            last_success=self.health.last_success if failure else now,
            next_poll=now + pause,
            failure=str(failure) if failure else None,
        )
        return pause

    def _about(self, **fields: object) -> dict[str, object]:
        return {"account": self.account.name, **fields}

    def _sleep_unless_stopped(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise PollStopped
