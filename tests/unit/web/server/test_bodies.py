"""Bodies of every size: each road that their bytes take, and clients that are slow, or leave."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import ssl
import struct
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from seq_exporter.web.routes import PartsResponse
from seq_exporter.web.server.server import Limits, Server
from seq_exporter.web.settings.file import load_web_settings
from tests.unit.web.server.serving import connect, open_socket, port_of, receive_all, serving

#: More than the buffers of a connection take.
PAGE = random.Random(1).randbytes(8_000_000)
PARTS = (b"begin", PAGE, b"end")
BODY = b"".join(PARTS)
SLICES = [PAGE[start : start + 10_000] for start in range(0, len(PAGE), 10_000)]


async def parts(request: Request) -> PartsResponse:
    return PartsResponse(PARTS, len(BODY), {})


async def slices(request: Request) -> PartsResponse:
    return PartsResponse(SLICES, len(PAGE), {})


async def whole(request: Request) -> Response:
    return Response(PAGE)


async def unknown_length(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for part in PARTS:
            yield part

    return StreamingResponse(pieces())


async def small(request: Request) -> Response:
    return Response(b"small")


APP = Starlette(
    routes=[
        Route("/parts", parts),
        Route("/slices", slices),
        Route("/whole", whole),
        Route("/unknown-length", unknown_length),
        Route("/small", small),
    ]
)
BODIES = {"/parts": BODY, "/slices": PAGE, "/whole": PAGE, "/small": b"small"}


Open = Callable[[], socket.socket]


class Certificates:
    """What a TLS server shows, and a client that trusts it."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        leaf = authority.issue_cert("127.0.0.1")
        leaf.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        (folder / "web.yml").write_text(
            "tls_server_config: {cert_file: server.pem, key_file: server.pem}"
        )
        self.settings = load_web_settings(folder / "web.yml")
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=["plain", "TLS"])
def open_connection(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Open]:
    """Serve, and yield what connects to it."""
    if request.param == "plain":
        with serving(APP) as port:
            yield lambda: connect(port)
    else:
        with serving(APP, certificates.settings) as port:
            yield lambda: certificates.client.wrap_socket(
                connect(port), server_hostname="127.0.0.1"
            )


def ask(path: str, method: str = "GET", connection: str = "close", version: str = "1.1") -> bytes:
    head = f"{method} {path} HTTP/{version}\r\nHost: here\r\nConnection: {connection}\r\n\r\n"
    return head.encode()


def answered(open_connection: Open) -> None:
    """Get an answer, so that the server has done before what it could."""
    with open_connection() as client:
        client.sendall(ask("/small"))
        assert receive_all(client).endswith(b"small")


def bodies_of(received: bytes, expected: list[bytes]) -> list[bytes]:
    """Return the bodies of answers that have the lengths of `expected`."""
    bodies = []
    for each in expected:
        head, _, rest = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert re.search(rb"content-length: (\d+)", head)[1] == b"%d" % len(each)  # type: ignore[index]
        bodies.append(rest[: len(each)])
        received = rest[len(each) :]
    assert received == b""
    return bodies


def is_same(bodies: list[bytes], expected: list[bytes]) -> bool:
    """Whether they are equal; pytest would compare megabytes for minutes to show the difference."""
    return bodies == expected


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_body_arrives_whole(open_connection: Open, path: str, version: str) -> None:
    with open_connection() as client:
        client.sendall(ask(path, version=version))
        assert is_same(bodies_of(receive_all(client), [BODIES[path]]), [BODIES[path]])


def test_a_body_of_unknown_length_arrives_in_chunks(open_connection: Open) -> None:
    with open_connection() as client:
        client.sendall(ask("/unknown-length"))
        head, _, chunks = receive_all(client).partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    expected = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in PARTS) + b"0\r\n\r\n"
    assert is_same([chunks], [expected])


@pytest.mark.parametrize("path", BODIES)
def test_head_sends_no_body(open_connection: Open, path: str) -> None:
    with open_connection() as client:
        client.sendall(ask(path, "HEAD"))
        received = receive_all(client)
    assert b"content-length: %d\r\n" % len(BODIES[path]) in received
    assert received.endswith(b"\r\n\r\n")


def test_requests_that_are_sent_together_are_answered_in_their_order(open_connection: Open) -> None:
    paths = [*BODIES, *BODIES]
    requests = [ask(path, connection="keep-alive") for path in paths[:-1]] + [ask(paths[-1])]
    expected = [BODIES[path] for path in paths]
    with open_connection() as client:
        client.sendall(b"".join(requests))
        assert is_same(bodies_of(receive_all(client), expected), expected)


def test_a_client_that_reads_little_at_first_gets_the_body(open_connection: Open) -> None:
    with open_connection() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.sendall(ask("/parts"))
        received = b"".join([client.recv(1000) for _ in range(1000)])
        assert is_same(bodies_of(received + receive_all(client), [BODY]), [BODY])


@pytest.mark.parametrize("path", ["/parts", "/small"])
def test_a_client_that_will_send_nothing_more_gets_its_answer(path: str) -> None:
    with serving(APP) as port, connect(port) as client:
        client.sendall(ask(path, connection="keep-alive"))
        client.shutdown(socket.SHUT_WR)
        assert is_same(bodies_of(receive_all(client), [BODIES[path]]), [BODIES[path]])


def test_a_client_that_leaves_in_the_middle_is_no_error(
    open_connection: Open, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/parts", "/slices", "/whole", "/unknown-length"):
        for is_reset in (True, False):
            with open_connection() as client:
                client.sendall(ask(path))
                client.recv(100_000)
                if is_reset:
                    at_once = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    answered(open_connection)
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []


def test_a_page_that_is_replaced_while_it_is_sent_is_sent_to_its_end() -> None:
    page = [bytearray(PAGE)]

    async def metrics(request: Request) -> PartsResponse:
        return PartsResponse([bytes(page[0])], len(page[0]), {})

    with serving(Starlette(routes=[Route("/", metrics)])) as port, connect(port) as client:
        client.sendall(ask("/"))
        first = client.recv(1)
        page[0] = bytearray(b"new")
        with connect(port) as other:
            other.sendall(ask("/"))
            assert receive_all(other).endswith(b"\r\n\r\nnew")
        assert is_same(bodies_of(first + receive_all(client), [PAGE]), [PAGE])


@pytest.mark.parametrize("reads", [True, False])
def test_a_server_that_stops_lets_a_client_finish_that_reads(
    reads: bool, caplog: pytest.LogCaptureFixture
) -> None:
    sock = open_socket()
    port = port_of(sock)
    server = Server(APP, limits=Limits(stop_seconds=60 if reads else 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[sock])))
    thread.start()
    with connect(port) as client:
        client.sendall(ask("/parts", connection="keep-alive"))
        first = client.recv(1)
        server.should_exit = True
        if reads:
            assert is_same(bodies_of(first + receive_all(client), [BODY]), [BODY])
        thread.join(60)
    assert not thread.is_alive()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == (
        [] if reads else ["Cancel 1 running task(s), timeout graceful shutdown exceeded"]
    )


@pytest.mark.parametrize("path", BODIES)
def test_a_client_that_does_not_read_costs_little_memory(open_connection: Open, path: str) -> None:
    """What OpenSSL keeps is not counted here: `make bench` measures the whole process."""
    count = 20
    answered(open_connection)
    tracemalloc.start()
    try:
        clients = [open_connection() for _ in range(count)]
        for client in clients:
            client.sendall(ask(path))
            client.recv(1)
        for _ in range(20):  # until the server waits for all of them
            answered(open_connection)
        each_bytes = tracemalloc.get_traced_memory()[0] / count
    finally:
        tracemalloc.stop()
    for client in clients:
        client.close()
    assert each_bytes < 160 * 1024
