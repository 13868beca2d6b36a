"""The HTTP session of an account: requests, with a bound on everything a server can draw out."""

from __future__ import annotations

import http.client
import io
import socket
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from seq_exporter.urls import is_loopback


def open_session() -> requests.Session:
    """Return a session whose time-out bounds a whole response, without redirects or cookies.

    The time-out of requests starts again at each read: a server that sends a byte now and then
    could hold a poll for years. Cookies would be sent back, and would pile up.
    """
    session = _Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


class _Session(requests.Session):
    def merge_environment_settings(self, url: Any, *args: Any, **options: Any) -> Any:
        """Return the settings of the environment, without a proxy for this host itself.

        As Go's programs do: a proxy would receive a key that was never to leave this host, and
        would look for `localhost` on its own.
        """
        settings = super().merge_environment_settings(url, *args, **options)
        if is_loopback(url):
            settings["proxies"] = {}
        return settings

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return none: otherwise requests reads the whole body of a redirect, however large.

        It does so even if it must not follow the redirect, to prepare the next request.
        """


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = _Https if pool.scheme == "https" else _Http
        return pool


class _TimedReader(io.RawIOBase):
    """Reads from `raw`, the reading side of `sock`, until the socket's time-out has passed once."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        seconds = sock.gettimeout()
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the response is not complete in time")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock))


class _Http(HTTPConnection):
    response_class = _TimedResponse


class _Https(HTTPSConnection):
    response_class = _TimedResponse
