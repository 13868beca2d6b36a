"""The server on a real socket: answers, TLS, and how it stops."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from seq_exporter.web.server.listen import open_sockets
from seq_exporter.web.server.server import Limits, Server
from seq_exporter.web.settings.file import load_web_settings
from seq_exporter.web.settings.model import WebSettings
from tests.unit.web.server.serving import connect, get, receive_all, serving, talk

APP = PlainTextResponse("hello\n")
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


def without_date(head: bytes) -> list[bytes]:
    return [line for line in head.splitlines() if not line.startswith(b"date:")]


class Certificates:
    """A certificate authority, a server certificate from it, and a web configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        leaf = self.authority.issue_cert("127.0.0.1")
        self.authority.cert_pem.write_to_path(folder / "ca.pem")
        leaf.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")

    def settings(self, *lines: str) -> WebSettings:
        text = ["tls_server_config:", "cert_file: server.pem", "key_file: server.pem", *lines]
        (self.folder / "web.yml").write_text("\n  ".join(text))
        return load_web_settings(self.folder / "web.yml")

    def client(self, certificate_of: trustme.CA | None = None) -> ssl.SSLContext:
        """Return a client that trusts the authority, with a certificate from `certificate_of`."""
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        if certificate_of:
            certificate_of.issue_cert("scraper.example.com").configure_cert(context)
        return context


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(APP) as port:
        yield port


def test_it_serves_until_it_is_stopped() -> None:
    with serving(APP) as port:
        for _ in range(2):
            answer, body = get(port)
            assert (answer.status, body) == (200, b"hello\n")
    with pytest.raises(ConnectionRefusedError):
        get(port)


def test_it_serves_on_every_socket() -> None:
    sockets = open_sockets(["127.0.0.1:0", "127.0.0.1:0"])

    async def run() -> list[bytes]:
        server = Server(APP)
        task = asyncio.create_task(server.serve(sockets=sockets))
        ports = [sock.getsockname()[1] for sock in sockets]
        answers = [await asyncio.to_thread(get, port) for port in ports]
        server.should_exit = True
        await task
        return [body for _, body in answers]

    assert asyncio.run(run()) == [b"hello\n"] * 2


def test_signals_are_left_to_the_process() -> None:
    async def run() -> object:
        sockets = open_sockets(["127.0.0.1:0"])
        server = Server(APP)
        task = asyncio.create_task(server.serve(sockets=sockets))
        await asyncio.to_thread(get, sockets[0].getsockname()[1])
        handler = signal.getsignal(signal.SIGTERM)
        server.should_exit = True
        await task
        return handler

    assert asyncio.run(run()) == signal.getsignal(signal.SIGTERM)


def test_it_stops_despite_an_unfinished_request() -> None:
    arrived = threading.Event()

    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.set()
        await asyncio.Event().wait()

    with socket.socket() as client, serving(never, limits=Limits(stop_seconds=0)) as port:
        client.connect(("127.0.0.1", port))
        client.sendall(REQUEST)
        assert arrived.wait(60)


def test_a_client_that_does_not_read_delays_no_other() -> None:
    page = b"x" * 8_000_000
    with serving(PlainTextResponse(page)) as port, connect(port) as slow:
        slow.sendall(REQUEST)
        assert get(port)[1] == page
        assert receive_all(slow).endswith(b"\r\n\r\n" + page)


def test_head_is_get_without_the_body(port: int) -> None:
    head_of_get, body_of_get = talk(port, REQUEST).split(b"\r\n\r\n")
    head, body = talk(port, REQUEST.replace(b"GET", b"HEAD")).split(b"\r\n\r\n")
    assert (body_of_get, body) == (b"hello\n", b"")
    assert b"content-length: 6" in head.splitlines()
    assert without_date(head) == without_date(head_of_get)


def test_the_server_does_not_name_its_software(port: int) -> None:
    answer, _ = get(port)
    assert answer.headers["Server"] is None
    assert answer.headers["Date"]


def test_tls_is_served_to_clients_that_trust_the_authority(certificates: Certificates) -> None:
    with serving(APP, certificates.settings()) as port:
        assert get(port, certificates.client())[1] == b"hello\n"
        with pytest.raises(ssl.SSLCertVerificationError):
            get(port, ssl.create_default_context())


def test_plain_http_on_a_tls_port_is_answered_and_disconnected(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(APP, certificates.settings()) as port:
        for method in (b"GET", b"HEAD", b"POST", b"OPTIONS", b"get"):
            assert talk(port, REQUEST.replace(b"GET", method)) == (
                b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                b"Content-Length: 48\r\nConnection: close\r\n\r\n"
                b"This port uses TLS: begin the URL with https://\n"
            )
        for noise in (b"\0\r\n", b"\x16\x03\x01\x00\x02hi", b"\x80", b" GET / HTTP/1.1\r\n"):
            with connect(port) as client:
                client.sendall(noise)
                client.shutdown(socket.SHUT_WR)
                assert b"HTTP" not in receive_all(client)
        assert get(port, certificates.client())[1] == b"hello\n"
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


def test_the_minimum_tls_version_is_enforced(certificates: Certificates) -> None:
    old = certificates.client()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(APP, certificates.settings("min_version: TLS13")) as port:
        assert get(port, certificates.client())[1] == b"hello\n"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            get(port, old)


def test_a_required_client_certificate(certificates: Certificates) -> None:
    settings = certificates.settings(
        "client_auth_type: RequireAndVerifyClientCert", "client_ca_file: ca.pem"
    )
    with serving(APP, settings) as port:
        assert get(port, certificates.client(certificates.authority))[1] == b"hello\n"
        for stranger in (certificates.client(), certificates.client(trustme.CA())):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                get(port, stranger)


def test_a_client_certificate_that_is_verified_if_given(certificates: Certificates) -> None:
    settings = certificates.settings(
        "client_auth_type: VerifyClientCertIfGiven", "client_ca_file: ca.pem"
    )
    with serving(APP, settings) as port:
        for welcome in (certificates.client(), certificates.client(certificates.authority)):
            assert get(port, welcome)[1] == b"hello\n"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            get(port, certificates.client(trustme.CA()))
