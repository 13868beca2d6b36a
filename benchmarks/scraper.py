"""A client with little overhead, because it shares the machine with the measured server."""

from __future__ import annotations

import socket
import time
from types import TracebackType
from typing import NamedTuple

_TIMEOUT_SECONDS = 300.0
_MOST_HEAD_BYTES = 16384


class Scrape(NamedTuple):
    """One answer: when it was requested and complete (monotonic seconds), its status and size."""

    asked: float
    ended: float
    status: int
    body_bytes: int

    @property
    def seconds(self) -> float:
        """Duration of the scrape."""
        return self.ended - self.asked


class Head(NamedTuple):
    """The head of an answer; `size` is the size of the head itself."""

    size: int
    status: int
    content_length: int
    is_kept_alive: bool


class Connection:
    """Requests one path of a server on loopback with gzip, on one connection if it is kept open."""

    def __init__(self, port: int, path: str = "/metrics") -> None:
        self._port = port
        self._request = make_request(path)
        self._socket: socket.socket | None = None
        self._buffer = bytearray(1024 * 1024)
        self._body = slice(0, 0)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def fetch(self) -> Scrape:
        """Send one request and read the whole answer; raise OSError if that fails."""
        asked = time.monotonic()
        if self._socket is None:
            self._socket = connect(self._port)
        self._socket.sendall(self._request)
        filled, head = 0, None
        while head is None:
            filled += self._receive(self._socket, filled)
            head = parse_head(self._buffer[: min(filled, _MOST_HEAD_BYTES)])
        end = head.size + head.content_length
        if end > len(self._buffer):
            self._buffer.extend(bytes(end - len(self._buffer)))
        while filled < end:
            filled += self._receive(self._socket, filled)
        if not head.is_kept_alive:
            self.close()
        self._body = slice(head.size, end)
        return Scrape(asked, time.monotonic(), head.status, head.content_length)

    @property
    def body(self) -> bytes:
        """A copy of the last answer's body."""
        return bytes(self._buffer[self._body])

    def _receive(self, connection: socket.socket, start: int) -> int:
        with memoryview(self._buffer) as view:
            received = connection.recv_into(view[start:])
        if not received:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        return received


def connect(port: int) -> socket.socket:
    """Return a connection to a server on loopback."""
    connection = socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def make_request(path: str) -> bytes:
    """Return a request like Prometheus', as far as it matters here."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n".encode()


def parse_head(received: bytes | bytearray) -> Head | None:
    """Return the parsed head of an answer, or None while it is incomplete."""
    text, end, _ = bytes(received).partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = text.lower().split(b"\r\n")
    headers = dict(line.split(b":", 1) for line in lines)
    return Head(
        size=len(text) + len(end),
        status=int(first.split()[1]),
        content_length=int(headers[b"content-length"]),
        is_kept_alive=first.startswith(b"http/1.1")
        and headers.get(b"connection", b"").strip() != b"close",
    )
