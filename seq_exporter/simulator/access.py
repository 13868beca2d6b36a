"""Access control: API key, rate limit, Accept header and on-behalf-of, before every endpoint."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class AccessControl:
    """Runs an endpoint only for requests that SendGrid would accept.

    `today` returns the current day (UTC): a request can act only for a subuser that exists then.
    At most `rate_limit` requests with a key are accepted by an endpoint in a minute of `clock`; 0
    turns the limit off.
    """

    fleet: Fleet
    today: Callable[[], date]
    clock: Callable[[], float]
    rate_limit: int
    _window: int = 0
    _used: Counter[tuple[str, str]] = field(default_factory=Counter)

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
                account = self._authenticate(request.headers.get("authorization"))
            except ApiError as error:
                return error.response()
            left = self._count(account.name, path)
            try:
                if self.rate_limit and left < 0:
                    raise ApiError(429, "too many requests")  # noqa: TRY301
                if "accept" not in request.headers:
                    raise ApiError(406, "the Accept header is missing")  # noqa: TRY301
                response = endpoint(self._identify(account, request), request.query_params)
            except ApiError as error:
                response = error.response()
            if self.rate_limit:
                response.headers["X-RateLimit-Limit"] = str(self.rate_limit)
                response.headers["X-RateLimit-Remaining"] = str(max(left, 0))
                response.headers["X-RateLimit-Reset"] = str((self._window + 1) * _WINDOW_SECONDS)
            return response

        return handle

    def _authenticate(self, authorization: str | None) -> SimulatedAccount:
        """Return the account of the API key in the header `Authorization: Bearer KEY`.

        Raises ApiError (401).
        """
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise ApiError(401, "authorization required")
        # Compares every key, each in constant time, as code that guards secrets should.
        matches = [
            account
            for account in self.fleet.accounts
            if hmac.compare_digest(account.api_key.encode(), key.strip().encode())
        ]
        if not matches:
            raise ApiError(401, "The provided authorization grant is invalid, expired, or revoked")
        return matches[0]

    def _count(self, account: str, path: str) -> int:
        """Count one request; return how many more the window allows, below 0 if this is over."""
        window = int(self.clock() // _WINDOW_SECONDS)
        if window != self._window:
            self._window = window
            self._used.clear()
        self._used[account, path] += 1
        return self.rate_limit - self._used[account, path]

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
