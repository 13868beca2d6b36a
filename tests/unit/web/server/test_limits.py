"""Limits on a client, over real connections, while other clients are answered."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from seq_exporter.web.routes import PartsResponse
from seq_exporter.web.server.server import Limits
from tests.unit.web.server.serving import (
    connect,
    get,
    open_socket,
    port_of,
    receive_all,
    serving,
    talk,
)

SHORT_REQUEST = Limits(connections=8, header_bytes=4096, request_seconds=0.1)
SHORT_ANSWER = Limits(connections=8, header_bytes=4096, answer_seconds=0.1)
#: No client is disconnected for being slow.
FEW = Limits(connections=8)

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
PAGE_BYTES = 50_000_000


async def metrics(request: Request) -> PartsResponse:
    return PartsResponse([b"a" * PAGE_BYTES], PAGE_BYTES, {})


async def hello(request: Request) -> PartsResponse:
    return PartsResponse([b"hello\n"], 6, {})


async def path(request: Request) -> PartsResponse:
    return PartsResponse([b"path\n"], 5, {})


APP = Starlette(routes=[Route("/", hello), Route("/h", path), Route("/metrics", metrics)])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(APP) as port:
        yield port


def test_a_connection_over_the_limit_replaces_the_oldest() -> None:
    with serving(APP, limits=FEW) as port:
        idle = [connect(port) for _ in range(50)]
        assert get(port)[1] == b"hello\n"
        assert [receive_all(client) for client in idle[:42]] == [b""] * 42
        idle[-1].sendall(REQUEST)
        assert receive_all(idle[-1]).endswith(b"hello\n")
        for client in idle:
            client.close()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", REQUEST[:-2], REQUEST.replace(b"close", b"keep-alive") + b"GET"],
    ids=["nothing", "half a line", "half a head", "half a second request"],
)
def test_an_incomplete_request_is_disconnected(sent: bytes) -> None:
    sock = open_socket()
    with connect(port_of(sock)) as client:
        client.sendall(sent)
        with serving(APP, limits=SHORT_REQUEST, sock=sock):
            received = receive_all(client)
    assert received.count(b"hello\n") == sent.count(b"\r\n\r\n")


def test_a_client_that_does_not_read_is_disconnected() -> None:
    with serving(APP, limits=SHORT_ANSWER) as port, connect(port) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
        client.recv(1)
        with contextlib.suppress(ConnectionError):
            while True:  # do not read before the server has given up
                client.sendall(b"x")
                time.sleep(0.01)
        assert len(receive_all(client)) < PAGE_BYTES


def test_the_parts_of_a_body_are_made_as_the_client_takes_them() -> None:
    made: list[int] = []

    def parts() -> Iterator[bytes]:
        for _ in range(PAGE_BYTES // 10_000):
            made.append(10_000)
            yield b"a" * 10_000

    async def page(request: Request) -> PartsResponse:
        return PartsResponse(parts(), PAGE_BYTES, {})

    with (
        serving(Starlette(routes=[Route("/", page), Route("/h", path)])) as port,
        connect(port) as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.sendall(REQUEST)
        client.recv(1)
        for _ in range(100):  # until the server waits for this client
            assert talk(port, REQUEST.replace(b" / ", b" /h ")).endswith(b"path\n")
        # What the kernel holds for a client: a megabyte that is not sent, and its buffer.
        assert sum(made) < 2_500_000
        assert len(receive_all(client)) > PAGE_BYTES


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (REQUEST.replace(b"Host", b"X: " + b"y" * 8192 + b"\r\nHost"), 200),
        (REQUEST.replace(b"Host", b"X: " + b"y" * 40_000 + b"\r\nHost"), 400),
        (REQUEST.replace(b"GET", b"BREW"), 405),
        (REQUEST.replace(b"GET", b"G\0T"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (REQUEST.replace(b"Host", b"Content-Length: 5\r\nHost") + b"hello", 200),
        (REQUEST.replace(b"Host", b"Content-Length: -5\r\nHost"), 400),
        (REQUEST.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost") + b"0\r\n\r\n", 200),
        (REQUEST.replace(b"Host", b"Expect: 100-continue\r\nContent-Length: 9\r\nHost"), 200),
        (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), 200),
    ],
    ids=[
        "8 KiB of header",
        "40 KB of header",
        "an unknown method",
        "a malformed method",
        "TLS",
        "a body",
        "a negative content length",
        "a body in chunks",
        "a body that waits for 100 Continue",
        "HTTP/1.0",
    ],
)
def test_odd_requests(port: int, sent: bytes, status: int) -> None:
    assert talk(port, sent).split(b" ", 2)[1] == str(status).encode()
    assert get(port)[1] == b"hello\n"


def head_of(size: int) -> bytes:
    """Return the head of a request that is `size` bytes long, with some white space in it."""
    return REQUEST.replace(b"Host", b"X:   \t" + b"y" * (size - len(REQUEST) - 8) + b"\r\nHost")


@pytest.mark.parametrize(
    ("size", "status"), [(16 * 1024, b"200"), (16 * 1024 + 1, b"400"), (60_000, b"400")]
)
@pytest.mark.parametrize("step", [1, 1000, 100_000], ids=["a byte at a time", "pieces", "whole"])
@pytest.mark.parametrize("before", [b"", REQUEST.replace(b"close", b"keep-alive")])
def test_the_limit_of_the_head_is_exact(
    port: int, size: int, status: bytes, step: int, before: bytes
) -> None:
    head = head_of(size)
    assert len(head) == size
    with connect(port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):  # what is too long is not read to its end
            for start in range(0, len(before + head), step):
                client.sendall((before + head)[start : start + step])
        answers = re.findall(rb"HTTP/1.1 (\d+)", receive_all(client))
    # A reset because of what was not read may overtake the answers.
    assert answers == [b"200"] * bool(before) + [status] or (status, answers) == (b"400", [])


def test_a_long_head_after_a_slow_answer_is_refused(port: int) -> None:
    """Without the limit's own measure, what arrives while a page is sent was not measured."""
    with connect(port) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n" + head_of(30_000))
        assert re.findall(rb"HTTP/1.1 (\d+)", receive_all(client)) == [b"200", b"400"]


@pytest.mark.parametrize(
    ("target", "body"),
    [
        (b"http://here/", b"hello\n"),
        (b"http://here:10737/", b"hello\n"),
        (b"HTTPS://elsewhere/", b"hello\n"),
        (b"http://here", b"hello\n"),
        (b"http://user@[::1]:80?a=/b", b"hello\n"),
        (b"http://here/%68?a", b"path\n"),
        (b"/h", b"path\n"),
        (b"http://here/http://here/h", b"Not Found"),
        (b"ftp://here/h", b"Not Found"),
        (b"here/h", b"Not Found"),
        (b"//here/h", b"Not Found"),
        (b"*", b"Not Found"),
    ],
)
def test_an_absolute_form_target_is_its_path(port: int, target: bytes, body: bytes) -> None:
    assert talk(port, REQUEST.replace(b" / ", b" " + target + b" ")).endswith(b"\n" + body)


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_a_request_with_two_lengths_is_the_last_of_its_connection(
    port: int, version: bytes
) -> None:
    request = (
        b"GET / HTTP/%b\r\nHost: here\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n" % version
    )
    answer = talk(port, request + REQUEST)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in answer.lower()


def test_an_endless_body_is_disconnected() -> None:
    sock = open_socket()
    with connect(port_of(sock)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 999999999999\r\n\r\n")
        with (
            serving(APP, limits=SHORT_REQUEST, sock=sock),
            contextlib.suppress(ConnectionError),
        ):
            while True:
                client.sendall(b"x" * 65536)
