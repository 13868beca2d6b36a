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
        ("https://[::1", "***"),
        ("u:p@x", "***"),
    ],
)
def test_what_may_hold_a_secret_is_left_out(url: str, shown: str) -> None:
    assert show_url(url) == shown


@pytest.mark.parametrize("url", ["http://localhost", "http://127.1.2.3:80/x", "https://[::1]/x"])
def test_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    ["http://127.example.com", "http://localhost.example", "http://10.0.0.1", "http://[x", ""],
)
def test_not_loopback(url: str) -> None:
    assert not is_loopback(url)
