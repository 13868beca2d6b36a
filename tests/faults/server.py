"""A real server on loopback that answers in whatever way it is told, down to the bytes."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_TLS_HANDSHAKE = 0x16


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that has come in, and the connection that waits for the answer."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    connection: socket.socket
    closing: threading.Event

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reply(self, status: int, body: bytes = b"", *headers: str) -> None:
        """Answer whole and well."""
        lines = [f"HTTP/1.1 {status} Said So", f"Content-Length: {len(body)}", *headers]
        head = "\r\n".join([*lines, "Connection: close", "", ""])
        self.send(head.encode("latin-1") + body)

    def reply_json(self, answer: Any, *headers: str) -> None:
        self.reply(200, json.dumps(answer).encode(), "Content-Type: application/json", *headers)

    def reset(self) -> None:
        """Break the connection off, so that the peer sees a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def trickle(self, data: bytes, pause_seconds: float = 0.02) -> None:
        """Send `data` byte by byte, for as long as anybody listens."""
        for number in range(len(data)):
            self.send(data[number : number + 1])
            if self.closing.wait(pause_seconds):
                return


Answer = Callable[[Exchange], None]


class FaultServer:
    """Serves one connection for each request; `answer` decides what comes back."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.requests: list[Exchange] = []
        self._context = context
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://localhost:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[FaultServer]:
        thread = threading.Thread(target=self._accept)
        thread.start()
        try:
            yield self
        finally:
            self._closing.set()
            self._listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            self._listener.close()

    def _accept(self) -> None:
        serving = []
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                serving.append(threading.Thread(target=self._serve, args=(connection,)))
                serving[-1].start()
                serving = [thread for thread in serving if thread.is_alive()]
        for thread in serving:
            thread.join()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client has had enough, or distrusts us
            connection.settimeout(30)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            exchange = self._read(connection)
            if exchange:
                self.requests.append(exchange)
                self.answer(exchange)
        connection.close()

    def _read(self, connection: socket.socket) -> Exchange | None:
        head = b""
        while b"\r\n\r\n" not in head:
            part = connection.recv(65536)
            head += part
            if not part or head[0] == _TLS_HANDSHAKE:
                return None
        first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        url = urlsplit(first.split(" ")[1])
        headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
        return Exchange(url.path, dict(parse_qsl(url.query)), headers, connection, self._closing)
