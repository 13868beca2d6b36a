"""What goes wrong with a connection, or with the bytes on it."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable
from dataclasses import replace

from tests.faults.server import Exchange, FaultServer
from tests.faults.stage import HELD, NEW, SHORT_TIMEOUT, Fault, Stage

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_JSON = b'{"result": [{"user_id": "1", "username": "a", "score": 5}]}'
_MEGABYTE = 1024 * 1024


def _answered(name: str, reason: str, answer: Callable[[Exchange], None]) -> Fault:
    """Return a fault of every answer."""
    return Fault(name, HELD, {reason: 1}, lambda stage, exchange: answer(exchange))


def _lasting(name: str, answer: Callable[[Exchange], None]) -> Fault:
    return replace(_answered(name, "timeout", answer), settings=SHORT_TIMEOUT)


def _sent(name: str, reason: str, data: bytes) -> Fault:
    return _answered(name, reason, lambda exchange: exchange.send(data))


def _reset_inside(exchange: Exchange) -> None:
    exchange.send(_HEAD + b"Content-Length: 1000\r\n\r\n" + _JSON[:20])
    exchange.reset()


def _say_nothing(exchange: Exchange) -> None:
    exchange.closing.wait()


def _trickle_head(exchange: Exchange) -> None:
    exchange.send(_HEAD)
    exchange.trickle(b"X-Slow: " + b"y" * 1000)


def _trickle_body(exchange: Exchange) -> None:
    exchange.send(_HEAD + b"Content-Length: 1000\r\n\r\n")
    exchange.trickle(b" " * 1000)


def _trickle_chunks(exchange: Exchange) -> None:
    exchange.send(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    exchange.trickle(b"1\r\n \r\n" * 1000)


def _flood(exchange: Exchange) -> None:
    exchange.send(_HEAD + b"Content-Length: 400000000\r\n\r\n")
    for _ in range(400):
        exchange.send(b" " * _MEGABYTE)


def _flood_redirect(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 400000000\r\n\r\n")
    for _ in range(400):
        exchange.send(b" " * _MEGABYTE)


def _flood_chunks(exchange: Exchange) -> None:
    exchange.send(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(400):
        exchange.send(b"100000\r\n" + b" " * _MEGABYTE + b"\r\n")


def _flood_head(exchange: Exchange) -> None:
    exchange.send(_HEAD)
    for _ in range(400):
        exchange.send(b"X: " + b"y" * 60_000 + b"\r\n")


def _bomb(name: str, layers: int, gigabytes: int, status: int = 200) -> Fault:
    packer = zlib.compressobj(9, wbits=31)
    start = packer.flush(zlib.Z_FULL_FLUSH)
    # What comes between two full flushes stands alone, and can be repeated.
    megabyte = packer.compress(bytes(_MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = start + megabyte * 1024 * gigabytes + packer.flush()
    for _ in range(layers - 1):
        body = gzip.compress(body)
    encoding = f"Content-Encoding: {', '.join(['gzip'] * layers)}"
    return _answered(
        name,
        "malformed_response",
        lambda exchange: exchange.reply(status, body, encoding, "Location: /elsewhere"),
    )


def _reply_gzip(exchange: Exchange, body: bytes) -> None:
    exchange.reply(200, body, "Content-Encoding: gzip")


def _flip(data: bytes) -> bytes:
    """Return `data` with its middle turned into something else."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


def _expect_no_cookie(stage: Stage, exchange: Exchange) -> None:
    assert "cookie" not in exchange.headers
    exchange.send(b"HTTP/1.1 202 Later\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")


def _closed_port(stage: Stage) -> str:
    with FaultServer(stage.sendgrid.answer).running() as server:
        return server.url


def _interim(name: str, *heads: bytes) -> Fault:
    """Return the fault of answers before the answer, which are to be skipped."""

    def answer(stage: Stage, exchange: Exchange) -> None:
        for head in heads:
            exchange.send(b"HTTP/1.1 " + head + b"\r\n\r\n")
        stage.sendgrid.answer(exchange)

    return Fault(f"{name} before the answer", NEW, {}, answer)


def _environment(
    name: str,
    base_url: Callable[[Stage], str],
    variables: Callable[[Stage], dict[str, str]],
    answer: Callable[[Stage, Exchange], None] | None = None,
) -> Fault:
    """Return the fault of variables that requests and OpenSSL read."""

    def begin(stage: Stage) -> None:
        os.environ.update(variables(stage))

    def end(stage: Stage) -> None:
        for variable in variables(stage):
            del os.environ[variable]

    return Fault(name, HELD, {"connection": 1}, answer, begin=begin, end=end, base_url=base_url)


def _certificates(variable: str, path: str) -> Fault:
    return _environment(
        f"{variable} names {path}",
        lambda stage: stage.distrusted.url,
        lambda stage: {variable: path},
    )


def _proxy(status: int) -> Fault:
    return _environment(
        f"a proxy that answers {status} to CONNECT",
        lambda stage: "https://sendgrid.invalid",
        lambda stage: {"HTTPS_PROXY": stage.server.url.replace("//", "//user:password@")},
        lambda stage, exchange: exchange.reply(status),
    )


FAULTS = [
    Fault("the connection is refused", HELD, {"connection": 1}, base_url=_closed_port),
    Fault(
        "DNS knows no such host",
        HELD,
        {"connection": 1},
        base_url=lambda stage: "http://sendgrid.invalid",
    ),
    Fault(
        "the certificate is not trusted",
        HELD,
        {"connection": 1},
        base_url=lambda stage: stage.distrusted.url,
    ),
    Fault(
        "TLS to a port that speaks none",
        HELD,
        {"connection": 1},
        base_url=lambda stage: stage.server.url.replace("http:", "https:"),
    ),
    Fault(
        "no TLS to a port that wants it",
        HELD,
        {"connection": 1},
        base_url=lambda stage: stage.distrusted.url.replace("https:", "http:"),
    ),
    _answered("reset before the answer", "connection", Exchange.reset),
    _answered("reset inside the body", "connection", _reset_inside),
    _answered("closed without an answer", "connection", lambda exchange: None),
    _sent("closed inside the headers", "malformed_response", _HEAD),
    _sent(
        "body shorter than Content-Length", "connection", _HEAD + b"Content-Length: 99\r\n\r\n{}"
    ),
    _sent(
        "chunks without an end",
        "connection",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{    \r\n",
    ),
    _sent(
        "a chunk of no size",
        "connection",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    ),
    _sent(
        "a chunk of less than no size",
        "connection",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
    ),
    _sent("another protocol", "connection", b"SSH-2.0-OpenSSH_9.2\r\n"),
    _sent("a status that is no number", "connection", b"HTTP/1.1 OK 200\r\n\r\n"),
    _sent(
        "two lengths that differ",
        "connection",
        _HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    ),
    _lasting("no answer within the time-out", _say_nothing),
    _lasting("headers that trickle past the time-out", _trickle_head),
    _lasting("a body that trickles past the time-out", _trickle_body),
    _lasting("chunks that trickle past the time-out", _trickle_chunks),
    _answered("headers of megabytes", "connection", _flood_head),
    _answered("a body of 400 MB", "malformed_response", _flood),
    _answered("400 MB in chunks", "malformed_response", _flood_chunks),
    _bomb("gzip that inflates to 4 GB", layers=1, gigabytes=4),
    _bomb("gzip of gzip that inflates to 4 GB", layers=2, gigabytes=4),
    _bomb("a redirect with gzip of gzip of 4 GB", layers=2, gigabytes=4, status=302),
    _answered("a redirect with a body of 400 MB", "malformed_response", _flood_redirect),
    _answered(
        "gzip that is corrupt",
        "malformed_response",
        lambda exchange: _reply_gzip(exchange, _flip(gzip.compress(_JSON))),
    ),
    _answered(
        "gzip that is cut short",
        "malformed_response",
        lambda exchange: _reply_gzip(exchange, gzip.compress(_JSON)[:30]),
    ),
    _answered(
        "gzip that is none",
        "malformed_response",
        lambda exchange: _reply_gzip(exchange, _JSON),
    ),
    _interim("102", b"102 Processing"),
    _interim("103", b"103 Early Hints\r\nLink: </a.css>; rel=preload", b"100 Continue"),
    _sent("interim answers without an end", "connection", b"HTTP/1.1 103 Hints\r\n\r\n" * 1000),
    *(_certificates("REQUESTS_CA_BUNDLE", path) for path in ("/nope", "/dev/null", "/dev")),
    _certificates("SSL_CERT_FILE", "/nope"),
    *(_proxy(status) for status in (403, 407, 502)),
    _environment(
        "HTTPS_PROXY that is not a URL",
        lambda stage: "https://sendgrid.invalid",
        lambda stage: {"HTTPS_PROXY": "http://user:password@[proxy"},
    ),
    Fault("cookies", HELD, {}, _expect_no_cookie),
]
