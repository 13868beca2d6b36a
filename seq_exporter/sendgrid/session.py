"""HTTP sessions: requests, with a bound on everything a server can draw out."""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import time
from functools import cache
from typing import Any

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.hooks import dispatch_hook

from seq_exporter.sendgrid.causes import ExplainedFailure, walk_causes
from seq_exporter.sendgrid.certificates import (
    Authorities,
    TrustedContext,
    find_authorities,
    find_mistake,
)
from seq_exporter.sendgrid.proxies import Proxy, find_proxy
from seq_exporter.urls import is_loopback

# Python's default, 8 KiB, makes ten times as many system calls of a page.
_BUFFER_BYTES = 64 * 1024

# No server sends more before an answer.
_MOST_INTERIM_ANSWERS = 20

_TLS_ERRORS = (ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError)


def open_session() -> requests.Session:
    """Return a session whose time-out bounds a whole response, without redirects or cookies.

    The time-out of requests starts again at each read: a server that sends a byte now and then
    could hold a poll for years. Cookies would be sent back, and would pile up.
    """
    session = _Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


class _Session(requests.Session):
    def merge_environment_settings(self, url: Any, *args: Any, **options: Any) -> Any:
        """Return the settings of the environment, without a proxy for this host itself.

        As Go's programs do: a proxy would receive a key that was never to leave this host, and
        would look for `localhost` on its own.

        White space around the URL of a proxy, such as the line break at the end of a secret, is no
        part of it.
        """
        settings = super().merge_environment_settings(url, *args, **options)
        proxies = settings["proxies"] or {}
        if proxies and is_loopback(url):
            proxies = {}
        settings["proxies"] = {name: (text or "").strip() for name, text in proxies.items()}
        return settings

    def send(self, request: Any, **options: Any) -> Any:
        """Send one request, with the settings in `options`, which are not looked for elsewhere.

        requests would keep cookies, and would read the whole body of a redirect, however large, to
        prepare a next request that is never sent.
        """
        options.pop("allow_redirects", None)
        response = self.get_adapter(request.url).send(request, **options)
        response = dispatch_hook("response", request.hooks, response, **options)  # type: ignore[no-untyped-call]
        if not options.get("stream"):
            response.content  # noqa: B018 - reads the body, so that the connection is free again
        return response


class _Adapter(HTTPAdapter):
    def __init__(self) -> None:
        self._trust = TrustedContext()
        self._pools: dict[tuple[object, ...], Any] = {}
        super().__init__()

    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        """Send `request`; raise only errors of requests, or ValueError for an invalid answer.

        requests passes other errors of the system on, such as that of a missing file of
        certificates, and names neither the proxy nor the variable that is to be corrected.
        """
        proxy = find_proxy(request.url, options.get("proxies") or {})
        if proxy and (mistake := proxy.find_mistake()):
            raise ExplainedFailure(mistake, request=request)
        try:
            return super().send(request, *args, **options)
        except requests.Timeout:
            raise
        except OSError as err:  # all errors of requests are OSErrors, too
            if explanation := _explain(err, proxy):
                raise ExplainedFailure(explanation, request=request) from err
            if isinstance(err, requests.RequestException):
                raise
            raise requests.ConnectionError(err, request=request) from err

    def close(self) -> None:
        """Close all connections that wait for another request.

        urllib3 closes them only when their pool is freed. An error can keep the pool for long: its
        traceback holds the answer, which holds the pool. Open files would add up.
        """
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        super().close()

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Let the connections of the pool `conn` trust the system's certificates.

        requests trusts only those that certifi brings, unless a variable of its own names others:
        a company's own authority, which every other program on the machine trusts, is not there.
        """
        is_tls = url.lower().startswith("https")
        if verify is True and is_tls:
            conn.cert_reqs = "CERT_REQUIRED"
            conn.ca_certs, conn.ca_cert_dir = find_authorities(os.environ)
        else:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        # A proxy with TLS has a context of its own, made from the same files.
        if is_tls and verify and not (conn.proxy and conn.proxy.scheme == "https"):
            authorities = Authorities(conn.ca_certs, conn.ca_cert_dir)
            conn.conn_kw["ssl_context"] = self._trust.context(authorities)
            conn.ca_certs = conn.ca_cert_dir = None  # they would be read for each connection

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool of connections for `request`.

        It is looked up once for each host: to do so for each request takes a tenth of its CPU time.
        """
        # A prepared URL has a host and a path: http://h/ is the shortest.
        host = request.url[: request.url.index("/", len("https://"))]
        key = host, verify, cert, *(proxies or {}).items()
        if key not in self._pools:
            pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
            if pool.ConnectionCls.response_class is not _TimedResponse:
                pool.ConnectionCls = _timed(pool.ConnectionCls)
            self._pools[key] = pool
        return self._pools[key]


def _explain(err: OSError, proxy: Proxy | None) -> str:
    """Return the reason if it is one of this machine's environment, or an empty text."""
    is_tls = any(isinstance(cause, _TLS_ERRORS) for cause in walk_causes(err))
    # Any other error of requests has nothing to do with certificates.
    is_about_files = is_tls or not isinstance(err, requests.RequestException)
    mistake = find_mistake(os.environ) if is_about_files else ""
    return mistake or (proxy.explain(err) if proxy else "")


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
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock), _BUFFER_BYTES)

    def _read_status(self) -> tuple[str, int, str]:
        """Return the status line, after all interim answers: http.client knows only 100.

        A server may send 102 (Processing) or 103 (Early Hints) first; 101 is none of these.
        """
        for _ in range(_MOST_INTERIM_ANSWERS):
            status_line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 100 <= status_line[1] < 200 or status_line[1] == 101:
                return status_line
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("interim answers without an end")


@cache
def _timed(connection: type) -> type:
    """Return the class of connections, to a server or through a proxy, with timed responses."""
    return type(f"Timed{connection.__name__}", (connection,), {"response_class": _TimedResponse})
