"""Asks SendGrid why a subuser's score has changed: for a page, on demand, and within bounds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from seq_exporter.clock import Clock
from seq_exporter.config.secret import Secret
from seq_exporter.errors import NoMoreRequests, PollError, PollStopped
from seq_exporter.explain.evidence import Evidence, explain_subuser, read_day, recall_days
from seq_exporter.publish.telemetry import AccountTelemetry
from seq_exporter.scores import SubuserScores
from seq_exporter.sendgrid.sessions import Sessions
from seq_exporter.serve.allowance import (
    FAILED_SECONDS,
    MOST_REQUESTS_OF_PAGE,
    Allowance,
    PagePermit,
)
from seq_exporter.serve.polling import Poller
from seq_exporter.serve.recent import Recent
from seq_exporter.threads import DaemonThreads

if TYPE_CHECKING:  # the first poll imports it, or the first page that asks
    from seq_exporter.score import Score
    from seq_exporter.sendgrid.reader import AccountReader

# How many accounts are asked at the same time.
_AT_ONCE = 4

# How long a view waits for the answer. The server closes the connection after 60 s.
_WAIT_SECONDS = 20.0

# What SendGrid answered is kept so long.
_KEPT_SECONDS = 3600.0

# Once SendGrid has refused requests on behalf of so many subusers in a row, it gets no more of them
# for an hour: many refused requests would block the key.
_MOST_REFUSALS = 3

# What is kept of all accounts together: 5 MB of months, and 10 MB of days.
_MOST_ANSWERS = 500
_MOST_SCORES = 30_000

_SCORES_OF_REQUEST = 1000


class _Asking(NamedTuple):
    """A view for which SendGrid is asked, or saved scores are read."""

    subuser: str
    task: asyncio.Task[Evidence]


class Explainer:
    """Explains the scores of all accounts; an AccountExplainer asks about those of each.

    A view waits `wait_seconds` for SendGrid at most.
    """

    def __init__(
        self, sessions: Sessions, clock: Clock, wait_seconds: float = _WAIT_SECONDS
    ) -> None:
        self.wait_seconds = wait_seconds
        self.sessions = sessions
        self.clock = clock
        # Apart from those of polls, which must not wait for views.
        self.threads = DaemonThreads(_AT_ONCE)
        self.answers = Recent[tuple[object, str], Evidence](_MOST_ANSWERS, clock.monotonic)
        self.days: Recent[tuple[object, date], Mapping[str, Score]] = Recent(
            _MOST_SCORES, clock.monotonic, size=lambda scores: max(len(scores), 1)
        )

    def open(self, poller: Poller, telemetry: AccountTelemetry) -> AccountExplainer:
        """Return what explains the scores that `poller` reads; its requests are counted, too."""
        return AccountExplainer(self, poller, telemetry)


class AccountExplainer:
    """Explains the scores of one account's subusers; one is asked for at a time.

    Its coroutine runs in the event loop, and asks SendGrid in a thread.
    """

    def __init__(self, explainer: Explainer, poller: Poller, telemetry: AccountTelemetry) -> None:
        self._explainer = explainer
        self._clock = explainer.clock
        self._poller = poller
        self._telemetry = telemetry
        # What is kept belongs to this account and key: never to another one of the same name.
        self._owner = object()
        self._key: Secret | None = None
        self._allowance = Allowance(poller, telemetry, explainer.clock)
        self._refusals = 0
        self._no_behalf_until = 0.0
        self._asking: _Asking | None = None

    async def explain(self, subuser: str, *, may_ask: bool = True) -> Evidence | None:
        """Return the evidence on `subuser`, or None if the account does not have it now.

        What was found within the last hour is kept while its newest score is the same. If SendGrid
        must not be asked, or does not answer, the evidence is what is held, and its `gap` says why.
        Raises NoThread.
        """
        try:
            async with asyncio.timeout(self._explainer.wait_seconds):
                return await self._explain(subuser, may_ask)
        except PollStopped:
            return None
        except TimeoutError:
            subusers = self._find_subusers(subuser)
            gap = self._allowance.find_obstacle() or (
                "SendGrid has not answered yet: reload this page in a few seconds"
            )
            return self._hold(subusers, subuser, gap) if subusers else None

    def stop(self) -> None:
        """Make no more requests, and let no view wait: the account goes, or the process ends."""
        self._allowance.is_stopped = True
        if self._asking:
            self._asking.task.cancel()

    async def _explain(self, subuser: str, may_ask: bool) -> Evidence | None:
        while True:
            subusers = self._find_subusers(subuser)
            if not subusers:
                return None
            kept = self._explainer.answers.find((self._owner, subuser))
            if kept and _still_holds(kept, subusers):
                return kept
            if not self._asking:
                obstacle = self._allowance.find_obstacle()
                if not may_ask:
                    return self._hold(subusers, subuser, obstacle)
                recall = partial(self._recall, subusers, subuser, obstacle)
                task = asyncio.create_task(
                    self._explainer.threads.run(recall)
                    if obstacle
                    else self._ask(subusers, subuser)
                )
                task.add_done_callback(self._end)
                self._asking = _Asking(subuser, task)
            asking = self._asking
            await asyncio.wait([asking.task])  # all views of the same subuser wait for one task
            if asking.subuser == subuser and not asking.task.cancelled():
                return asking.task.result()

    def _find_subusers(self, subuser: str) -> SubuserScores | None:
        """Return the newest scores if `subuser` has one, and may still be explained."""
        subusers = self._poller.writer.snapshot.subusers
        is_known = subusers and subuser in subusers.by_label
        return subusers if is_known and not self._allowance.is_stopped else None

    def _end(self, task: asyncio.Task[Evidence]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()  # a view raises it, unless all have stopped waiting

    def _hold(self, subusers: SubuserScores, subuser: str, gap: str) -> Evidence:
        """Return what is known of a subuser without SendGrid; `gap` says why it is not more."""
        newest = subusers.by_label[subuser]
        kept = self._explainer.answers.find((self._owner, subuser))
        if kept and kept.days[kept.day].user_id != newest.user_id:  # another user has the name now
            kept = None
        days = {**(kept.days if kept else {}), subusers.day: newest}
        asked_at = kept.asked_at if kept else None
        name = self._poller.account.name
        return Evidence(name, subuser, subusers.day, days, gap=gap, asked_at=asked_at)

    async def _ask(self, subusers: SubuserScores, subuser: str) -> Evidence:
        explainer = self._explainer
        evidence = await explainer.threads.run(partial(self._gather, subusers, subuser))
        is_whole = not (evidence.gap or evidence.failure)
        is_final = is_whole or _count_requests(subusers) > MOST_REQUESTS_OF_PAGE
        may_change = self._allowance.has_failed or not is_final
        kept_seconds = FAILED_SECONDS if may_change else _KEPT_SECONDS
        explainer.answers.keep((self._owner, subuser), evidence, kept_seconds)
        return evidence

    def _recall(self, subusers: SubuserScores, subuser: str, gap: str) -> Evidence:
        """Return what is held and what is saved of a subuser; call it in a thread."""
        return recall_days(self._hold(subusers, subuser, gap), subusers, self._poller.recall)

    def _gather(self, subusers: SubuserScores, subuser: str) -> Evidence:
        """Ask SendGrid, in a thread. Raises PollStopped."""
        from seq_exporter.sendgrid.reader import AccountReader

        permit = PagePermit(self._allowance, self._clock)
        with self._explainer.sessions.lend() as session:
            reader = AccountReader(
                self._poller.account,
                self._poller.settings,
                observer=self._telemetry,
                session=session,
                clock=self._clock,
                sleep=permit.take,
                pause_after=lambda failures: None,  # who views the page may try again
            )
            read = partial(self._read_day, reader, permit, _count_requests(subusers))
            try:
                self._note_key(self._poller.account.api_key.read())
                on_behalf = self._clock.monotonic() >= self._no_behalf_until
                evidence = explain_subuser(
                    reader,
                    subusers,
                    subuser,
                    read=read,
                    recall=self._poller.recall,
                    on_behalf=on_behalf,
                )
            except PollError as err:
                evidence = self._recall(subusers, subuser, self._allowance.leave_alone(err))
            finally:
                self._telemetry.publish()
        self._refusals = self._refusals + 1 if evidence.is_refused else 0
        if self._refusals == _MOST_REFUSALS:
            self._no_behalf_until = self._clock.monotonic() + _KEPT_SECONDS
        return replace(evidence, asked_at=self._clock.now()) if permit.is_used else evidence

    def _note_key(self, key: Secret) -> None:
        """Forget what another key read, and may do: a file may hold another account's key now."""
        if self._key not in (None, key):
            self._owner, self._refusals, self._no_behalf_until = object(), 0, 0.0
        self._key = key

    def _read_day(
        self, reader: AccountReader, permit: PagePermit, cost: int, day: date
    ) -> Mapping[str, Score]:
        """Return all scores of a day, which costs about so many requests. Raises NoMoreRequests."""
        kept = self._explainer.days.find((self._owner, day))
        if kept is not None:
            return kept
        permit.require(cost)
        try:
            scores = read_day(reader.connect(), day)
        except PollError as err:
            raise NoMoreRequests(self._allowance.leave_alone(err)) from None
        self._explainer.days.keep((self._owner, day), scores, _KEPT_SECONDS)
        return scores


def _still_holds(evidence: Evidence, subusers: SubuserScores) -> bool:
    """Whether the newest score of the subuser is the one that `evidence` begins with."""
    newest = subusers.by_label[evidence.subuser]
    return evidence.day == subusers.day and evidence.days[evidence.day] == newest


def _count_requests(subusers: SubuserScores) -> int:
    """Return how many requests the scores of a day take: SendGrid returns those of all users."""
    users = max(subusers.users, len(subusers.by_label))
    return max(math.ceil(users / _SCORES_OF_REQUEST), 1)
