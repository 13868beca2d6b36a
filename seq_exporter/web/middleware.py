"""Middleware in front of every route: headers, rate limit, basic authentication."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq_exporter.threads import NoThread
from seq_exporter.web.logins import WaitingLogins, check_password
from seq_exporter.web.settings.reloadable import ReloadableSettings

#: Paths without authentication: Kubernetes' probes send no credentials, and the answers are not
#: secret.
OPEN_PATHS = frozenset({"/-/healthy", "/-/ready"})


class BasicAuth:
    """ASGI middleware that lets only the users of the web configuration in.

    If the web configuration has no users, everybody is let in.
    """

    def __init__(
        self,
        app: ASGIApp,
        web_settings: ReloadableSettings,
        check: Callable[[bytes, str], bool] = check_password,
    ) -> None:
        self._app = app
        self._settings = web_settings
        self._waiting = WaitingLogins(check)
        # Cache of successful logins, by user: the hash that matched, and a digest of the password.
        # bcrypt is too slow for every scrape. Only users of the web configuration are in it, so
        # strangers cannot make it grow.
        self._admitted: dict[str, tuple[str, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        is_open = scope["type"] != "http" or scope["path"] in OPEN_PATHS
        if is_open or not self._settings.current.users:
            await self._app(scope, receive, send)
            return
        login = _read_login(Headers(scope=scope).get("authorization", ""))
        address = (scope.get("client") or ("",))[0]
        is_admitted = await self._is_admitted(address, *login) if login else False
        if is_admitted:
            await self._app(scope, receive, send)
        elif is_admitted is None:
            answer = PlainTextResponse("Too many logins are waiting: try again later\n", 429)
            await answer(scope, receive, send)
        else:
            headers = {"WWW-Authenticate": 'Basic realm="seq-exporter"'}
            await PlainTextResponse("Unauthorized\n", 401, headers)(scope, receive, send)

    def _is_known(self, user: str, password: bytes) -> bool:
        """Return whether this login succeeded before, and the user's hash is still the same."""
        stored, digest = self._admitted.get(user, ("", b""))
        is_same = hmac.compare_digest(digest, hashlib.sha256(password).digest())
        return is_same and stored == self._settings.current.users.get(user)

    async def _is_admitted(self, address: str, user: str, password: bytes) -> bool | None:
        """Return whether the login is right, or None if it cannot be checked now."""
        if self._is_known(user, password):
            return True
        users = self._settings.current.users
        # An unknown user is checked against the hash of a known one, always the same, so the time
        # that it takes does not reveal which users exist.
        hashes = sorted(users.values())
        number = int.from_bytes(hashlib.sha256(user.encode()).digest()) % len(hashes)
        stored = users.get(user, hashes[number])
        is_right = await self._waiting.check(address, password, stored)
        if is_right and user in users:
            self._admitted[user] = stored, hashlib.sha256(password).digest()
        return is_right and user in users


def _read_login(authorization: str) -> tuple[str, bytes] | None:
    """Return user and password of an `Authorization` header, or None if it is not well formed."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return (user, password.encode()) if scheme.lower() == "basic" and colon else None


class ThreadLimit:
    """ASGI middleware that answers 503 if a request needs a thread and none can be started.

    The status page, the API, new logins and `/metrics?account=` work in threads. That the machine
    has none to give is no defect (500), and passes: `/metrics` needs none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer if it finds no thread: nothing was sent by then."""
        try:
            await self._app(scope, receive, send)
        except NoThread as err:
            text = f"{err.strerror}: try again, or raise the limit of threads of this service\n"
            await PlainTextResponse(text, 503)(scope, receive, send)


class RequestLimiter:
    """ASGI middleware that answers 429 to requests over the rate limit; probes are exempt.

    The limit is a token bucket for all clients together: a request takes one of `burst` tokens, and
    one token comes back every interval.
    """

    def __init__(
        self,
        app: ASGIApp,
        web_settings: ReloadableSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._settings = web_settings
        self._clock = clock
        self._taken = 0.0  # tokens that had not come back at
        self._at = clock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429, or pass the request on."""
        is_open = scope["type"] != "http" or scope["path"] in OPEN_PATHS
        if is_open or self._take():
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse("Too many requests\n", 429)(scope, receive, send)

    def _take(self) -> bool:
        limit = self._settings.current.rate_limit
        if limit is None:
            return True
        now = self._clock()
        taken = max(self._taken - (now - self._at) / limit.interval_seconds, 0.0)
        is_allowed = taken + 1 <= limit.burst
        self._taken, self._at = taken + is_allowed, now
        return is_allowed


class ConfiguredHeaders:
    """ASGI middleware that sets the headers of the web configuration, over those of the answer."""

    def __init__(self, app: ASGIApp, web_settings: ReloadableSettings) -> None:
        self._app = app
        self._settings = web_settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and set the headers of its answer."""
        configured = self._settings.current.headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in configured.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)
