"""Query parameters, and the exact words in which SendGrid refuses them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from seq_exporter.simulator.answers import Refused

_MAX_SCORES = 1000
_MAX_SUBUSERS = 500
_DAYS_KEPT = 90

# A number of more digits fits into no integer of SendGrid's.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class ScoresQuery(NamedTuple):
    """Which page of which day is wanted: `limit` users (1..1000) above `after_id`."""

    day: date
    after_id: int
    limit: int


class RangeQuery(NamedTuple):
    """Which days are wanted, `first` and `last` included."""

    first: date
    last: date


class ListQuery(NamedTuple):
    """Which part of the list of subusers is wanted; `username` is the only one, if not None."""

    username: str | None
    offset: int
    limit: int


def parse_scores_query(query: Mapping[str, str], today: date) -> ScoresQuery:
    """Read `limit`, `date` and `after_key`; raises Refused (400) for the first that is wrong."""
    limit = _integer(query, "limit", _MAX_SCORES)
    if limit > _MAX_SCORES:
        raise _refused("limit", "invalid")
    _require(query, "date")
    day = _day(query, "date")
    after_id = _integer(query, "after_key", 0)
    if limit < 1:
        raise _refused("limit", "must be a positive integer")
    _refuse_forgotten("date", day, today)
    _refuse_future("date", day, today)
    return ScoresQuery(day, after_id, limit)


def parse_range_query(query: Mapping[str, str], today: date) -> RangeQuery:
    """Read `from` and `to`; raises Refused (400) for the first that is wrong."""
    _require(query, "from")
    _require(query, "to")
    first = _day(query, "from")
    last = _day(query, "to")
    _refuse_forgotten("from", first, today)
    _refuse_forgotten("to", last, today)
    if first > last:
        raise Refused(400, 'failed to parse request: "from" cannot come after "to"', "to")
    _refuse_future("to", last, today)
    return RangeQuery(first, last)


def parse_list_query(query: Mapping[str, str]) -> ListQuery:
    """Read `username`, `limit` (500 at most, however many are wanted) and `offset`.

    Raises Refused (400). SendGrid documents no words for that; these are like those for scores.
    """
    limit = _integer(query, "limit", _MAX_SUBUSERS)
    if limit < 1:
        raise _refused("limit", "must be a positive integer")
    offset = _integer(query, "offset", 0)
    if offset < 0:
        raise _refused("offset", "invalid")
    return ListQuery(query.get("username"), offset, min(limit, _MAX_SUBUSERS))


def _refused(name: str, problem: str) -> Refused:
    return Refused(400, f'failed to parse request: "{name}" {problem}', name)


def _require(query: Mapping[str, str], name: str) -> None:
    if not query.get(name):
        raise _refused(name, "must be provided")


def _integer(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise _refused(name, "invalid")
    return int(text)


def _day(query: Mapping[str, str], name: str) -> date:
    text = query[name]
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _refused(name, "invalid") from None
    if day.isoformat() != text:  # ISO has shorter forms, which SendGrid has not
        raise _refused(name, "invalid")
    return day


def _refuse_forgotten(name: str, day: date, today: date) -> None:
    if day < today - timedelta(days=_DAYS_KEPT):
        raise _refused(name, f"cannot be more than {_DAYS_KEPT} days in the past")


def _refuse_future(name: str, day: date, today: date) -> None:
    if day > today:
        raise _refused(name, "cannot be in the future")
