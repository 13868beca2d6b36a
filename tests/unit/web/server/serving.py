"""A server in a thread, and clients that talk to it over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection

from starlette.types import ASGIApp

from seq_exporter.web.server.listen import open_sockets
from seq_exporter.web.server.server import Limits, Server
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings


@contextlib.contextmanager
def serving(
    app: ASGIApp,
    settings: WebSettings | None = None,
    web_settings: ReloadableSettings | None = None,
    limits: Limits | None = None,
    sock: socket.socket | None = None,
) -> Iterator[int]:
    """Serve in a thread; yield the port, and stop at the end.

    Starting and stopping takes 0.2 s, so tests of one app share a server where they can. What a
    client sends to an open `sock` before waits for the server, whose time begins only then: such a
    client is not too slow for short `limits`, however busy the machine is.
    """
    web_settings = web_settings or ReloadableSettings(lambda: settings or WebSettings())
    sock = sock or open_socket()
    port = port_of(sock)
    server = Server(app, web_settings, limits)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[sock])), daemon=True)
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(60)
    assert not thread.is_alive()


def open_socket() -> socket.socket:
    (sock,) = open_sockets(["127.0.0.1:0"])
    return sock


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def get(port: int, tls: ssl.SSLContext | None = None) -> tuple[HTTPResponse, bytes]:
    """Return the answer to GET /, and its body."""
    connection = (
        HTTPSConnection("127.0.0.1", port, timeout=60, context=tls)
        if tls
        else HTTPConnection("127.0.0.1", port, timeout=60)
    )
    with contextlib.closing(connection):
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer, answer.read()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def receive_all(client: socket.socket) -> bytes:
    """Return everything that the server sends until it closes the connection."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(65536):
            received += chunk
    return bytes(received)


def talk(port: int, request: bytes) -> bytes:
    """Return the server's answer to the bytes of `request`."""
    with connect(port) as client:
        client.sendall(request)
        return receive_all(client)
