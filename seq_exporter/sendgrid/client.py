"""One account's view of SendGrid's API: JSON in, scores out, page by page and with retries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, TypeVar

from seq_exporter.errors import (
    ConnectionFailed,
    MalformedResponse,
    NotCalculated,
    RateLimited,
    ServerFailed,
    TimedOut,
)
from seq_exporter.retries import PauseAfter, backoff_seconds, retry
from seq_exporter.score import Score
from seq_exporter.scores import share
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.pages import Decode, Page, ScoresPage, UsernamesPage
from seq_exporter.sendgrid.parsing import clean, is_name, parse_date, parse_item, parse_user_id
from seq_exporter.sendgrid.transport import Endpoint, Transport

try:
    from seq_exporter.sendgrid.documented import decode_scores, decode_usernames
except ModuleNotFoundError:  # no wheel of msgspec for this platform: docs/install.md
    from seq_exporter.sendgrid.pages import (  # type: ignore[assignment]
        decode_nothing as decode_scores,
    )
    from seq_exporter.sendgrid.pages import (  # type: ignore[assignment]
        decode_nothing as decode_usernames,
    )

_SUBUSERS_SCORES = Endpoint("subusers_scores", "/v3/engagementquality/subusers/scores")
_SCORES = Endpoint("scores", "/v3/engagementquality/scores")
_SUBUSERS = Endpoint("subusers", "/v3/subusers")

_SCORES_LIMIT = 1000
_SUBUSERS_LIMIT = 500

_TRIES = 3
# A poll waits this long if SendGrid asks for a pause; if it has to wait longer, it fails, and the
# next poll waits.
_LONGEST_WAIT_SECONDS = 60.0

_Users = TypeVar("_Users")
_Position = TypeVar("_Position", str | None, int)


def pause_of_poll(failures: Sequence[Exception]) -> float | None:
    """Return how long a poll pauses after `failures` of one request; None to give up.

    It tries up to three times, with pauses that grow. It waits up to a minute if SendGrid asks for
    that: for its rate limit, or while it is out of service.
    """
    if len(failures) == _TRIES:
        return None
    pause_seconds = backoff_seconds(len(failures))
    match failures[-1]:
        case ConnectionFailed() | TimedOut():
            return pause_seconds
        case (RateLimited() | ServerFailed()) as err:
            wait_seconds = err.wait_seconds or 0.0
            if wait_seconds <= _LONGEST_WAIT_SECONDS:
                return max(pause_seconds, wait_seconds)
    return None


@dataclass(frozen=True, slots=True)
class SendGrid:
    """Asks SendGrid for scores, in as few requests as that takes.

    Every method raises a PollError if there is no answer after the retries that `pause_after`
    allows. `sleep` pauses for seconds before a request, and raises PollStopped when the answer is
    no longer wanted. A list of more than `most_users` is taken for one that never ends.
    """

    transport: Transport
    sleep: Callable[[float], None]
    anomalies: Anomalies
    most_users: int
    pause_after: PauseAfter = pause_of_poll

    def fetch_subusers(
        self, day: date, known: Mapping[str, Score] | None = None
    ) -> list[Score] | None:
        """Return the scores of all subusers on `day`, or None while they are not calculated.

        A day is complete when its last page is: a day whose later page answers 202 is not there
        yet. A score that equals the one in `known`, by user_id, is that object.
        """
        scores: list[Score] = []
        is_repeated = False
        try:
            for page in self.read_scores(day):
                scores += [share(score, known) for score in page.users] if known else page.users
                is_repeated |= page.is_repeated
        except NotCalculated:
            return None
        return _take_first(scores) if is_repeated else scores

    def read_scores(self, day: date, cursor: str | None = None) -> Iterator[ScoresPage]:
        """Yield the pages of the subusers' scores on `day`, from `cursor` or the first page on.

        Raises NotCalculated, perhaps after some pages, if SendGrid has not calculated the day.
        """
        ask = partial(self._fetch_scores, day)
        return self._read_pages(_SUBUSERS_SCORES, ask, cursor, _SCORES_LIMIT)

    def read_usernames(self, offset: int = 0) -> Iterator[UsernamesPage]:
        """Yield the pages of the list of subusers from `offset` on, unscored subusers included."""
        return self._read_pages(_SUBUSERS, self._fetch_usernames, offset, _SUBUSERS_LIMIT)

    def _read_pages(
        self,
        endpoint: Endpoint,
        ask: Callable[[_Position], Page[_Users, _Position]],
        start: _Position,
        limit: int,
    ) -> Iterator[Page[_Users, _Position]]:
        """Yield pages until there is no next one, or one brings no new user.

        The vendor's own example repeats its cursor, and would never end. A page may also be
        shorter than asked for without being the last. An item that cannot be read may be a new
        user: a page of such items must not cost the pages behind it.
        """
        known: set[str] = set()
        asked = {start}
        position = start
        while len(known) <= self.most_users and len(asked) <= self.most_users // limit:
            page = ask(position)
            before = len(known)
            known.update(page.user_ids)
            found = len(known) - before
            yield replace(page, is_repeated=found < len(page.user_ids))
            has_new = page.has_unreadable or found > 0
            position = page.following
            if position is None or position in asked or not has_new:
                return
            asked.add(position)
        raise MalformedResponse(
            f"{endpoint.path} has no last page: does base_url lead to SendGrid?"
        )

    def _fetch_scores(self, day: date, cursor: str | None) -> ScoresPage:
        params = {"date": day.isoformat(), "limit": str(_SCORES_LIMIT)}
        if cursor is not None:
            params["after_key"] = cursor
        answer = self._ask(_SUBUSERS_SCORES, params, partial(decode_scores, day))
        if answer is None:
            raise NotCalculated
        if isinstance(answer, Page):
            return answer
        items = _result_of(answer, _SUBUSERS_SCORES)
        scores = list(self._parse_scores(items, day, _SUBUSERS_SCORES))
        user_ids = [score.user_id for score in scores]
        return Page(scores, user_ids, len(scores) < len(items), _cursor_of(answer))

    def _fetch_usernames(self, offset: int) -> UsernamesPage:
        params = {"limit": str(_SUBUSERS_LIMIT), "offset": str(offset)}
        answer = self._ask(_SUBUSERS, params, partial(decode_usernames, offset))
        if isinstance(answer, Page):
            return answer
        if not isinstance(answer, list):
            raise MalformedResponse(f"{_SUBUSERS.path} does not answer with a list")
        found = [pair for pair in map(_parse_subuser, answer) if pair]
        usernames, following = dict(found), offset + len(answer)
        return Page(usernames, usernames, len(found) < len(answer), following)

    def fetch_own(self, day: date) -> Score | None:
        """Return the account's own score on `day`, or None while it is not calculated.

        One day at a time: SendGrid's description does not say whether a range answers 202 while
        only part of it is calculated.
        """
        answer = self._ask(_SCORES, {"from": day.isoformat(), "to": day.isoformat()})
        if answer is None:
            return None
        items = _result_of(answer, _SCORES)
        # If there are other days, only the one that was asked for counts.
        items = [item for item in items if parse_date(item) == day] or items
        scores = self._parse_scores(items, day, _SCORES)
        return next(scores, Score(""))  # calculated, and not eligible

    def fetch_own_days(self, first: date, last: date) -> Mapping[date, Score]:
        """Return the account's own scores from `first` to `last`, as one request returns them.

        An absent day may be calculated all the same: `fetch_own` asks for one day. SendGrid
        answers for up to 90 days at once.
        """
        params = {"from": first.isoformat(), "to": last.isoformat()}
        answer = self._ask(_SCORES, params)
        found: dict[date, Score] = {}
        others = []
        for item in _result_of(answer, _SCORES) if answer is not None else ():
            day = parse_date(item)
            score = parse_item(item, self.anomalies)
            if score and day and first <= day <= last:
                found.setdefault(day, score)
            elif day:
                others.append(day)
        if others and not found:
            raise _of_another_day(_SCORES, others[0], f"of {first} to {last}")
        return found

    def _parse_scores(self, items: Sequence[Any], day: date, endpoint: Endpoint) -> Iterator[Score]:
        """Yield the scores in `items`, which `endpoint` returned for `day`.

        The requested day counts: the date of an item is optional, and the request is unambiguous.
        """
        dates = [parse_date(item) for item in items]
        _check_day(dates, day, endpoint)
        for item, found in zip(items, dates, strict=True):
            score = parse_item(item, self.anomalies)
            if score:
                if found != day and "date" in item:
                    self.anomalies.note("date", score.user_id, item["date"])
                yield score

    def _ask(
        self, endpoint: Endpoint, params: Mapping[str, str], decode: Decode | None = None
    ) -> Any | None:
        def attempt() -> Any | None:
            self.sleep(0)  # where a poll that was stopped ends, and a paced one waits its turn
            return self.transport.get(endpoint, params, decode)

        return retry(attempt, self.pause_after, self.sleep)


def _take_first(scores: Iterable[Score]) -> list[Score]:
    """Return the first score of each user."""
    first: dict[str, Score] = {}
    for score in scores:
        first.setdefault(score.user_id, score)
    return list(first.values())


def _parse_subuser(item: Any) -> tuple[str, str] | None:
    """Return user_id and username of an item of the list of subusers, or None without them."""
    if not isinstance(item, dict) or not is_name(item.get("username")):
        return None
    user_id = parse_user_id(item.get("id"))
    return (user_id, clean(item["username"])) if user_id else None


def _result_of(answer: Any, endpoint: Endpoint) -> list[Any]:
    result = answer.get("result") if isinstance(answer, Mapping) else None
    if not isinstance(result, list):
        raise MalformedResponse(
            f"{endpoint.path} answers JSON without a list called result: "
            "does base_url lead to SendGrid?"
        )
    return result


def _check_day(dates: Sequence[date | None], day: date, endpoint: Endpoint) -> None:
    """Raise MalformedResponse if items with these dates are those of another day than `day`.

    A cache that ignores the query answers every day with the same items: they would be published
    as the scores of today, forever. Single items of another day are anomalies.
    """
    others = [found for found in dates if found and found != day]
    if len(others) > dates.count(day) and len(others) >= dates.count(None):
        raise _of_another_day(endpoint, others[0], f"of {day}")


def _of_another_day(endpoint: Endpoint, found: date, asked: str) -> MalformedResponse:
    return MalformedResponse(
        f"{endpoint.path} answers with scores of {found}, not {asked}: "
        "does a cache or proxy ignore the query?"
    )


def _cursor_of(page: Mapping[str, Any]) -> str | None:
    """Return `_metadata.next_params.after_key`, a text or, to be liberal, a number.

    Return None on the last page, which lacks the key or an object around it. A cursor that cannot
    be read is an error: the page is not the last one, and half a fleet would pass for all of it.
    """
    found: Any = page
    for name in ("_metadata", "next_params", "after_key"):
        if not isinstance(found, Mapping):
            raise MalformedResponse(
                f"{_SUBUSERS_SCORES.path} answers without an object around {name}"
            )
        found = found.get(name)
        if not found:  # an empty list too: some servers write an empty object so
            return None
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not is_name(found) or found != clean(found):
        raise MalformedResponse(f"{_SUBUSERS_SCORES.path} answers with an invalid after_key")
    return found
