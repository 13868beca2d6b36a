"""Real proxies on loopback, which send every connection to one server."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

#: Speaks with a client until the tunnel is open; returns what the client wants to reach, or None.
Handshake = Callable[[socket.socket], str | None]


class TunnelProxy:
    """Opens a tunnel to the port `target` for each client with whom `shake_hands` succeeds.

    `reached` are the hosts and ports that clients have asked for.
    """

    def __init__(
        self, target: int, shake_hands: Handshake, context: ssl.SSLContext | None = None
    ) -> None:
        self.reached: list[str] = []
        self._target = target
        self._shake_hands = shake_hands
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @contextlib.contextmanager
    def running(self) -> Iterator[TunnelProxy]:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client is gone, or distrusts us
            connection.settimeout(30)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            wanted = self._shake_hands(connection)
            if wanted:
                self.reached.append(wanted)
                with socket.create_connection(("127.0.0.1", self._target)) as server:
                    _relay(connection, server)
        connection.close()


def _relay(client: socket.socket, server: socket.socket) -> None:
    """Copy in both directions until one of them ends.

    In one thread: OpenSSL breaks where one thread reads a connection while another writes to it.
    """
    while True:
        has_rest = isinstance(client, ssl.SSLSocket) and client.pending()
        for source in [client] if has_rest else select.select([client, server], [], [])[0]:
            data = source.recv(65536)
            if not data:
                return
            (server if source is client else client).sendall(data)


def accept_connect(login: str = "") -> Handshake:
    """Return the handshake of an HTTP proxy that requires `login`, as it stands in the header."""

    def shake_hands(connection: socket.socket) -> str | None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        if f"Proxy-Authorization: {login}".encode() in head or not login:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            return head.split(b" ")[1].decode()
        connection.sendall(b"HTTP/1.1 407 Who: " + head.replace(b"\r\n", b" ") + b"\r\n\r\n")
        return None

    return shake_hands


def accept_socks(login: str = "", answer: int = 0) -> Handshake:
    """Return the handshake of a SOCKS5 proxy that requires `login`, and answers a status."""

    def shake_hands(connection: socket.socket) -> str | None:
        stream = connection.makefile("rb")
        _, methods = stream.read(2)
        offered = stream.read(methods)
        method = 2 if login else 0
        if method not in offered:
            connection.sendall(b"\x05\xff")
            return None
        connection.sendall(bytes([5, method]))
        if login:
            stream.read(1)
            user, password = (stream.read(stream.read(1)[0]).decode() for _ in range(2))
            is_right = f"{user}:{password}" == login
            connection.sendall(bytes([1, not is_right]))
            if not is_right:
                return None
        *_, kind = stream.read(4)
        host = stream.read(stream.read(1)[0]).decode() if kind == 3 else str(list(stream.read(4)))
        port = int.from_bytes(stream.read(2), "big")
        connection.sendall(bytes([5, answer, 0, 1, 0, 0, 0, 0, 0, 0]))
        return None if answer else f"{host}:{port}"

    return shake_hands
