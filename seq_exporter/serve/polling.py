"""One account's polls: reading, publishing, handling failures, and the time of the next poll."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from seq_exporter.clock import Clock
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.errors import (
    KeyUnavailable,
    PollError,
    PollStopped,
    TooManySeries,
)
from seq_exporter.history import NO_HISTORY, History
from seq_exporter.publish.store import AccountWriter
from seq_exporter.publish.telemetry import AccountTelemetry
from seq_exporter.scores import Health, Snapshot, SubuserScores
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.newest_day import Calendar
from seq_exporter.sendgrid.sessions import Sessions
from seq_exporter.serve.state import StateFolder

if TYPE_CHECKING:  # the first poll imports it
    from seq_exporter.sendgrid.reader import AccountReader

# SendGrid says when to ask again. The wait is bounded: a wrong value would end all polls.
_LONGEST_PAUSE_SECONDS = 3600.0

# The shortest pause between two polls, however long the last one took.
_SHORTEST_PAUSE = 1.0

# From this many series on, Prometheus needs to be sized for the account.
_MANY_SERIES = 100_000

_WEEK = timedelta(days=7)

_log = logging.getLogger(__name__)


class Poller:
    """Polls one account.

    `poll` blocks for seconds or minutes, `restore` and `republish` for up to a second, or longer if
    a disk hangs. The other methods are quick.

    `account`, `settings`, `state` and `health` are immutable and are replaced as a whole, so
    another thread may read or set them during a poll; a new value holds from the next poll on.
    """

    def __init__(
        self,
        account: Account,
        settings: PollSettings,
        writer: AccountWriter,
        telemetry: AccountTelemetry,
        *,
        state: StateFolder | None = None,
        sessions: Sessions | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.account = account
        self.settings = settings
        self.state = state
        self.writer = writer
        self.health = Health()
        self._telemetry = telemetry
        self._sessions = sessions or Sessions()
        self._clock = clock or Clock()
        self._sleep = sleep or self._sleep_unless_stopped
        self._paused_until = 0.0  # by the monotonic clock
        self._is_saved = True
        self._is_misfit = False
        self._blocked = account.api_key, 0.0  # until then, by the monotonic clock
        self._stopped = threading.Event()
        # A page may read the saved scores while a poll saves them.
        self._history_lock = threading.Lock()
        self._recall_failure = ""

    @cached_property
    def _reader(self) -> AccountReader:
        # Imported in the thread of the first poll, with requests: a server that has just started
        # answers a fifth sooner. Raises PollError if no file can be opened: it may have clients.
        try:
            from seq_exporter.sendgrid.reader import AccountReader
        except OSError as err:
            remedy = "raise the limit (ulimit -n, LimitNOFILE)"
            text = f"cannot read a part of seq-exporter: {err.strerror}: {remedy}"
            raise PollError(text) from None
        return AccountReader(
            self.account,
            self.settings,
            observer=self._telemetry,
            clock=self._clock,
            sleep=self._pause,
        )

    @property
    def blocked_seconds(self) -> float:
        """How long SendGrid refuses requests with this key, whatever the schedule says."""
        api_key, until = self._blocked
        is_blocked = api_key == self.account.api_key
        return max(until - self._clock.monotonic(), 0.0) if is_blocked else 0.0

    @property
    def quiet_seconds(self) -> float:
        """For how long SendGrid is asked for nothing: it refuses, or a running poll pauses."""
        return max(self.blocked_seconds, self._paused_until - self._clock.monotonic(), 0.0)

    def keep_state_in(self, state: StateFolder | None) -> None:
        """Save to `state` from the next poll on, including the scores that are held now."""
        self.state = state
        self._is_saved = False

    def restore(self) -> None:
        """Publish the scores that an earlier process saved for this account, if they still hold.

        Logs a failure, and raises nothing: the first poll reads the scores again.
        """
        state = self.state
        if not state:
            return
        try:
            key = self.account.api_key.read()
            saved = state.load(self.account, key)
            calendar = Calendar(self._clock.now(), self.settings)
            snapshot = calendar.withdraw_expired(saved) if saved else None
            if snapshot and (snapshot.subusers or snapshot.own):
                self._swap(snapshot)
                self._reader.resume(snapshot, key)
                self.health = Health(is_restored=True)
                self._telemetry.observe_restore()
                self._compare(self._load_history(state, key))
        except (OSError, ValueError, KeyUnavailable, TooManySeries) as err:
            _log.warning("cannot restore scores", extra=self._about(error=str(err)))
        except Exception:  # noqa: BLE001
            # Whatever a file holds, its account must be polled.
            _log.exception("scores not restored by a defect in seq-exporter", extra=self._about())

    def recall(self) -> History:
        """Return the overall scores of earlier days, as far as they are saved.

        Any thread may call it. Logs a new failure, raises nothing: SendGrid can be asked instead.
        """
        state = self.state
        if not state:
            return NO_HISTORY
        try:
            with self._history_lock:
                history = self._load_history(state, self.account.api_key.read())
        except (OSError, KeyUnavailable) as err:
            if self._recall_failure != str(err):  # whoever views pages must not fill the log
                _log.warning("cannot read earlier scores", extra=self._about(error=str(err)))
            self._recall_failure = str(err)
            return NO_HISTORY
        self._recall_failure = ""
        return history

    def republish(self, account: Account) -> None:
        """Take over `account`, which has the same scores; publish the held ones as it asks for.

        If these are too many series, the page stays as it was, and the next poll fails for that
        reason.
        """
        with contextlib.suppress(TooManySeries):
            self.writer.choose(account.series, account.max_series)
        self.account = account
        self._telemetry.observe_series(self.writer.series)
        self._telemetry.publish()

    def poll(self) -> float:
        """Poll once and publish the result; return the seconds until the next poll is due.

        A failure is counted and logged here, and leaves the last good scores in place. Raises
        PollStopped, and nothing else.
        """
        started, api_key = self._clock.monotonic(), self.account.api_key
        try:
            self._reader.account, self._reader.settings = self.account, self.settings
            self.writer.update(self._reader.calendar.withdraw_expired(self.writer.snapshot))
            self._telemetry.observe_series(self.writer.series)
            failures, anomalies = self._update()
        except PollStopped:
            raise
        except PollError as err:
            failures, anomalies = [err], Anomalies()
        except Exception as err:  # noqa: BLE001
            # A defect in one account must not end the polls of the others, or its own later ones.
            _log.exception("poll failed by a defect in seq-exporter", extra=self._about())
            failures = [PollError(f"a defect in seq-exporter: {type(err).__name__}")]
            anomalies = Anomalies()
        seconds = self._clock.monotonic() - started
        pause_seconds = self._conclude(failures, api_key, seconds)
        self._report(failures, anomalies, seconds, pause_seconds)
        return pause_seconds

    def stop(self) -> None:
        """End a running poll at its next pause; its result is not published."""
        self._stopped.set()

    def _update(self) -> tuple[list[PollError], Anomalies]:
        """Read what may be new and publish it; return the failures and the anomalies."""
        held = self.writer.snapshot
        with self._sessions.lend() as self._reader.session:
            reading = self._reader.read_newest(held)
        failures = list(reading.failures.values())
        try:
            self._publish(held, reading.snapshot)
        except TooManySeries as err:
            failures.append(err.with_traceback(None))
        else:
            if reading.key:
                self._save(reading.key, reading.snapshot)
            self._note_misfit(reading.snapshot.subusers)
        return failures, reading.anomalies

    def _publish(self, held: Snapshot, snapshot: Snapshot) -> None:
        is_new = snapshot.subusers is not held.subusers or snapshot.own is not held.own
        if is_new or self.writer.is_behind:
            subusers = snapshot.subusers and snapshot.subusers.keep_derived(held.subusers)
            self._swap(replace(snapshot, subusers=subusers))
        if is_new:
            self._is_saved = False
            self._note_new_days(held, snapshot)

    def _swap(self, snapshot: Snapshot) -> None:
        """Publish `snapshot`. Raises TooManySeries."""
        before = self.writer.series
        self.writer.swap(snapshot)
        series = self.writer.series
        self._telemetry.observe_series(series)
        if before < _MANY_SERIES <= series:
            _log.warning("many series: see docs/scaling.md", extra=self._about(series=series))

    def _save(self, key: Secret, snapshot: Snapshot) -> None:
        """Save scores that are new, or that could not be saved before, and compare them."""
        if not self.state or self._is_saved or self._stopped.is_set():
            return
        ours = self._reader.withhold_others(snapshot, key)
        try:
            if ours.subusers or ours.own:
                self.state.save(self.account, key, ours)
            if ours.subusers and ours.subusers.has_scores:
                self._remember(self.state, key, ours.subusers)
            self._is_saved = ours == snapshot
        except OSError as err:
            self._telemetry.observe_save_failure()
            _log.warning("cannot save scores", extra=self._about(error=str(err)))

    def _remember(self, state: StateFolder, key: Secret, subusers: SubuserScores) -> None:
        """Add the scores to the history, and compare them with it. Raises OSError.

        Saves it only if they are other scores than those known of their day.
        """
        with self._history_lock:
            known = self._load_history(state, key)
            history = known.record(subusers.day, subusers.overall_by_user)
            self._compare(history)
            if history != known:
                state.save_history(self.account, key, history)

    def _load_history(self, state: StateFolder, key: Secret) -> History:
        """Return the saved history, an empty one if there is none. Raises OSError."""
        try:
            return state.load_history(self.account, key) or NO_HISTORY
        except ValueError as err:
            _log.warning("cannot restore earlier scores", extra=self._about(error=str(err)))
            return NO_HISTORY

    def _compare(self, history: History) -> None:
        """Publish by how much the scores have changed from 7 days before."""
        held = self.writer.snapshot
        if held.subusers:
            week_before = history.read(held.subusers.day - _WEEK)
            self.writer.update(replace(held, subusers=held.subusers.compare(week_before)))

    def _note_misfit(self, subusers: SubuserScores | None) -> None:
        """Warn if the choice of subusers begins to fit nobody: no poll fails because of it."""
        if not subusers or subusers.by_label:
            self._is_misfit = False
        elif not self._is_misfit:
            error = self._reader.explain_misfit()
            self._is_misfit = bool(error)
            if error:
                _log.warning("no subuser is published", extra=self._about(error=error))

    def _note_new_days(self, held: Snapshot, snapshot: Snapshot) -> None:
        # If the previous poll failed, the day may have been there for long.
        has_looked = self.health.last_success is not None and not self.health.failure
        for scope, old, new in (
            ("subusers", held.subusers, snapshot.subusers),
            ("own", held.own, snapshot.own),
        ):
            if new and new.has_scores and (old is None or old.day != new.day):
                _log.info("scores of a new day", extra=self._about(scope=scope, day=str(new.day)))
                self._telemetry.observe_new_day(scope, self._clock.now() if has_looked else None)

    def _report(
        self,
        failures: list[PollError],
        anomalies: Anomalies,
        seconds: float,
        pause_seconds: float,
    ) -> None:
        reason = failures[0].reason if failures else None
        self._telemetry.observe_poll(self._clock.now(), seconds, reason, anomalies.counts)
        if anomalies.counts:
            found = {
                kind: f"{count}, {anomalies.examples[kind]}"
                for kind, count in anomalies.counts.items()
            }
            _log.warning("values from SendGrid are not as documented", extra=self._about(**found))
        if failures:
            errors = "; ".join(map(str, failures))
            next_poll = round(pause_seconds)
            about = self._about(reason=reason, error=errors, next_poll_seconds=next_poll)
            _log.warning("poll failed", extra=about)
        else:
            _log.debug("poll succeeded", extra=self._about(seconds=round(seconds, 3)))

    def _conclude(self, failures: list[PollError], api_key: ApiKey, seconds: float) -> float:
        """Note how the poll with `api_key` went; return the seconds until the next one.

        The poll took `seconds`.
        """
        now = self._clock.now()
        waits = [err.wait_seconds or 0.0 for err in failures]
        blocked_seconds = min(max(waits, default=0.0), _LONGEST_PAUSE_SECONDS)
        self._blocked = api_key, self._clock.monotonic() + blocked_seconds
        # From start to start: otherwise the hourly reading of a large account would fall behind.
        pause = max(self.settings.interval_seconds - seconds, blocked_seconds, _SHORTEST_PAUSE)
        self.health = Health(
            last_poll=now,
            last_success=self.health.last_success if failures else now,
            next_poll=now + pause,
            failure=str(failures[0]) if failures else None,
            reason=failures[0].reason if failures else None,
            is_restored=self.health.is_restored and bool(failures),
        )
        return pause

    def _about(self, **fields: object) -> dict[str, object]:
        return {"account": self.account.name, **fields}

    def _pause(self, seconds: float) -> None:
        self._paused_until = self._clock.monotonic() + seconds
        self._sleep(seconds)

    def _sleep_unless_stopped(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise PollStopped
