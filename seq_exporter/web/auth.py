"""Basic authentication in front of everything but the health checks."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Mapping

import bcrypt
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# Kubernetes' probes send no credentials, and what these answer is no secret.
_OPEN_PATHS = frozenset({"/-/healthy", "/-/ready"})

# Compared with where a user is unknown, so that the time taken does not tell who exists.
_NOBODY = "$2b$10$7EqJtq98hPqEX7fNZaFWoOhi5BfX6UPAIbLGdsNUS8NxGxPnHo8Tq"

# bcrypt takes no longer ones.
_LONGEST_PASSWORD_BYTES = 72


class BasicAuth:
    """ASGI middleware that lets in the `users` (name to bcrypt hash), and nobody else."""

    def __init__(self, app: ASGIApp, users: Mapping[str, str]) -> None:
        self._app = app
        self._users = users
        self._turn = asyncio.Lock()
        # Digests of what was let in: a hash takes 50 ms of a core, too long for every scrape.
        # It holds no more than one entry a user, so strangers cannot fill it.
        self._admitted: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        is_open = scope["type"] != "http" or scope["path"] in _OPEN_PATHS
        if is_open or await self._is_admitted(Headers(scope=scope).get("authorization", "")):
            await self._app(scope, receive, send)
            return
        headers = {"WWW-Authenticate": 'Basic realm="seq-exporter"'}
        await PlainTextResponse("Unauthorized\n", 401, headers)(scope, receive, send)

    async def _is_admitted(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeError, ValueError):
            return False
        if scheme.lower() != "basic" or not colon:
            return False
        digest = hashlib.sha256(password.encode()).digest()
        if self._admitted.get(user) == digest:
            return True
        # One at a time: guessing must not take all cores from the scrapes.
        async with self._turn:
            is_right = await asyncio.to_thread(self._check, user, password)
        if is_right:
            self._admitted[user] = digest
        return is_right

    def _check(self, user: str, password: str) -> bool:
        if len(password.encode()) > _LONGEST_PASSWORD_BYTES or "\0" in password:
            password = ""
        is_right = bcrypt.checkpw(password.encode(), self._users.get(user, _NOBODY).encode())
        return is_right and bool(password) and user in self._users
