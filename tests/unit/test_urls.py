"""What is shown of a URL."""

from __future__ import annotations

import pytest

from seq_exporter.urls import is_loopback, show_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://localhost:9090/api/v1/write", "http://localhost:9090/api/v1/write"),
        ("https://u:p@mimir.example/push?token=t#f", "https://mimir.example/push"),
        ("https://u:p/q@mimir.example/push", "***"),
        ("https://me:se@cret@[::1]:9090/api", "https://[::1]:9090/api"),
        ("http://example.com", "http://example.com"),
        ("https://[::1", "***"),
        ("u:p@x", "***"),
    ],
)
def test_what_may_hold_a_secret_is_left_out(url: str, shown: str) -> None:
    assert show_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "HTTP://LocalHost:80",
        "http://me@localhost",
        "http://127.1.2.3:80/x",
        "http://127.1",
        "http://2130706433",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "https://[::1]/x",
        "http://[0:0:0:0:0:0:0:1]",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.example.com",
        "http://localhost.example",
        "http://localhost.",  # not every resolver knows it: the question may leave this host
        "http://me.localhost",
        "http://localhost@evil.example",
        "http://localhost:80@evil.example",
        "http://evil.example/localhost",
        "http://evil.example#@localhost",
        "http://10.0.0.1",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://[::ffff:10.0.0.1]",
        "http://[::2]",
        "http://127.0.0.1.",
        "http://127.0.0.1.example",
        "http://[x",
        "localhost",
        "",
    ],
)
def test_not_loopback(url: str) -> None:
    assert not is_loopback(url)
