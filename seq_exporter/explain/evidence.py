"""What is asked of SendGrid to explain one score: a month of it, and how the others have fared."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from seq_exporter.errors import (
    BadRequest,
    EndpointFailed,
    Forbidden,
    NoMoreRequests,
    NotFound,
    PollError,
    Unauthorized,
)
from seq_exporter.history import NO_HISTORY, History
from seq_exporter.scores import SubuserScores
from seq_exporter.trends import find_trend, is_news

if TYPE_CHECKING:  # whoever asks has imported it; `serve` answers before it does
    from seq_exporter.score import Score
    from seq_exporter.sendgrid.client import SendGrid
    from seq_exporter.sendgrid.reader import AccountReader

#: How many days are drawn, the newest included.
DAYS = 30

# Without a fall to compare with, the others are compared with their scores a week before.
_WEEK = timedelta(days=7)

# If the day to compare with has no scores, an earlier one does.
_DAYS_TO_TRY = 3

# How many of those that fell are named.
_MOST_NAMES = 5

# What SendGrid answers if a key may not ask on behalf of a subuser. After any other failure, more
# requests would make it worse.
_NOT_ON_BEHALF = (Unauthorized, Forbidden, NotFound, BadRequest)


@dataclass(frozen=True, slots=True)
class Others:
    """How the account's other subusers have fared since `day`.

    `compared` is how many have a score on both days, and `fallen` how many of them lost half a
    point or more. `most_fallen` are those that lost most, by label: the most first. There are few,
    so that what is kept of a page does not grow with the fleet. `is_partial` is whether the account
    has more subusers, which are not published: nobody knows whether those fell.
    """

    day: date
    compared: int
    fallen: int
    most_fallen: Mapping[str, float]
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What explains a score: that of a subuser, or the account's own if `subuser` is empty.

    `days` has the user's scores by day, up to the newest day `day`; a day on which SendGrid names
    no score is absent. `gap` is why earlier days were not asked for, if they were not: those that
    are saved have an overall score and no metrics.

    `others` is None for the account's own score, and where there is nothing to compare; `failure`
    is why it could not be asked for. `is_refused` is whether SendGrid does not let the key ask on
    behalf of the subuser. `asked_at` is when a page asked SendGrid, in epoch seconds;
    None if it did not.
    """

    account: str
    subuser: str
    day: date
    days: Mapping[date, Score]
    others: Others | None = None
    failure: str = ""
    gap: str = ""
    is_refused: bool = False
    asked_at: float | None = field(default=None, compare=False)


#: Returns the scores of all users of an account on a day, by user_id; none if there are none yet.
ReadDay = Callable[[date], Mapping[str, "Score"]]

#: Returns the overall scores of a day, by user_id; none if it has none.
FindDay = Callable[[date], Mapping[str, float]]

#: Returns the scores that are saved now.
Recall = Callable[[], History]

#: Is called after each day that is read, with 1 and what was read.
Advance = Callable[[int, str], None]


def read_subusers(reader: AccountReader) -> SubuserScores | None:
    """Return the newest scores of an account's subusers, None if it has none. Raises PollError."""
    return reader.read_newest().require_all().subusers


def read_day(sendgrid: SendGrid, day: date) -> Mapping[str, Score]:
    """Return the scores of all users on `day`, by user_id. Raises PollError."""
    return {score.user_id: score for score in sendgrid.fetch_subusers(day) or ()}


def explain_subuser(
    reader: AccountReader,
    newest: SubuserScores,
    subuser: str,
    *,
    read: ReadDay | None = None,
    recall: Recall = lambda: NO_HISTORY,
    on_behalf: bool = True,
    advance: Advance = lambda steps, text: None,
) -> Evidence:
    """Return the evidence on `subuser`, one of those in `newest`. Raises PollError.

    This takes one request on behalf of the subuser, and a reading of the subusers' scores of an
    earlier day. If that reading fails, the rest is explained all the same. If SendGrid does not
    answer on behalf of the subuser, or is not to be asked so, the month is read day by day.

    `read` replaces the reading of a day. It may raise NoMoreRequests, and so may the `reader`: then
    the evidence is what is known by then, and what is saved. The others are compared with the saved
    scores, if they are of that day. `advance` counts days that are read one by one.
    """
    read = read or partial(read_day, reader.connect())
    recall = cache(recall)  # a file, which is large in a large fleet
    evidence, is_answered = _ask_on_behalf(reader, newest, subuser, on_behalf)
    if not is_answered and not evidence.gap:
        evidence = _read_days(evidence, read, advance)
    if evidence.gap:
        return recall_days(evidence, newest, recall)

    def find(day: date) -> Mapping[str, float]:
        if saved := _recall_day(recall(), newest, day):
            return saved
        found = read(day).items()
        return {user_id: score.overall for user_id, score in found if score.overall is not None}

    return _add_others(evidence, newest, find)


def recall_days(evidence: Evidence, newest: SubuserScores, recall: Recall) -> Evidence:
    """Return `evidence` with the saved overall scores of days that it does not have.

    The others are compared with saved scores too: this asks SendGrid for nothing.
    """
    # Here, because it imports msgspec: the start does not wait for it.
    from seq_exporter.score import Score

    saved = recall()
    if not saved.days:
        return evidence
    user_id = evidence.days[evidence.day].user_id
    first = evidence.day - timedelta(days=DAYS - 1)
    recalled = {
        day: Score(user_id, overall=overall)
        for day, overall in saved.read_user(user_id).items()
        if first <= day < evidence.day
    }
    known = replace(evidence, days={**recalled, **evidence.days})
    return _add_others(known, newest, partial(_recall_day, saved, newest))


def explain_own(reader: AccountReader) -> Evidence | None:
    """Return the evidence on the account's own score, None if it has none. Raises PollError."""
    own = reader.read_newest().require_all().own
    if own is None:
        return None
    first = own.day - timedelta(days=DAYS - 1)
    days = {**reader.connect().fetch_own_days(first, own.day), own.day: own.score}
    return Evidence(reader.account.name, "", own.day, days)


def _ask_on_behalf(
    reader: AccountReader, newest: SubuserScores, subuser: str, is_possible: bool
) -> tuple[Evidence, bool]:
    """Return the evidence with all days, in one request, and whether SendGrid has answered it.

    Otherwise the evidence has the newest day only, and a `gap` if no more requests may be made.
    """
    known, day = newest.by_label[subuser], newest.day
    evidence = Evidence(reader.account.name, subuser, day, {day: known})
    is_possible = is_possible and not reader.account.on_behalf_of
    if not is_possible or not _can_be_header(known.username or ""):
        return evidence, False
    try:
        client = reader.connect(on_behalf_of=known.username or "")
        found = client.fetch_own_days(day - timedelta(days=DAYS - 1), day)
    except NoMoreRequests as err:
        return replace(evidence, gap=str(err)), False
    except _NOT_ON_BEHALF:
        return replace(evidence, is_refused=True), False
    # A proxy may drop the header: SendGrid then answers for the account itself.
    is_theirs = bool(found) and all(each.user_id == known.user_id for each in found.values())
    return (replace(evidence, days={**found, day: known}), True) if is_theirs else (evidence, False)


def _can_be_header(name: str) -> bool:
    """Whether SendGrid can be asked on behalf of a subuser of this name.

    A header holds nothing else; and a customer account has its own form of it.
    """
    is_text = bool(name) and name.isascii() and name.isprintable() and name == name.strip()
    return is_text and not name.startswith("account-id ")


def _read_days(evidence: Evidence, read: ReadDay, advance: Advance) -> Evidence:
    """Return `evidence` with the earlier days: all subusers' scores, day by day, the newest first.

    Ends with a `gap` when no more requests may be made.
    """
    (known,) = evidence.days.values()
    found = dict(evidence.days)
    for day in (evidence.day - timedelta(days=back) for back in range(1, DAYS)):
        try:
            score = read(day).get(known.user_id)
        except EndpointFailed:  # this day alone fails
            score = None
        except NoMoreRequests as err:
            return replace(evidence, days=found, gap=str(err))
        if score:
            found[day] = score
        advance(1, f"{evidence.account} {day}")
    return replace(evidence, days=found)


def _recall_day(saved: History, newest: SubuserScores, day: date) -> Mapping[str, float]:
    """Return the saved overall scores of `day`; none if most of those in `newest` have none there.

    SendGrid fills a day over hours, and the poll that saved it may have been an early one.
    """
    found, scored = saved.read(day), newest.overall_by_user
    return found if 2 * len(found.keys() & scored.keys()) >= len(scored) else {}


def _add_others(evidence: Evidence, newest: SubuserScores, find: FindDay) -> Evidence:
    """Return `evidence` with how the others have fared, unless the score rose or is back."""
    scores = {day: each.overall for day, each in evidence.days.items() if each.is_scored}
    trend = find_trend(scores)
    is_over = trend is not None and (trend.change > 0 or trend.is_over)
    if is_over or not newest.by_label[evidence.subuser].is_scored:
        return evidence  # the others explain only a fall that lasts
    since = max(day for day in scores if day < trend.day) if trend else newest.day - _WEEK
    try:
        return replace(evidence, others=_compare_others(newest, evidence.subuser, since, find))
    except (PollError, NoMoreRequests) as err:
        return replace(evidence, failure=str(err))


def _compare_others(
    newest: SubuserScores, subuser: str, since: date, find: FindDay
) -> Others | None:
    """Compare with what `find` returns of the day `since`, or of one before it.

    None if there are no scores then, or if no other subuser has one now.
    """
    others = {label: score for label, score in newest.by_label.items() if label != subuser}
    if not any(score.is_scored for score in others.values()):
        return None
    for day in (since - timedelta(days=back) for back in range(_DAYS_TO_TRY)):
        before = find(day)
        compared = [
            (label, then, score.overall)
            for label, score in others.items()
            if score.overall is not None and (then := before.get(score.user_id)) is not None
        ]
        if compared:
            fallen = [
                (label, round(then - now, 1))
                for label, then, now in compared
                if now < then and is_news(then, now)
            ]
            most = heapq.nsmallest(_MOST_NAMES, fallen, key=lambda each: (-each[1], each[0]))
            is_partial = newest.users > len(newest.by_label)
            return Others(day, len(compared), len(fallen), dict(most), is_partial)
    return None
