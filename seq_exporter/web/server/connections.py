"""Who is let in: a bounded number of connections, the newest before the oldest."""

from __future__ import annotations

import contextlib
import socket
from typing import Any


class ConnectionLimit:
    """The open connections, at most `limit`, in the order in which they came.

    One too many takes the place of the oldest: a thousand idle clients keep nobody out. A scrape
    lasts milliseconds, and a client that is shown out between two of them connects again.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside: dict[_CountedConnection, None] = {}

    def admit(self, guest: _CountedConnection) -> None:
        """Note one that has come, and show out the oldest if it is one too many."""
        self._inside[guest] = None
        if len(self._inside) > self._limit:
            oldest = next(iter(self._inside))
            self.forget(oldest)
            with contextlib.suppress(OSError):  # it has just left by itself
                oldest.shutdown(socket.SHUT_RDWR)

    def forget(self, guest: _CountedConnection) -> None:
        """Note that one has gone."""
        self._inside.pop(guest, None)

    def __len__(self) -> int:
        return len(self._inside)


class LimitedListener(socket.socket):
    """A listening socket, made of one that is open, whose connections are counted in `guests`.

    At the socket, as an event loop and its server know of a TLS connection only after its
    handshake, which may be left unfinished.
    """

    def __init__(self, listening: socket.socket, guests: ConnectionLimit) -> None:
        super().__init__(fileno=listening.detach())
        self._guests = guests

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection, and where it comes from."""
        connection, address = super().accept()
        return _CountedConnection(connection, self._guests), address


class _CountedConnection(socket.socket):
    def __init__(self, connection: socket.socket, guests: ConnectionLimit) -> None:
        super().__init__(fileno=connection.detach())
        self._guests = guests
        guests.admit(self)

    def close(self) -> None:
        self._guests.forget(self)
        super().close()
