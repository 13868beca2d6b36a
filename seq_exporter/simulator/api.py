"""The pretend SendGrid itself: an ASGI app that answers as the vendor's descriptions say."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seq_exporter.simulator import answers
from seq_exporter.simulator.answers import Refused
from seq_exporter.simulator.fleet import Fleet, ScorePage, SimulatedAccount
from seq_exporter.simulator.gate import Quota, RateLimit, identify
from seq_exporter.simulator.parameters import (
    parse_list_query,
    parse_range_query,
    parse_scores_query,
)
from seq_exporter.simulator.users import SimulatedUser

_SCOPES = ("alerts.read", "stats.read", "subusers.read", "user.account.read")


def build_app(
    fleet: Fleet,
    *,
    clock: Callable[[], float] = time.time,
    delay_seconds: float = 12 * 3600,
    rate_limit_per_minute: int = 600,
) -> Starlette:
    """Return the ASGI app that speaks for `fleet`; `clock` tells epoch seconds.

    A day's scores are there `delay_seconds` after its end (UTC), until then it answers 202. The
    rate limit holds for each key and endpoint; 0 means none, and no headers that tell of one.
    """
    calendar = _Calendar(clock, delay_seconds)
    gate = _Gate(fleet, calendar, RateLimit(clock, rate_limit_per_minute))
    api = _Api(calendar)
    app = Starlette(
        routes=[
            Route(path, gate.guard(path, answer))
            for path, answer in (
                ("/v3/engagementquality/subusers/scores", api.subusers_scores),
                ("/v3/engagementquality/scores", api.scores),
                ("/v3/subusers", api.subusers),
                ("/v3/scopes", api.scopes),
            )
        ],
        exception_handlers={HTTPException: _no_route},
    )
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Which day it is, and which days have scores."""

    clock: Callable[[], float]
    delay_seconds: float

    def today(self) -> date:
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def is_calculated(self, day: date) -> bool:
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        return self.clock() >= end.timestamp() + self.delay_seconds


class _Caller(NamedTuple):
    """Whose key a request brings, and the subuser that it acts for, if any."""

    account: SimulatedAccount
    subuser: SimulatedUser | None


_Answer = Callable[[_Caller, QueryParams], Response]


@dataclass(frozen=True, slots=True)
class _Gate:
    """Lets through to an endpoint whom SendGrid would."""

    fleet: Fleet
    calendar: _Calendar
    rate_limit: RateLimit

    def guard(self, endpoint: str, answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
        # Not in a thread pool: the counts need no lock, and a page is made in milliseconds.
        async def handle(request: Request) -> Response:
            try:
                account = identify(self.fleet, request.headers.get("authorization"))
            except Refused as refused:
                return refused.answer()
            quota = self.rate_limit.spend(account.name, endpoint)
            try:
                _admit(request, quota)
                response = answer(self._caller(account, request), request.query_params)
            except Refused as refused:
                response = refused.answer()
            response.headers.update(quota.headers)
            return response

        return handle

    def _caller(self, account: SimulatedAccount, request: Request) -> _Caller:
        who = request.headers.get("on-behalf-of")
        if not who:
            return _Caller(account, None)
        today = self.calendar.today()
        kind, _, user_id = who.partition(" ")
        if kind == "account-id":
            is_id = user_id.isascii() and user_id.isdigit()
            subuser = account.find_id(int(user_id), today) if is_id else None
        else:
            subuser = account.find_username(who, today)
        if subuser is None:
            raise Refused(404, "no such subuser or customer account", "on-behalf-of")
        return _Caller(account, subuser)


@dataclass(frozen=True, slots=True)
class _Api:
    """The endpoints; each raises Refused for a request that it cannot answer."""

    calendar: _Calendar

    def subusers_scores(self, caller: _Caller, query: QueryParams) -> Response:
        day, after_id, limit = parse_scores_query(query, self.calendar.today())
        if not self.calendar.is_calculated(day):
            return answers.not_calculated()
        if caller.subuser:  # has no subusers itself
            return answers.subusers_scores(ScorePage((), has_more=False), day)
        return answers.subusers_scores(caller.account.page_on(day, after_id, limit), day)

    def scores(self, caller: _Caller, query: QueryParams) -> Response:
        first, last = parse_range_query(query, self.calendar.today())
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        calculated = [day for day in days if self.calendar.is_calculated(day)]
        if not calculated:
            return answers.not_calculated()
        user = caller.subuser or caller.account.owner
        return answers.own_scores(
            [(day, user.score_on(day)) for day in calculated if user.is_there_on(day)]
        )

    def subusers(self, caller: _Caller, query: QueryParams) -> Response:
        username, offset, limit = parse_list_query(query)
        today = self.calendar.today()
        if caller.subuser:
            return answers.subusers(())
        if username is not None:
            found = caller.account.find_username(username, today)
            return answers.subusers([found][offset : offset + limit] if found else ())
        return answers.subusers(caller.account.list_on(today, offset, limit))

    def scopes(self, caller: _Caller, query: QueryParams) -> Response:
        return answers.json_answer({"scopes": _SCOPES})


def _admit(request: Request, quota: Quota) -> None:
    if quota.is_over:
        raise Refused(429, "too many requests")
    if "accept" not in request.headers:
        raise Refused(406, "the Accept header is missing")


async def _no_route(request: Request, error: Exception) -> Response:
    """Answer 404 and 405 in the shape of all errors."""
    if not isinstance(error, HTTPException):
        raise error
    return Refused(error.status_code, error.detail.lower()).answer(error.headers)
