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
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seq_exporter.simulator.access import AccessControl, Identity
from seq_exporter.simulator.fleet import Fleet, ScorePage
from seq_exporter.simulator.query_parameters import (
    parse_date_range_query,
    parse_score_page_query,
    parse_subuser_list_query,
)
from seq_exporter.simulator.responses import ApiError, describe_score

# The client should ask again later.
_NOT_CALCULATED = 202

_SCOPES = ("alerts.read", "stats.read", "subusers.read", "user.account.read")


def build_app(
    fleet: Fleet,
    *,
    clock: Callable[[], float] = time.time,
    delay_seconds: float = 12 * 3600,
    rate_limit_per_minute: int = 600,
) -> Starlette:
    """Return an ASGI app that answers for `fleet`; `clock` returns epoch seconds.

    A day's scores are available `delay_seconds` after the day ends (UTC), or later in a fleet of a
    kind that is late; before that, a request for them gets a 202. The rate limit applies to each
    key and endpoint; 0 turns it off, together with its headers.
    """
    endpoints = _Endpoints(clock, delay_seconds, fleet)
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
    fleet: Fleet

    def today(self) -> date:
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def is_calculated(self, day: date) -> bool:
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        late_seconds = self.fleet.hours_late(day) * 3600
        return self.clock() >= end.timestamp() + self.delay_seconds + late_seconds

    def subusers_scores(self, identity: Identity, query: QueryParams) -> Response:
        """Return one page of the subusers' scores of a day, with the cursor to the next one.

        `{"result":[...],"_metadata":{"next_params":{"after_key":"1814102"}}}`; the cursor of the
        last page is null.
        """
        day, after_id, limit = parse_score_page_query(query, self.today())
        if not self.is_calculated(day):
            return Response(status_code=_NOT_CALCULATED)
        # A subuser has no subusers.
        nobody = ScorePage((), has_more=False)
        page = nobody if identity.subuser else identity.account.page_on(day, after_id, limit)
        after_key = page.scores[-1].user_id if page.has_more else None
        return JSONResponse(
            {
                "result": [describe_score(score, day) for score in page.scores],
                "_metadata": {"next_params": {"after_key": after_key}},
            }
        )

    def scores(self, identity: Identity, query: QueryParams) -> Response:
        """Return one user's scores of some days: `{"result":[...]}`."""
        first, last = parse_date_range_query(query, self.today())
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        calculated = [day for day in days if self.is_calculated(day)]
        if not calculated:
            return Response(status_code=_NOT_CALCULATED)
        user = identity.subuser or identity.account.owner
        scores = [(user.score_on(day), day) for day in calculated if user.exists_on(day)]
        return JSONResponse({"result": [describe_score(*each) for each in scores]})

    def subusers(self, identity: Identity, query: QueryParams) -> Response:
        """Return a list of subusers: `[{"id":1814102,"username":"shop-de",...}]`."""
        username, offset, limit = parse_subuser_list_query(query)
        users = identity.account.list_on(self.today(), offset, limit)
        if username is not None:
            found = identity.account.find_username(username, self.today())
            users = [found][offset : offset + limit] if found else []
        if identity.subuser:
            users = []
        return JSONResponse(
            [
                {"id": one.user_id, "username": one.username, "email": one.email, "disabled": False}
                for one in users
            ]
        )

    def scopes(self, identity: Identity, query: QueryParams) -> Response:
        """Return what the key may do: `{"scopes":[...]}`."""
        return JSONResponse({"scopes": _SCOPES})


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer 404 and 405 in the format of all errors."""
    if not isinstance(error, HTTPException):
        raise error
    return ApiError(error.status_code, error.detail.lower()).response(error.headers)
