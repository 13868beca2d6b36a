"""Requests to this host pass no proxy, whatever the environment names."""

from __future__ import annotations

import pytest

from seq_exporter.sendgrid.session import open_session

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
