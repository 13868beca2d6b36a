"""Access control: API key, rate limit, Accept header and on-behalf-of, before every endpoint."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from seq_exporter.simulator.fleet import Fleet, SimulatedAccount
from seq_exporter.simulator.responses import ApiError
from seq_exporter.simulator.users import SimulatedUser

_WINDOW_SECONDS = 60


class Identity(NamedTuple):
    """The account that a request's API key belongs to, and the subuser it acts for, if any."""

    account: SimulatedAccount
    subuser: SimulatedUser | None


#: Answers a request that has passed the checks; raises ApiError if it cannot.
EndpointFunction = Callable[[Identity, QueryParams], Response]


@dataclass(frozen=True, slots=True)
class RateLimitUsage:
    """Requests counted in the current window, which ends at `reset_timestamp_seconds`.

    A `limit` of 0 means that there is no rate limit.
    """

    limit: int
    used: int
    reset_timestamp_seconds: int

    @property
    def is_over_limit(self) -> bool:
        """Whether the request just counted is over the limit."""
        return 0 < self.limit < self.used

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers X-RateLimit-Limit, -Remaining and -Reset; empty without a rate limit."""
        if not self.limit:
            return {}
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(self.limit - self.used, 0)),
            "X-RateLimit-Reset": str(self.reset_timestamp_seconds),
        }


class RequestCounter:
    """Counts requests by account and path, in fixed windows of one minute of `clock`."""

    def __init__(self, clock: Callable[[], float], limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._window = 0
        self._used: Counter[tuple[str, str]] = Counter()

    def count(self, account: str, path: str) -> RateLimitUsage:
        """Count one request, and return how many the window now has."""
        window = int(self._clock() // _WINDOW_SECONDS)
        if window != self._window:
            self._window = window
            self._used.clear()
        self._used[account, path] += 1
        return RateLimitUsage(
            self._limit, self._used[account, path], (window + 1) * _WINDOW_SECONDS
        )


@dataclass(frozen=True, slots=True)
class AccessControl:
    """Runs an endpoint only for requests that SendGrid would accept.

    `today` returns the current day (UTC): a request can act only for a subuser that exists then.
    """

    fleet: Fleet
    today: Callable[[], date]
    counter: RequestCounter

    def protect(
        self, path: str, endpoint: EndpointFunction
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return a request handler that checks a request for `path`, then runs `endpoint`.

        Every response to a known API key has the rate-limit headers, errors included.
        """

        # A coroutine and not a function, which Starlette would run in a thread pool: this way the
        # counts need no lock, and a page takes only milliseconds to make.
        async def handle(request: Request) -> Response:
            try:
                account = _authenticate(self.fleet, request.headers.get("authorization"))
            except ApiError as error:
                return error.response()
            usage = self.counter.count(account.name, path)
            try:
                _check_request(request, usage)
                response = endpoint(self._identify(account, request), request.query_params)
            except ApiError as error:
                response = error.response()
            response.headers.update(usage.headers)
            return response

        return handle

    def _identify(self, account: SimulatedAccount, request: Request) -> Identity:
        on_behalf_of = request.headers.get("on-behalf-of")
        if not on_behalf_of:
            return Identity(account, None)
        today = self.today()
        kind, _, user_id = on_behalf_of.partition(" ")
        if kind == "account-id":
            is_id = user_id.isascii() and user_id.isdigit()
            subuser = account.find_id(int(user_id), today) if is_id else None
        else:
            subuser = account.find_username(on_behalf_of, today)
        if subuser is None:
            raise ApiError(404, "no such subuser or customer account", "on-behalf-of")
        return Identity(account, subuser)


def _authenticate(fleet: Fleet, authorization: str | None) -> SimulatedAccount:
    """Return the account of the API key in the header `Authorization: Bearer KEY`.

    Raises ApiError (401).
    """
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise ApiError(401, "authorization required")
    # Compares every key, each in constant time, as code that guards secrets should.
    matches = [
        account
        for account in fleet.accounts
        if hmac.compare_digest(account.api_key.encode(), key.strip().encode())
    ]
    if not matches:
        raise ApiError(401, "The provided authorization grant is invalid, expired, or revoked")
    return matches[0]


def _check_request(request: Request, usage: RateLimitUsage) -> None:
    if usage.is_over_limit:
        raise ApiError(429, "too many requests")
    if "accept" not in request.headers:
        raise ApiError(406, "the Accept header is missing")
