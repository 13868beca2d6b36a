"""Query parameters, and SendGrid's exact error messages for wrong ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from seq_exporter.simulator.responses import ApiError

_MAX_SCORES = 1000
_MAX_SUBUSERS = 500
_DAYS_KEPT = 90

# A number with more digits does not fit into an integer of SendGrid's.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def parse_score_page_query(query: Mapping[str, str], today: date) -> tuple[date, int, int]:
    """Return `date`, `after_key` (0 without one) and `limit` (1 to 1,000) of a page of scores.

    Raises ApiError (400) for the first wrong one.
    """
    limit = _integer(query, "limit", _MAX_SCORES)
    if limit > _MAX_SCORES:
        raise _bad_request("limit", "invalid")
    _require(query, "date")
    day = _day(query, "date")
    after_id = _integer(query, "after_key", 0)
    if limit < 1:
        raise _bad_request("limit", "must be a positive integer")
    _refuse_too_old("date", day, today)
    _refuse_future("date", day, today)
    return day, after_id, limit


def parse_date_range_query(query: Mapping[str, str], today: date) -> tuple[date, date]:
    """Return `from` and `to`. Raises ApiError (400) for the first wrong one."""
    _require(query, "from")
    _require(query, "to")
    first = _day(query, "from")
    last = _day(query, "to")
    _refuse_too_old("from", first, today)
    _refuse_too_old("to", last, today)
    if first > last:
        raise ApiError(400, 'failed to parse request: "from" cannot come after "to"', "to")
    _refuse_future("to", last, today)
    return first, last


def parse_subuser_list_query(query: Mapping[str, str]) -> tuple[str | None, int, int]:
    """Return `username` (None for all), `offset` and `limit` (a larger one counts as 500).

    Raises ApiError (400). SendGrid documents no messages for these parameters; those used here are
    like the ones for scores.
    """
    limit = _integer(query, "limit", _MAX_SUBUSERS)
    if limit < 1:
        raise _bad_request("limit", "must be a positive integer")
    offset = _integer(query, "offset", 0)
    if offset < 0:
        raise _bad_request("offset", "invalid")
    return query.get("username"), offset, min(limit, _MAX_SUBUSERS)


def _bad_request(name: str, problem: str) -> ApiError:
    return ApiError(400, f'failed to parse request: "{name}" {problem}', name)


def _require(query: Mapping[str, str], name: str) -> None:
    if not query.get(name):
        raise _bad_request(name, "must be provided")


def _integer(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise _bad_request(name, "invalid")
    return int(text)


def _day(query: Mapping[str, str], name: str) -> date:
    text = query[name]
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _bad_request(name, "invalid") from None
    if day.isoformat() != text:  # ISO 8601 has shorter forms, which SendGrid does not accept
        raise _bad_request(name, "invalid")
    return day


def _refuse_too_old(name: str, day: date, today: date) -> None:
    if day < today - timedelta(days=_DAYS_KEPT):
        raise _bad_request(name, f"cannot be more than {_DAYS_KEPT} days in the past")


def _refuse_future(name: str, day: date, today: date) -> None:
    if day > today:
        raise _bad_request(name, "cannot be in the future")
