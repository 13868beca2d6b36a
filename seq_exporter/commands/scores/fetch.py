"""Reads the newest scores of accounts, and those of earlier days to compare them with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from seq_exporter.commands.asking import ask_all
from seq_exporter.commands.progress import Advance
from seq_exporter.commands.scores.columns import CHANGES
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.errors import BadRequest, EndpointFailed, PollError
from seq_exporter.scores import DAYS_KEPT, Snapshot
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.reader import AccountReader


@dataclass(frozen=True, slots=True)
class Period:
    """The days to read: the newest or `day`, and `history` days for a graph, including that day."""

    day: date | None = None
    history: int = 0

    @property
    def days_back(self) -> list[int]:
        """How many days before the newest each further day is, the latest first."""
        return sorted({*CHANGES, *range(1, self.history)})


@dataclass(frozen=True)
class AccountScores:
    """An account's scores, and its overall scores of earlier days, by day and user_id.

    A day for which SendGrid does not answer is not in `earlier` or `own_earlier`.
    """

    snapshot: Snapshot
    earlier: Mapping[date, Mapping[str, float]] = field(default_factory=dict)
    own_earlier: Mapping[date, float] = field(default_factory=dict)


def fetch_all(
    accounts: Sequence[Account], settings: PollSettings, period: Period
) -> list[AccountScores | PollError]:
    """Return the scores of each account, in their order, or the error that kept it from them."""

    def fetch(reader: AccountReader, advance: Advance) -> AccountScores:
        return fetch_account(reader, period, advance)

    return ask_all(accounts, settings, fetch, steps=1 + len(period.days_back))


def fetch_account(reader: AccountReader, period: Period, advance: Advance) -> AccountScores:
    """Return the account's scores of `period`; `advance` counts days. Raises PollError."""

    def step() -> None:
        advance(1, reader.account.name)

    snapshot = reader.read_day(period.day) if period.day else reader.read_newest().require_all()
    step()
    subusers, own = snapshot.subusers, snapshot.own
    sendgrid = reader.connect()
    oldest = reader.clock.today() - timedelta(DAYS_KEPT)
    return AccountScores(
        snapshot,
        _fetch_earlier(sendgrid, subusers.day, period, oldest, step) if subusers else {},
        _fetch_own_earlier(sendgrid, own.day, period, oldest) if own else {},
    )


def _fetch_earlier(
    sendgrid: SendGrid, newest: date, period: Period, oldest: date, step: Callable[[], None]
) -> Mapping[date, Mapping[str, float]]:
    found = {}
    for day in (newest - timedelta(days) for days in period.days_back):
        try:
            scores = sendgrid.fetch_subusers(day) if day >= oldest else None
        except EndpointFailed:
            scores = None  # this day alone fails
        if scores is not None:
            overall = {each.user_id: each.overall for each in scores}
            found[day] = {who: score for who, score in overall.items() if score is not None}
        step()
    return found


def _fetch_own_earlier(
    sendgrid: SendGrid, newest: date, period: Period, oldest: date
) -> Mapping[date, float]:
    """Return the account's own scores of the days that SendGrid keeps, in one request.

    SendGrid refuses a range as a whole if its first day is too old. Around midnight, that may be
    `oldest`: then the range begins a day later.
    """
    days = [newest - timedelta(days) for days in period.days_back]
    kept = sorted(day for day in days if day >= oldest)
    for wanted in (kept, kept[1:]):
        if not wanted:
            break
        try:
            found = sendgrid.fetch_own_days(wanted[0], wanted[-1])
        except BadRequest:
            continue
        except EndpointFailed:
            break
        overall = {day: score.overall for day, score in found.items()}
        return {day: score for day, score in overall.items() if score is not None}
    return {}
