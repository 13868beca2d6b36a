"""What the environment says about proxies; interim answers are skipped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from seq_exporter.config.secret import Secret
from seq_exporter.errors import ConnectionFailed
from seq_exporter.sendgrid.observer import RequestObserver
from seq_exporter.sendgrid.session import open_session
from seq_exporter.sendgrid.sessions import Sessions
from seq_exporter.sendgrid.transport import Endpoint, Transport
from tests.faults.server import FaultServer
from tests.support import KEY, FakeTime, account

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://localhost:8080/v3/scopes", None),
        ("http://127.0.0.1:8080/v3/scopes", None),
        ("http://127.8.9.10/v3/scopes", None),
        ("http://[::1]:8080/v3/scopes", None),
        ("https://localhost/v3/scopes", None),
        ("http://127.1:8080/v3/scopes", None),
        ("http://[::ffff:127.0.0.1]:8080/v3/scopes", None),
        ("http://127.example.com/v3/scopes", PROXY),
        ("http://localhost.example.com/v3/scopes", PROXY),
        ("https://api.sendgrid.com/v3/scopes", PROXY),
    ],
)
def test_only_other_hosts_are_asked_through_a_proxy(
    url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, PROXY)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    settings = open_session().merge_environment_settings(url, {}, True, None, None)
    assert settings["proxies"].get(url.partition(":")[0]) == proxy


class _Recorder(HTTPAdapter):
    def __init__(self) -> None:
        super().__init__()
        self.proxies: list[dict[str, str]] = []

    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        self.proxies.append(options["proxies"])
        raise requests.ConnectionError


@pytest.mark.parametrize(
    ("excepted", "is_proxied"), [("xn--bcher-kva.example", False), ("bücher.example", True)]
)
def test_exceptions_from_the_proxy_are_for_the_host_as_it_is_sent(
    excepted: str, is_proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", excepted)
    session, recorder = open_session(), _Recorder()
    session.mount("https://", recorder)
    transport = Transport(
        account(base_url="https://bücher.example"),
        Secret(KEY),
        session,
        30.0,
        FakeTime().clock,
        RequestObserver(),
    )
    with pytest.raises(ConnectionFailed):
        transport.get(Endpoint("scores", "/v3/scores"), {})
    assert ["https" in proxies for proxies in recorder.proxies] == [is_proxied]


def test_the_environment_is_read_once_for_an_endpoint_of_a_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("https_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    session, recorder = open_session(), _Recorder()
    session.mount("https://", recorder)

    def start_poll() -> Transport:
        return Transport(account(), Secret(KEY), session, 30.0, FakeTime().clock, RequestObserver())

    def ask(transport: Transport, path: str, offset: str) -> str:
        with pytest.raises(ConnectionFailed):
            transport.get(Endpoint("subusers", path), {"offset": offset})
        return recorder.proxies[-1]["https"]

    other = "http://other.example:3128"
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    poll = start_poll()
    assert ask(poll, "/v3/subusers", "0") == PROXY
    monkeypatch.setenv("HTTPS_PROXY", other)
    assert ask(poll, "/v3/subusers", "500") == PROXY
    assert ask(poll, "/v3/scores", "0") == other
    assert ask(start_poll(), "/v3/subusers", "0") == other


def test_each_server_has_connections_of_its_own() -> None:
    def answer(text: bytes) -> FaultServer:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
        return FaultServer(lambda exchange: exchange.send(head + text))

    with answer(b"1").running() as one, answer(b"2").running() as other:
        session = open_session()
        texts = [session.get(server.url, timeout=30).text for server in (one, other, one, other)]
        session.close()
    assert texts == ["1", "2", "1", "2"]


OK = b"HTTP/1.1 200 OK\r\nX-Final: yes\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    "heads",
    [
        [b"100 Continue"],
        [b"102 Processing"],
        [b"102"],
        [b"103 Early Hints\r\nLink: </style.css>; rel=preload\r\nContent-Length: 99"],
        [b"199 Miscellaneous"],
        [b"102 Processing"] * 19,
        [b"100 Continue", b"102 Processing", b"103 Early Hints"],
    ],
)
def test_interim_answers_are_skipped(heads: list[bytes]) -> None:
    interim = b"".join(b"HTTP/1.1 " + head + b"\r\n\r\n" for head in heads)
    with FaultServer(lambda exchange: exchange.send(interim + OK)).running() as server:
        response = open_session().get(server.url, timeout=30)
    assert (response.status_code, response.headers["X-Final"], response.text) == (200, "yes", "{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20 + OK,  # without an end
        b"HTTP/1.1 103 Early Hints\r\n\r\n",  # without an answer
        b"HTTP/1.1 103 Early Hints\r\n" + b"Link: <a>\r\n" * 1000 + b"\r\n" + OK,
        b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 100_000 + b"\r\n\r\n" + OK,
    ],
)
def test_interim_answers_are_bounded(answer: bytes) -> None:
    with (
        FaultServer(lambda exchange: exchange.send(answer)).running() as server,
        pytest.raises(requests.ConnectionError),
    ):
        open_session().get(server.url, timeout=30)


def test_switching_protocols_is_an_answer() -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
    with FaultServer(lambda exchange: exchange.send(answer)).running() as server:
        assert open_session().get(server.url, timeout=30).status_code == 101


class KeepingServer(ThreadingHTTPServer):
    """Keeps connections open, and sets a cookie; notes each request's connection and headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[int, Message]] = []
        self.open_connections = 0
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def process_request(self, *request: Any) -> None:
        self.open_connections += 1
        super().process_request(*request)

    def shutdown_request(self, *request: Any) -> None:
        super().shutdown_request(*request)
        self.open_connections -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: KeepingServer

    def do_GET(self) -> None:
        self.server.seen.append((self.client_address[1], self.headers))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("Set-Cookie", "account=acme")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def keeping() -> Iterator[KeepingServer]:
    with KeepingServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_poll_keeps_its_connection_and_the_next_one_has_its_own(keeping: KeepingServer) -> None:
    sessions = Sessions()
    lent = []
    for key in ("acme", "acme", "globex"):
        with sessions.lend() as session:
            lent.append(session)
            for _ in range(3):
                headers = {"Authorization": key}
                assert session.get(keeping.url, headers=headers, timeout=30).text == "{}"
    assert lent == [lent[0]] * 3
    ports = [port for port, _ in keeping.seen]
    assert [len(set(ports[start : start + 3])) for start in (0, 3, 6)] == [1, 1, 1]
    assert len(set(ports)) == 3
    assert [headers["Authorization"] for _, headers in keeping.seen] == [
        *["acme"] * 6,
        *["globex"] * 3,
    ]
    assert not any("Cookie" in headers for _, headers in keeping.seen)
    wait_until_closed(keeping)


def test_a_closed_session_has_no_connection_even_while_its_answer_is_held(
    keeping: KeepingServer,
) -> None:
    with Sessions().lend() as session:
        held = session.get(keeping.url, timeout=30)
    wait_until_closed(keeping)
    assert held.text == "{}"  # as an error holds it, by its traceback


def wait_until_closed(server: KeepingServer) -> None:
    """Wait until the client has closed all connections, which the server would keep."""
    deadline = time.monotonic() + 30
    while server.open_connections:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_session_is_lent_to_one_poll_at_a_time() -> None:
    opened: list[requests.Session] = []

    def open_one() -> requests.Session:
        opened.append(open_session())
        return opened[-1]

    sessions = Sessions(open_one)
    with sessions.lend() as one, sessions.lend() as other:
        assert one is not other
    with pytest.raises(ZeroDivisionError), sessions.lend():
        raise ZeroDivisionError
    with sessions.lend() as one, sessions.lend() as other:
        assert one is not other
    assert len(opened) == 2
