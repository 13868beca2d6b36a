"""Requests to this host pass no proxy; interim answers are skipped."""

from __future__ import annotations

import pytest
import requests

from seq_exporter.sendgrid.session import open_session
from tests.faults.server import FaultServer

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
