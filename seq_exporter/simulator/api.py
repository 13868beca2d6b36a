"""Simulated SendGrid API: an ASGI app that answers as SendGrid's API descriptions specify."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seq_exporter.simulator import responses
from seq_exporter.simulator.access import AccessControl, Identity
from seq_exporter.simulator.fleet import Fleet, ScorePage
from seq_exporter.simulator.query_parameters import (
    parse_date_range_query,
    parse_score_page_query,
    parse_subuser_list_query,
)
from seq_exporter.simulator.responses import ApiError

_SCOPES = ("alerts.read", "stats.read", "subusers.read", "user.account.read")


def build_app(
    fleet: Fleet,
    *,
    clock: Callable[[], float] = time.time,
    delay_seconds: float = 12 * 3600,
    rate_limit_per_minute: int = 600,
) -> Starlette:
    """Return an ASGI app that answers for `fleet`; `clock` returns epoch seconds.

    A day's scores are available `delay_seconds` after the day ends (UTC); before that, a request
    for them gets a 202. The rate limit applies to each key and endpoint; 0 turns it off, together
    with its headers.
    """
    endpoints = _Endpoints(clock, delay_seconds)
    access = AccessControl(fleet, endpoints.today, clock, rate_limit_per_minute)
    app = Starlette(
        routes=[
            Route(path, access.protect(path, endpoint))
            for path, endpoint in (
                ("/v3/engagementquality/subusers/scores", endpoints.subusers_scores),
                ("/v3/engagementquality/scores", endpoints.scores),
                ("/v3/subusers", endpoints.subusers),
                ("/v3/scopes", endpoints.scopes),
            )
        ],
        exception_handlers={HTTPException: _answer_http_exception},
    )
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True, slots=True)
class _Endpoints:
    """The endpoints; each raises ApiError for a request that it cannot answer."""

    clock: Callable[[], float]
    delay_seconds: float

    def today(self) -> date:
        """Return the current day (UTC)."""
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def is_calculated(self, day: date) -> bool:
        """Whether the scores of `day` are calculated by now."""
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        return self.clock() >= end.timestamp() + self.delay_seconds

    def subusers_scores(self, identity: Identity, query: QueryParams) -> Response:
        day, after_id, limit = parse_score_page_query(query, self.today())
        if not self.is_calculated(day):
            return responses.not_calculated()
        if identity.subuser:  # a subuser has no subusers
            return responses.subusers_scores(ScorePage((), has_more=False), day)
        return responses.subusers_scores(identity.account.page_on(day, after_id, limit), day)

    def scores(self, identity: Identity, query: QueryParams) -> Response:
        first, last = parse_date_range_query(query, self.today())
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        calculated = [day for day in days if self.is_calculated(day)]
        if not calculated:
            return responses.not_calculated()
        user = identity.subuser or identity.account.owner
        return responses.own_scores(
            [(day, user.score_on(day)) for day in calculated if user.exists_on(day)]
        )

    def subusers(self, identity: Identity, query: QueryParams) -> Response:
        username, offset, limit = parse_subuser_list_query(query)
        today = self.today()
        if identity.subuser:
            return responses.subusers(())
        if username is not None:
            found = identity.account.find_username(username, today)
            return responses.subusers([found][offset : offset + limit] if found else ())
        return responses.subusers(identity.account.list_on(today, offset, limit))

    def scopes(self, identity: Identity, query: QueryParams) -> Response:
        return responses.json_response({"scopes": _SCOPES})


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer 404 and 405 in the format of all errors."""
    if not isinstance(error, HTTPException):
        raise error
    return ApiError(error.status_code, error.detail.lower()).response(error.headers)
