"""Scrape as fast as a server answers: `scrape_load.py PORT CONNECTIONS SECONDS`, run as a process.

Prints the scrapes a second as JSON. On pages of some kilobytes, this client itself limits nginx to
some ten thousand scrapes a second: a ratio to nginx is then too favourable.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time

from benchmarks.scraper import connect, make_request, parse_head

_REQUEST = make_request("/metrics")
_BUFFER = bytearray(1024 * 1024)


class Scraper:
    """A connection that sends a new request as soon as the last one is answered."""

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self.answers = 0
        self._left = 0
        self.socket.sendall(_REQUEST)

    def receive(self) -> None:
        """Receive available bytes; the server must keep the connection open."""
        if self._left:
            # Let the kernel discard the bytes: copying them would take the client as long as
            # sending takes nginx, and the figures would measure the client.
            self._left -= self._take(min(self._left, len(_BUFFER)), socket.MSG_TRUNC)
        else:
            received = self._take(16384, 0)
            head = parse_head(_BUFFER[:received])
            assert head, "the head of an answer arrived in pieces"
            assert head.status == 200, f"the server answered {head.status}"
            assert head.is_kept_alive, "the server closed the connection"
            self._left = head.size + head.content_length - received
        if not self._left:
            self.answers += 1
            self.socket.sendall(_REQUEST)

    def _take(self, size: int, flags: int) -> int:
        received = self.socket.recv_into(_BUFFER, size, flags)
        assert received, "the server closed the connection in the middle of an answer"
        return received


def measure(port: int, connections: int, seconds: float) -> float:
    """Return the answers a second of all connections together."""
    selector = selectors.DefaultSelector()
    scrapers = [Scraper(port) for _ in range(connections)]
    for scraper in scrapers:
        selector.register(scraper.socket, selectors.EVENT_READ, scraper)
    started = time.monotonic()
    while (now := time.monotonic()) - started < seconds:
        for key, _ in selector.select(timeout=seconds):
            key.data.receive()
    return sum(scraper.answers for scraper in scrapers) / (now - started)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
