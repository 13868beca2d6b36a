"""One account's view of SendGrid's API: pages, 202 and retries; JSON in, scores out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from seq_exporter.errors import (
    ConnectionFailed,
    MalformedResponse,
    RateLimited,
    ServerFailed,
    TimedOut,
)
from seq_exporter.scores import Score
from seq_exporter.sendgrid.parsing import Anomalies, clean, is_name, parse_date, parse_item
from seq_exporter.sendgrid.transport import Endpoint, Transport

SUBUSERS_SCORES = Endpoint("subusers_scores", "/v3/engagementquality/subusers/scores")
_SCORES = Endpoint("scores", "/v3/engagementquality/scores")
SUBUSERS = Endpoint("subusers", "/v3/subusers")

SCORES_PAGE = 1000
SUBUSERS_PAGE = 500

# No list is longer: one that never ends would fill the memory, and use up the rate limit. Nor has
# it more pages than that takes.
MOST_USERS = 2_000_000

_TRIES = 3
# Up to here a poll waits for the rate limit; beyond, it is given up until then.
_LONGEST_WAIT_SECONDS = 60.0


class ScoresPage(NamedTuple):
    """One page of a day's scores, and the cursor to the next."""

    scores: list[Score]
    cursor: str | None
    has_unreadable: bool

    def is_last(self, new_users: int) -> bool:
        """Whether no page follows this one, which told of `new_users`.

        Where all are known already, there is no more: the vendor's own example repeats its cursor,
        and would never end. An item that cannot be read is no sign of that: a page of such items
        must not cost those that follow.
        """
        return self.cursor is None or not (new_users or self.has_unreadable)


class NamePage(NamedTuple):
    """Usernames by user_id, and the offset of what comes after them."""

    names: dict[str, str]
    next_offset: int


@dataclass(frozen=True, slots=True)
class SendGrid:
    """Asks SendGrid for scores, in as few requests as that takes.

    Every method raises a PollError if there is no answer, after retries where they can help.
    `sleep` pauses for seconds, and raises PollStopped when the answer is no longer wanted.
    """

    transport: Transport
    sleep: Callable[[float], None]
    anomalies: Anomalies

    def fetch_subusers(
        self, day: date, known: Mapping[str, Score] | None = None
    ) -> list[Score] | None:
        """Return the scores of all subusers on `day`, or None while they are not calculated.

        A day is there when its last page is: one that answers 202 on a later page is not yet.
        Where a score is as `known` has it by user_id, it is that one, with the username known.
        """
        scores: dict[str, Score] = {}
        known = known or {}
        cursor: str | None = None
        cursors = {cursor}
        while len(scores) <= MOST_USERS and len(cursors) <= MOST_USERS // SCORES_PAGE:
            page = self.fetch_page(day, cursor)
            if page is None:
                return None
            users_before = len(scores)
            for score in page.scores:
                scores.setdefault(score.user_id, _prefer(known.get(score.user_id), score))
            cursor = page.cursor
            if cursor in cursors or page.is_last(len(scores) - users_before):
                return list(scores.values())
            cursors.add(cursor)
        raise endless(SUBUSERS_SCORES)

    def fetch_page(self, day: date, cursor: str | None = None) -> ScoresPage | None:
        """Return the page of `day` after `cursor`, or the first; None while not calculated."""
        params = {"date": day.isoformat(), "limit": str(SCORES_PAGE)}
        if cursor is not None:
            params["after_key"] = cursor
        answer = self._ask(SUBUSERS_SCORES, params)
        if answer is None:
            return None
        items = _result_of(answer, SUBUSERS_SCORES)
        scores = []
        for item in items:
            score = parse_item(item, self.anomalies)
            if score:
                scores.append(score)
                self._check_date(item, day, score)
        return ScoresPage(scores, _cursor_of(answer), has_unreadable=len(scores) < len(items))

    def fetch_own(self, day: date) -> Score | None:
        """Return the account's own score on `day`, or None while it is not calculated.

        One day at a time: for a range, SendGrid's description leaves open whether it answers 202
        while only a part of it is calculated.
        """
        answer = self._ask(_SCORES, {"from": day.isoformat(), "to": day.isoformat()})
        if answer is None:
            return None
        # The day asked for comes first, should there be others.
        items = sorted(_result_of(answer, _SCORES), key=lambda item: parse_date(item) != day)
        for item in items:
            score = parse_item(item, self.anomalies)
            if score:
                self._check_date(item, day, score)
                return score
        return Score("")  # calculated, and not eligible

    def fetch_own_days(self, first: date, last: date) -> Mapping[date, Score]:
        """Return what one request tells of the account's own scores from `first` to `last`.

        A day that is absent may be there all the same: `fetch_own` asks for it alone. SendGrid
        answers for up to 90 days at once.
        """
        params = {"from": first.isoformat(), "to": last.isoformat()}
        answer = self._ask(_SCORES, params)
        found: dict[date, Score] = {}
        for item in _result_of(answer, _SCORES) if answer is not None else ():
            day = parse_date(item)
            score = parse_item(item, self.anomalies)
            if score and day and first <= day <= last:
                found.setdefault(day, score)
        return found

    def list_usernames(self) -> Iterator[Mapping[str, str]]:
        """Return the username of each subuser by user_id, page by page: those not scored too."""
        known: set[str] = set()
        offset = 0
        for _ in range(MOST_USERS // SUBUSERS_PAGE):
            page = self.fetch_usernames(offset)
            # A short page is no proof of the end: SendGrid may cap pages lower than asked.
            if page.names.keys() <= known:
                return
            yield page.names
            known |= page.names.keys()
            offset = page.next_offset
            if len(known) > MOST_USERS:
                break
        raise endless(SUBUSERS)

    def fetch_usernames(self, offset: int) -> NamePage:
        """Return one page of that list, after `offset` subusers."""
        page = self._ask(SUBUSERS, {"limit": str(SUBUSERS_PAGE), "offset": str(offset)})
        if not isinstance(page, list):
            raise MalformedResponse(f"{SUBUSERS.path} answers no list")
        names = dict(filter(None, map(_parse_subuser, page)))
        return NamePage(names, offset + len(page))

    def _check_date(self, item: Mapping[str, Any], day: date, score: Score) -> None:
        # The day asked for holds: a date is optional here, and the request leaves no doubt.
        if "date" in item and parse_date(item) != day:
            self.anomalies.note("date", score.user_id, item["date"])

    def _ask(self, endpoint: Endpoint, params: Mapping[str, str]) -> Any | None:
        """Ask up to _TRIES times, with pauses that grow and differ from process to process."""
        pause = 0.0
        for tries in range(1, _TRIES + 1):
            self.sleep(pause)  # of 0 seconds too: it is where a poll that was stopped ends
            pause = 2.0 ** (tries - 1) * random.uniform(0.75, 1.25)  # noqa: S311
            try:
                return self.transport.get(endpoint, params)
            except (ConnectionFailed, TimedOut, ServerFailed):
                if tries == _TRIES:
                    raise
            except RateLimited as err:
                wait = err.wait_seconds or 0.0
                if tries == _TRIES or wait > _LONGEST_WAIT_SECONDS:
                    raise
                pause = max(pause, wait)
        raise AssertionError("unreachable: the last try returns or raises")


def endless(endpoint: Endpoint) -> MalformedResponse:
    """Return the error for a list that does not end."""
    return MalformedResponse(f"{endpoint.path} has no last page: is base_url SendGrid?")


def _prefer(known: Score | None, score: Score) -> Score:
    """Return the one that is `known` if it says the same, so that `score` is not kept beside it."""
    if known and score.username is None:
        score = score._replace(username=known.username)
    return known if known == score else score


def _parse_subuser(item: Any) -> tuple[str, str] | None:
    """Return user_id and username of an item of the list of subusers, or None if it lacks them."""
    if not isinstance(item, Mapping) or not is_name(item.get("username")):
        return None
    user_id = str(item.get("id"))
    return (clean(user_id), clean(item["username"])) if is_name(user_id) else None


def _result_of(answer: Any, endpoint: Endpoint) -> list[Any]:
    result = answer.get("result") if isinstance(answer, Mapping) else None
    if not isinstance(result, list):
        raise MalformedResponse(
            f"{endpoint.path} answers JSON without a list called result: is base_url SendGrid?"
        )
    return result


def _cursor_of(page: Mapping[str, Any]) -> str | None:
    """Return `_metadata.next_params.after_key`, a text or, to be liberal, a number.

    It is None on the last page, which lacks it or any of what is around it. What is there and
    cannot be read is no last page: half a fleet would be taken for the whole one.
    """
    found: Any = page
    for name in ("_metadata", "next_params", "after_key"):
        if not isinstance(found, Mapping):
            raise MalformedResponse(f"{SUBUSERS_SCORES.path} answers no object before {name}")
        found = found.get(name)
        if not found:  # an empty list too: what some servers make of an empty object
            return None
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not is_name(found) or found != clean(found):
        raise MalformedResponse(f"{SUBUSERS_SCORES.path} answers an after_key that is none")
    return found
