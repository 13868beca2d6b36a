"""What is asked of SendGrid to explain one score: a month of it, and how the others have fared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from seq_exporter.commands.progress import Advance
from seq_exporter.config.model import PollSettings
from seq_exporter.errors import (
    BadRequest,
    EndpointFailed,
    Forbidden,
    NotFound,
    PollError,
    Unauthorized,
)
from seq_exporter.scores import Score, SubuserScores
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.reader import AccountReader
from seq_exporter.trends import LEAST_CHANGE, Trend, find_trend

#: How many days are drawn, the newest included.
DAYS = 30

# Without a fall to compare with, the others are compared with their scores a week before.
_WEEK = timedelta(days=7)

# If the day to compare with has no scores, an earlier one does.
_DAYS_TO_TRY = 3

# What SendGrid answers if a key may not ask on behalf of a subuser. After any other failure, more
# requests would make it worse.
_NOT_ON_BEHALF = (Unauthorized, Forbidden, NotFound, BadRequest)


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
    no score is absent. `others` is None for the account's own score, and where there is nothing to
    compare; `failure` is why it could not be asked for.
    """

    account: str
    subuser: str
    day: date
    days: Mapping[date, Score]
    others: Others | None = None
    failure: str = ""


def read_subusers(reader: AccountReader) -> SubuserScores | None:
    """Return the newest scores of an account's subusers, None if it has none. Raises PollError."""
    return reader.read_newest().require_all().subusers


def explain_subuser(
    reader: AccountReader,
    newest: SubuserScores,
    subuser: str,
    settings: PollSettings,
    advance: Advance,
) -> Evidence:
    """Return the evidence on `subuser`, one of those in `newest`. Raises PollError.

    This takes one request and a reading of the subusers' scores of an earlier day. If that reading
    fails, the rest is explained all the same. `advance` counts days that are read one by one.
    """
    days = _fetch_days(reader, newest.by_label[subuser], newest.day, settings, advance)
    trend = find_trend({day: each.overall for day, each in days.items()})
    evidence = Evidence(reader.account.name, subuser, newest.day, days)
    if trend and (trend.change > 0 or trend.is_over):
        return evidence  # the others explain only a fall that lasts
    try:
        return replace(evidence, others=_compare_others(newest, subuser, trend, reader))
    except PollError as err:
        return replace(evidence, failure=str(err))


def explain_own(reader: AccountReader) -> Evidence | None:
    """Return the evidence on the account's own score, None if it has none. Raises PollError."""
    own = reader.read_newest().require_all().own
    if own is None:
        return None
    first = own.day - timedelta(days=DAYS - 1)
    days = {**reader.connect().fetch_own_days(first, own.day), own.day: own.score}
    return Evidence(reader.account.name, "", own.day, days)


def _fetch_days(
    reader: AccountReader, newest: Score, day: date, settings: PollSettings, advance: Advance
) -> Mapping[date, Score]:
    """Return the scores of one subuser by day.

    SendGrid answers for all days at once if it is asked on behalf of the subuser. Otherwise it is
    asked for the scores of all subusers, day by day.
    """
    days = [day - timedelta(days=back) for back in range(1, DAYS)]
    found = _ask_on_behalf(reader, newest, days[-1], day, settings)
    if not found:
        found = {}
        sendgrid = reader.connect()
        for earlier in days:
            if score := _find_user(sendgrid, newest.user_id, earlier):
                found[earlier] = score
            advance(1, f"{reader.account.name} {earlier}")
    return {**found, day: newest}


def _ask_on_behalf(
    reader: AccountReader, newest: Score, first: date, last: date, settings: PollSettings
) -> dict[date, Score]:
    """Return the scores of one subuser by day, in one request; none if that is not possible."""
    name = newest.username or ""
    # A header holds nothing else; and a customer account has its own form of it.
    can_be_header = name.isascii() and name.isprintable() and name == name.strip()
    if not name or not can_be_header or name.startswith("account-id "):
        return {}
    if reader.account.on_behalf_of:
        return {}
    behalf = replace(reader.account, on_behalf_of=name)
    try:
        with AccountReader(behalf, settings, clock=reader.clock) as one:
            found = one.connect().fetch_own_days(first, last)
    except _NOT_ON_BEHALF:
        return {}
    # A proxy may drop the header: SendGrid then answers for the account itself.
    is_theirs = all(score.user_id == newest.user_id for score in found.values())
    return dict(found) if is_theirs else {}


def _find_user(sendgrid: SendGrid, user_id: str, day: date) -> Score | None:
    try:
        scores = sendgrid.fetch_subusers(day) or ()
    except EndpointFailed:  # this day alone fails
        return None
    return next((score for score in scores if score.user_id == user_id), None)


def _compare_others(
    newest: SubuserScores, subuser: str, trend: Trend | None, reader: AccountReader
) -> Others | None:
    """Compare with the day before the fall, or a week ago; None if there are no scores then."""
    since = trend.day - timedelta(days=1) if trend else newest.day - _WEEK
    sendgrid = reader.connect()
    for day in (since - timedelta(days=back) for back in range(_DAYS_TO_TRY)):
        before = {each.user_id: each.overall for each in sendgrid.fetch_subusers(day) or ()}
        losses = {
            label: round(then - score.overall, 1)
            for label, score in newest.by_label.items()
            if label != subuser
            and score.overall is not None
            and (then := before.get(score.user_id)) is not None
        }
        if losses:
            fallen = {label: loss for label, loss in losses.items() if loss >= LEAST_CHANGE}
            order = sorted(fallen, key=lambda label: (-fallen[label], label))
            return Others(day, len(losses), {label: fallen[label] for label in order})
    return None
