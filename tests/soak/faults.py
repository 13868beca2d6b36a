"""What can go wrong between SendGrid and the exporter, each on one connection.

None of these changes a value in a way that no client could notice: an empty `result` is a
legitimate answer, and so is a page that ends early by its cursor. They are left out.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

#: How long a fault holds a connection at most, should the exporter not hang up before.
LONGEST_SECONDS = 5.0

_TRICKLE_SECONDS = 0.2
_ENDLESS_BYTES = 64 * 1024 * 1024
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: the simulator's own, or one that stands in for it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self) -> bytes:
        headers = {"Content-Type": "application/json", **self.headers}
        headers["Content-Length"] = str(len(self.body))
        lines = [f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join((*lines, "", "")).encode()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of the exporter, what the simulator answers, and where the answer goes."""

    connection: socket.socket
    target: str
    key: str
    answer: Answer
    elsewhere: str

    def send(self, answer: Answer) -> None:
        self.connection.sendall(answer.head() + answer.body)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def body_to_break(self) -> bytes:
        """A body that has something to lose; an answer of 202 has none of its own."""
        return self.answer.body if len(self.answer.body) > 1 else _HTML

    def refuse(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        # With the key in its text, as careless servers do: it must turn up nowhere.
        errors = [{"field": None, "message": f"{status} for the key {self.key}"}]
        body = json.dumps({"errors": errors}).encode()
        self.send(Answer(status, body, headers or {}))


def _always(exchange: Exchange) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault; `fits` tells whether it makes a difference to this exchange."""

    act: Callable[[Exchange], None]
    fits: Callable[[Exchange], bool] = _always
    hangs_up: bool = False

    @property
    def is_choosy(self) -> bool:
        return self.fits is not _always


def _reset(exchange: Exchange) -> None:
    """Make the close that follows a reset."""
    linger = struct.pack("ii", 1, 0)
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _reset_inside(exchange: Exchange) -> None:
    _cut(exchange)
    time.sleep(0.05)  # so that the first half arrives: a reset throws away what does not
    _reset(exchange)


def _cut(exchange: Exchange) -> None:
    whole = Answer(200, exchange.body_to_break)
    exchange.connection.sendall(whole.head() + whole.body[: len(whole.body) // 2])


def _trickle(exchange: Exchange, text: bytes) -> None:
    """Send byte after byte, the last ones never: what arrives late must not count as whole."""
    deadline = time.monotonic() + LONGEST_SECONDS
    for index in range(len(text) - 1):
        if time.monotonic() > deadline:
            return
        exchange.connection.sendall(text[index : index + 1])
        time.sleep(_TRICKLE_SECONDS)


def _cut_headers(exchange: Exchange) -> None:
    """End in the middle of a line: at the end of one it would be a whole answer without a body."""
    head = Answer(200, exchange.body_to_break).head()
    exchange.connection.sendall(head[: head.index(b"-Length")])


def _trickle_headers(exchange: Exchange) -> None:
    whole = Answer(200, exchange.body_to_break, {"X-Padding": "x" * 100})
    _trickle(exchange, whole.head())


def _trickle_body(exchange: Exchange) -> None:
    whole = Answer(200, exchange.body_to_break)
    exchange.connection.sendall(whole.head())
    _trickle(exchange, whole.body)


def _hold(exchange: Exchange) -> None:
    exchange.connection.settimeout(LONGEST_SECONDS)
    exchange.connection.recv(1)  # returns when the exporter hangs up


def _never_end(exchange: Exchange) -> None:
    """Send white space for ever, which is the beginning of JSON and no more."""
    exchange.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    exchange.connection.settimeout(LONGEST_SECONDS)
    chunk = b" " * 65536
    for _ in range(_ENDLESS_BYTES // len(chunk)):
        exchange.connection.sendall(chunk)


def _corrupt_gzip(exchange: Exchange) -> None:
    packed = bytearray(gzip.compress(exchange.body_to_break))
    half = len(packed) // 2
    packed[half:] = bytes(byte ^ 0xFF for byte in packed[half:])
    exchange.send(Answer(200, bytes(packed), {"Content-Encoding": "gzip"}))


def _send_json(content: object) -> Callable[[Exchange], None]:
    body = json.dumps(content).encode()
    return lambda exchange: exchange.send(Answer(200, body))


def _send_html(status: int) -> Callable[[Exchange], None]:
    answer = Answer(status, _HTML, {"Content-Type": "text/html"})
    return lambda exchange: exchange.send(answer)


def _send_not_yet(exchange: Exchange) -> None:
    exchange.send(Answer(202))


def _quote_key_across_a_cut(exchange: Exchange) -> None:
    """Quote the key at the 190th character: a message that is cut at 200 would cut it in two."""
    body = json.dumps({"errors": [{"message": "x" * 190 + exchange.key}]}).encode()
    exchange.send(Answer(401, body))


def _send_early_hints(exchange: Exchange) -> None:
    exchange.connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    exchange.send(exchange.answer)


def _send_another_day(exchange: Exchange) -> None:
    """Answer as a cache that ignores the query."""
    page = json.loads(exchange.answer.body)
    result = [item | {"date": "2020-02-02"} for item in page["result"]]
    exchange.send(Answer(200, json.dumps(page | {"result": result}).encode()))


def _redirect(exchange: Exchange) -> None:
    exchange.refuse(302, {"Location": exchange.elsewhere + exchange.target})


def _is_later_page(exchange: Exchange) -> bool:
    return exchange.answer.status == 200 and "after_key=" in exchange.target


def _is_page(exchange: Exchange) -> bool:
    return exchange.answer.status == 200 and "date=" in exchange.target


def _is_first_page(exchange: Exchange) -> bool:
    return exchange.answer.status == 200 and "after_key=" not in exchange.target


def _is_last_of_pages(exchange: Exchange) -> bool:
    """Whether a repeated cursor loses nothing: before the last page it is the end all the same."""
    if not _is_later_page(exchange):
        return False
    page = json.loads(exchange.answer.body)
    return page["_metadata"]["next_params"]["after_key"] is None


def _repeat_cursor(exchange: Exchange) -> None:
    page = json.loads(exchange.answer.body)
    cursor = exchange.target.partition("after_key=")[2].partition("&")[0]
    page["_metadata"]["next_params"]["after_key"] = cursor
    exchange.send(Answer(200, json.dumps(page).encode()))


#: Every kind of fault by its name in the report.
FAULTS: Mapping[str, Fault] = {
    "closed at once": Fault(lambda exchange: None, hangs_up=True),
    "reset before the answer": Fault(_reset, hangs_up=True),
    "reset inside the body": Fault(_reset_inside, hangs_up=True),
    "body cut short": Fault(_cut, hangs_up=True),
    "headers cut short": Fault(_cut_headers, hangs_up=True),
    "body trickles": Fault(_trickle_body, hangs_up=True),
    "headers trickle": Fault(_trickle_headers, hangs_up=True),
    "no answer": Fault(_hold, hangs_up=True),
    "endless spaces": Fault(_never_end, hangs_up=True),
    "202 for scores": Fault(_send_not_yet, _is_first_page),
    "202 for a later page": Fault(_send_not_yet, _is_later_page),
    "302 elsewhere": Fault(_redirect),
    "401": Fault(lambda exchange: exchange.refuse(401)),
    "403": Fault(lambda exchange: exchange.refuse(403)),
    "401 with the key across a cut": Fault(_quote_key_across_a_cut),
    "403 with HTML": Fault(_send_html(403)),
    "404": Fault(lambda exchange: exchange.refuse(404)),
    "429": Fault(lambda exchange: exchange.refuse(429)),
    "429 with Retry-After": Fault(lambda exchange: exchange.refuse(429, {"Retry-After": "1"})),
    "500": Fault(lambda exchange: exchange.refuse(500)),
    "503 with HTML": Fault(_send_html(503)),
    "503 with Retry-After": Fault(lambda exchange: exchange.refuse(503, {"Retry-After": "1"})),
    "599": Fault(_send_html(599)),
    "103 before the answer": Fault(_send_early_hints),
    "200 with another day": Fault(_send_another_day, _is_page),
    "200 with HTML": Fault(_send_html(200)),
    "200 with no object": Fault(_send_json("scores")),
    "200 with a wrong result": Fault(_send_json({"result": {"score": 5}})),
    "200 with broken gzip": Fault(_corrupt_gzip),
    "cursor repeated": Fault(_repeat_cursor, _is_last_of_pages),
}
