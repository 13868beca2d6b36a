"""What is asked of SendGrid to explain one score: a month of it, and how the others have fared."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from seq_exporter.config.model import PollSettings
from seq_exporter.errors import AccountUnavailable, EndpointFailed
from seq_exporter.scores import Score, SubuserScores
from seq_exporter.sendgrid.reader import AccountReader
from seq_exporter.trends import LEAST_CHANGE, find_trend

#: How many days are drawn, the newest included.
DAYS = 30

# Without a fall to compare with, the others are compared with their scores a week before.
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Others:
    """How the account's other subusers have fared since `day`.

    `fallen` are those that lost half a point or more, by label: the most first. `compared` is how
    many have a score on both days.
    """

    day: date
    compared: int
    fallen: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What explains a score: that of a subuser, or the account's own if `subuser` is empty.

    `days` has the user's scores by day, up to the newest day `day`; a day on which SendGrid names
    no score is absent. `others` is None for the account's own score.
    """

    account: str
    subuser: str
    day: date
    days: Mapping[date, Score]
    others: Others | None


def read_subusers(reader: AccountReader) -> SubuserScores | None:
    """Return the newest scores of an account's subusers, None if it has none. Raises PollError."""
    reading = reader.read_newest()
    for error in reading.failures.values():
        raise error
    return reading.snapshot.subusers


def explain_subuser(
    reader: AccountReader, newest: SubuserScores, subuser: str, settings: PollSettings
) -> Evidence:
    """Return the evidence on `subuser`, one of those in `newest`. Raises PollError.

    This takes one request and a reading of the subusers' scores of an earlier day.
    """
    score = newest.by_label[subuser]
    days = _fetch_days(reader, score, newest.day, settings)
    trend = find_trend({day: each.overall for day, each in days.items()})
    since = trend.day - timedelta(days=1) if trend else newest.day - _WEEK
    others = _compare_others(newest, subuser, since, reader)
    return Evidence(reader.account.name, subuser, newest.day, days, others)


def explain_own(reader: AccountReader) -> Evidence | None:
    """Return the evidence on the account's own score, None if it has none. Raises PollError."""
    reading = reader.read_newest()
    for error in reading.failures.values():
        raise error
    own = reading.snapshot.own
    if own is None:
        return None
    first = own.day - timedelta(days=DAYS - 1)
    days = {**reader.connect().fetch_own_days(first, own.day), own.day: own.score}
    return Evidence(reader.account.name, "", own.day, days, None)


def _fetch_days(
    reader: AccountReader, newest: Score, day: date, settings: PollSettings
) -> Mapping[date, Score]:
    """Return the scores of one subuser by day.

    SendGrid answers for all days at once if it is asked on behalf of the subuser. A key may lack
    that right, and a customer account's subusers cannot be asked for so: then it is asked for the
    scores of all subusers, day by day.
    """
    days = [day - timedelta(days=back) for back in range(1, DAYS)]
    if newest.username and not reader.account.on_behalf_of:
        behalf = replace(reader.account, on_behalf_of=newest.username)
        with (
            contextlib.suppress(AccountUnavailable, EndpointFailed),
            AccountReader(behalf, settings, clock=reader.clock) as one,
        ):
            return {**one.connect().fetch_own_days(days[-1], day), day: newest}
    sendgrid = reader.connect()
    found = {
        earlier: score
        for earlier in days
        for score in sendgrid.fetch_subusers(earlier) or ()
        if score.user_id == newest.user_id
    }
    return {**found, day: newest}


def _compare_others(
    newest: SubuserScores, subuser: str, since: date, reader: AccountReader
) -> Others:
    before = {each.user_id: each.overall for each in reader.connect().fetch_subusers(since) or ()}
    losses = {
        label: round(then - score.overall, 1)
        for label, score in newest.by_label.items()
        if label != subuser
        and score.overall is not None
        and (then := before.get(score.user_id)) is not None
    }
    fallen = {label: loss for label, loss in losses.items() if loss >= LEAST_CHANGE}
    order: Sequence[str] = sorted(fallen, key=lambda label: (-fallen[label], label))
    return Others(since, len(losses), {label: fallen[label] for label in order})
