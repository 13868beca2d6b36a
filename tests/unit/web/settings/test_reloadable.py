"""The web configuration in use, while its files change."""

from __future__ import annotations

import ssl

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from seq_exporter.errors import ConfigError
from seq_exporter.web.middleware import ConfiguredHeaders, RequestLimiter
from seq_exporter.web.settings.model import RequestLimit, WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings


class Files:
    """The settings, or the error, of the next load."""

    def __init__(self, settings: WebSettings) -> None:
        self.next: WebSettings | ConfigError = settings
        self.web_settings = ReloadableSettings(self._load)

    def _load(self) -> WebSettings:
        if isinstance(self.next, ConfigError):
            raise self.next
        return self.next


def context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def test_new_settings_replace_the_old_ones() -> None:
    files = Files(WebSettings(users={"a": "x"}))
    files.next = WebSettings(users={"b": "y"})
    assert files.web_settings.current.users == {"a": "x"}
    assert files.web_settings.reload()
    assert files.web_settings.current.users == {"b": "y"}


def test_after_a_mistake_the_old_settings_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    files = Files(WebSettings(users={"a": "x"}))
    files.next = ConfigError("web.yml:1: no")
    for _ in range(3):
        assert not files.web_settings.reload()
        assert files.web_settings.is_behind
    assert files.web_settings.current.users == {"a": "x"}
    assert caplog.messages == ["web configuration not reloaded, keeping the old one"]
    files.next = WebSettings()
    assert files.web_settings.reload()
    assert not files.web_settings.is_behind


@pytest.mark.parametrize(("before", "after"), [(None, context()), (context(), None)])
def test_a_reload_cannot_turn_tls_on_or_off(
    before: ssl.SSLContext | None,
    after: ssl.SSLContext | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = Files(WebSettings(before))
    files.next = WebSettings(after)
    assert not files.web_settings.reload()
    assert files.web_settings.current.ssl_context is before
    assert (
        vars(caplog.records[0])["error"]
        == "a reload cannot turn TLS on or off: restart the exporter"
    )


def test_a_mistake_at_the_start_is_raised() -> None:
    def load() -> WebSettings:
        raise ConfigError("web.yml:1: no")

    with pytest.raises(ConfigError):
        ReloadableSettings(load)


def test_each_connection_uses_the_newest_context() -> None:
    files = Files(WebSettings(context()))
    listening = files.web_settings.ssl_context
    assert isinstance(listening, ssl.SSLContext)
    for newest in (files.web_settings.current.ssl_context, context()):
        files.next = WebSettings(newest)
        files.web_settings.reload()
        wrapped = listening.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
        assert wrapped.context is newest


def test_configured_headers_replace_those_of_the_answer() -> None:
    app = PlainTextResponse("no\n", 404, {"X-Frame-Options": "sameorigin", "X-Other": "stays"})
    files = Files(WebSettings(headers={"X-Frame-Options": "deny", "X-XSS-Protection": "0"}))
    client = TestClient(ConfiguredHeaders(app, files.web_settings))
    answer = client.get("/")
    assert answer.headers.get_list("X-Frame-Options") == ["deny"]
    assert (answer.headers["X-XSS-Protection"], answer.headers["X-Other"]) == ("0", "stays")
    files.next = WebSettings()
    files.web_settings.reload()
    assert client.get("/").headers["X-Frame-Options"] == "sameorigin"


def test_the_rate_limit() -> None:
    now = 0.0
    files = Files(WebSettings(rate_limit=RequestLimit(interval_seconds=2, burst=3)))
    client = TestClient(RequestLimiter(PlainTextResponse("in"), files.web_settings, lambda: now))

    def ask(times: int, path: str = "/metrics") -> list[int]:
        return [client.get(path).status_code for _ in range(times)]

    assert ask(5) == [200, 200, 200, 429, 429]
    assert ask(2, "/-/healthy") == [200, 200]
    now = 2.0
    assert ask(2) == [200, 429]
    now = 100.0
    assert ask(4) == [200, 200, 200, 429]
    files.next = WebSettings()
    files.web_settings.reload()
    assert ask(2) == [200, 200]
