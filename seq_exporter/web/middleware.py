"""What each request passes before its route: headers, rate limit, basic authentication."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Callable

import bcrypt
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq_exporter.web.settings.reloadable import ReloadableSettings

#: Kubernetes' probes send no credentials, and what these answer is no secret.
OPEN_PATHS = frozenset({"/-/healthy", "/-/ready"})

# bcrypt takes no longer ones.
_LONGEST_PASSWORD_BYTES = 72

# As one check takes 50 ms of a core, a further one would wait for a second or more. Of these, an
# address has a few only: else one that guesses would take all of them.
_MOST_WAITING = 20
_MOST_WAITING_OF_ONE = 4


def check_password(password: bytes, stored: str) -> bool:
    """Whether `password` matches the bcrypt hash `stored`; takes the same time if it does not."""
    if not password or len(password) > _LONGEST_PASSWORD_BYTES or b"\0" in password:
        bcrypt.checkpw(b"-", stored.encode())
        return False
    return bcrypt.checkpw(password, stored.encode())


class BasicAuth:
    """ASGI middleware that lets in the users of the web configuration (name to bcrypt hash).

    Where that has none, it lets everybody in.
    """

    def __init__(
        self,
        app: ASGIApp,
        web_settings: ReloadableSettings,
        check: Callable[[bytes, str], bool] = check_password,
    ) -> None:
        self._app = app
        self._settings = web_settings
        self._check = check
        self._turn = asyncio.Lock()
        self._waiting: Counter[str] = Counter()  # by address
        # What was let in, by user: the hash that it matched, and a digest of the password: to
        # check it takes too long for every scrape. Strangers cannot fill it.
        self._admitted: dict[str, tuple[str, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        is_open = scope["type"] != "http" or scope["path"] in OPEN_PATHS
        if is_open or not self._settings.current.users:
            await self._app(scope, receive, send)
            return
        login = _read_login(Headers(scope=scope).get("authorization", ""))
        address = (scope.get("client") or ("",))[0]
        if login and not self._is_known(*login) and self._is_full(address):
            answer = PlainTextResponse("Too many logins wait: try again\n", 429)
            await answer(scope, receive, send)
        elif login and await self._is_admitted(address, *login):
            await self._app(scope, receive, send)
        else:
            headers = {"WWW-Authenticate": 'Basic realm="seq-exporter"'}
            await PlainTextResponse("Unauthorized\n", 401, headers)(scope, receive, send)

    def _is_known(self, user: str, password: bytes) -> bool:
        """Whether the same was let in before, by a hash that still holds."""
        stored, digest = self._admitted.get(user, ("", b""))
        is_same = hmac.compare_digest(digest, hashlib.sha256(password).digest())
        return is_same and stored == self._settings.current.users.get(user)

    def _is_full(self, address: str) -> bool:
        is_full = self._waiting.total() >= _MOST_WAITING
        return is_full or self._waiting[address] >= _MOST_WAITING_OF_ONE

    async def _is_admitted(self, address: str, user: str, password: bytes) -> bool:
        if self._is_known(user, password):
            return True
        users = self._settings.current.users
        # For somebody unknown, the hash of one who is known, and always the same one: so that the
        # time taken does not tell who exists.
        hashes = sorted(users.values())
        number = int.from_bytes(hashlib.sha256(user.encode()).digest()) % len(hashes)
        stored = users.get(user, hashes[number])
        self._waiting[address] += 1
        try:
            # One at a time: guessing must not take all cores from the scrapes.
            async with self._turn:
                is_right = await asyncio.to_thread(self._check, password, stored)
        finally:
            self._waiting[address] -= 1
            self._waiting += Counter()  # which drops who waits no more
        if is_right and user in users:
            self._admitted[user] = stored, hashlib.sha256(password).digest()
            return True
        return False


def _read_login(authorization: str) -> tuple[str, bytes] | None:
    """Return user and password of a header, or None if it is none, or its password none."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return (user, password.encode()) if scheme.lower() == "basic" and colon else None


class RequestLimiter:
    """ASGI middleware that answers 429 to what comes too soon, from whomever; not to probes.

    A request takes a token; there are `burst` of them, and one comes back each interval.
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
        self._taken = 0.0  # tokens that have not come back, as of
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
    """ASGI middleware that sets them, in place of those of the same name."""

    def __init__(self, app: ASGIApp, web_settings: ReloadableSettings) -> None:
        self._app = app
        self._settings = web_settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and change what comes back."""
        configured = self._settings.current.headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in configured.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)
