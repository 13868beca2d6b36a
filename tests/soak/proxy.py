"""An HTTP proxy on loopback that passes requests to the simulator, and fails one in three.

Some faults last for a few requests, as an outage does: a retry gets over the others.
"""

from __future__ import annotations

import http.client
import random
import socket
import socketserver
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from tests.soak.faults import FAULTS, Answer, Exchange, Fault

# The second fault of a kind, and every third after it, last for three requests of the same key and
# path. With those that follow, faults are one request in three.
_ONE_LASTS_IN = 3
_REQUESTS_MORE = 2
_SHARE_OF_NEW_FAULTS = 0.22
# Lower than what the exporter asks for, so that a fleet of 40 is more than one page.
_PAGE_SIZE = 20
_GIVE_UP_SECONDS = 30.0


class Proxy:
    """Decides what happens to each request, and counts it.

    `injected` is by kind of fault; `defects` are the proxy's own, and spoil the run.
    """

    def __init__(self, upstream: str, seed: int) -> None:
        self.requests = 0
        self.defects: list[str] = []
        self.injected: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
        self._upstream = urlsplit(upstream).netloc
        self._random = random.Random(seed)
        self._begun: Counter[str] = Counter()
        self._deck: list[str] = []
        self._lasting: dict[tuple[str, str], list[str]] = {}
        self._deciding = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self)
        # Another host, for all that HTTP knows: whoever follows a redirect brings the key here.
        self._trap = socket.create_server(("127.0.0.2", 0))
        self._trap.setblocking(False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def was_redirect_followed(self) -> bool:
        try:
            connection, _ = self._trap.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._trap.close()
            thread.join(_GIVE_UP_SECONDS)

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection until one of the two hangs up."""
        connection.settimeout(_GIVE_UP_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := _read_request(connection):
            target, headers = request
            exchange = Exchange(
                connection=connection,
                target=target,
                key=headers.get("authorization", "").removeprefix("Bearer "),
                answer=self._ask(target, headers),
                elsewhere="http://{}:{}".format(*self._trap.getsockname()),
            )
            fault = self._decide(exchange)
            if fault is None:
                exchange.send(exchange.answer)
                continue
            fault.act(exchange)
            if fault.hangs_up:
                return

    def _decide(self, exchange: Exchange) -> Fault | None:
        """Return the fault that this request meets, or None."""
        with self._deciding:
            self.requests += 1
            kind = self._continue(exchange) or self._begin(exchange)
            if kind is None:
                return None
            self.injected[kind] += 1
            return FAULTS[kind]

    def _continue(self, exchange: Exchange) -> str | None:
        """Return the fault that lasts for this key and path, if one does."""
        left = self._lasting.get((exchange.key, exchange.path))
        return left.pop() if left and FAULTS[left[-1]].fits(exchange) else None

    def _begin(self, exchange: Exchange) -> str | None:
        if self._random.random() >= _SHARE_OF_NEW_FAULTS:
            return None
        kind = self._deal(exchange) or self._deal(exchange)
        assert kind, "no fault fits, even of a whole deck"
        self._begun[kind] += 1
        if self._begun[kind] % _ONE_LASTS_IN == 2:
            self._lasting[exchange.key, exchange.path] = [kind] * _REQUESTS_MORE
        return kind

    def _deal(self, exchange: Exchange) -> str | None:
        """Take a fault like a card, so that none is rare in a short run.

        Where no card that is left fits, those that were dealt are put back.
        """
        # The choosy ones first: few requests suit them.
        for kind in sorted(self._deck, key=lambda kind: not FAULTS[kind].is_choosy):
            if FAULTS[kind].fits(exchange):
                self._deck.remove(kind)
                return kind
        dealt = [kind for kind in FAULTS if kind not in self._deck]
        self._deck += self._random.sample(dealt, len(dealt))
        return None

    def _ask(self, target: str, headers: dict[str, str]) -> Answer:
        upstream = http.client.HTTPConnection(self._upstream, timeout=_GIVE_UP_SECONDS)
        try:
            upstream.request("GET", _limit_page(target), headers=_passed_on(headers))
            response = upstream.getresponse()
            kept = {k: v for k, v in response.getheaders() if k.lower().startswith("x-")}
            return Answer(response.status, response.read(), kept)
        finally:
            upstream.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        self.proxy.defects.append(traceback.format_exc())


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            self.server.proxy.serve(self.request)
        except OSError:
            pass  # the exporter has hung up, as it should on many of the faults
        finally:
            # Here, and not by the server: its orderly shutdown would come before a reset.
            self.request.close()


def _read_request(connection: socket.socket) -> tuple[str, dict[str, str]] | None:
    """Return target and headers of the next GET, or None when there is no more."""
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        received = connection.recv(65536)
        if not received:
            return None
        text += received
    first, *lines = text.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs}


def _passed_on(headers: dict[str, str]) -> dict[str, str]:
    left_out = ("host", "connection", "accept-encoding")
    return {name: value for name, value in headers.items() if name not in left_out}


def _limit_page(target: str) -> str:
    parts = urlsplit(target)
    query = parse_qs(parts.query)
    if "date" in query:
        query["limit"] = [str(_PAGE_SIZE)]
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True)))
