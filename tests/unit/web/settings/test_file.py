"""The web configuration file: its settings, and the message for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq_exporter.errors import ConfigError
from seq_exporter.web.settings.file import load_web_settings
from seq_exporter.web.settings.model import RequestLimit, WebSettings
from tests.unit.web.settings.web_folder import HASH, WebFolder


@pytest.fixture
def folder(tmp_path: Path) -> WebFolder:
    return WebFolder(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "\n", "# nothing\n", "{}", "tls_server_config:\n", "http_server_config:\n  headers:\n"],
)
def test_a_file_without_settings_is_plain_http_for_everyone(folder: WebFolder, text: str) -> None:
    assert folder.load(text) == WebSettings(files=(folder.path / "web.yml",))


@pytest.mark.parametrize("name", ["ada", "12", "müller"])
@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
def test_users_keep_their_bcrypt_hash(folder: WebFolder, name: str, version: str) -> None:
    known_hash = HASH.replace("2b", version)
    assert folder.load(f"basic_auth_users:\n  {name}: {known_hash}\n").users == {name: known_hash}


def test_headers_are_kept_as_written(folder: WebFolder) -> None:
    text = """
        http_server_config:
          http2: true
          headers:
            Content-Security-Policy: default-src ${HOME} 'self'
            Strict-Transport-Security: max-age=31536000
            X-Content-Type-Options: nosniff
            X-Frame-Options: deny
            X-XSS-Protection: "0"
    """
    assert folder.load(text).headers == {
        "Content-Security-Policy": "default-src ${HOME} 'self'",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "deny",
        "X-XSS-Protection": "0",
    }


@pytest.mark.parametrize(("value", "header"), [("0", "0"), ("1", "1"), ("'1'", "1")])
def test_a_number_in_a_header_is_its_text(folder: WebFolder, value: str, header: str) -> None:
    text = f"http_server_config:\n  headers:\n    X-XSS-Protection: {value}\n"
    assert folder.load(text).headers == {"X-XSS-Protection": header}


@pytest.mark.parametrize(
    "text",
    [
        "basic_auth_users:\n",
        "basic_auth_users: {}\n",
        "rate_limit:\n  interval:\n  burst:\n",
        "http_server_config:\n  http2:\n  headers:\n    X-Frame-Options:\n",
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n",
    ],
)
def test_a_key_without_a_value_has_its_default(folder: WebFolder, text: str) -> None:
    assert folder.load(text) == WebSettings(files=(folder.path / "web.yml",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "telemetry:\n",
            "web.yml:1: telemetry: unknown key; the keys known here are "
            "tls_server_config, http_server_config, basic_auth_users, rate_limit",
        ),
        (
            "basic_auth_users:\n  ada:\n",
            "web.yml:2: basic_auth_users.ada: is not a bcrypt hash: "
            "make one with `htpasswd -nB USER`",
        ),
        (
            "rate_limit:\n  interval: 1s\n  burst:\n",
            "web.yml:3: rate_limit.burst: must be at least 1: with 0, no request would be answered",
        ),
        (
            "tls_server_config:\n  cert_file: cert.pem\n  key_file:\n",
            "web.yml:3: tls_server_config.key_file: is missing: "
            "name a PEM file, or use key for its text",
        ),
    ],
)
def test_a_key_without_a_value_may_be_a_mistake(folder: WebFolder, text: str, message: str) -> None:
    assert folder.refusal_of(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "web.yml:1: must be a mapping (lines of `key: value`), not a list"),
        (
            "telemetry: 1\n",
            "web.yml:1: telemetry: unknown key; the keys known here are "
            "tls_server_config, http_server_config, basic_auth_users, rate_limit",
        ),
        (
            "basic_auth_user:\n  ada: hunter2\n",
            "web.yml:1: basic_auth_user: unknown key; did you mean 'basic_auth_users'?",
        ),
        (
            "tls_server_config: on\n",
            "web.yml:1: tls_server_config: must be a mapping (lines of `key: value`), "
            "not a boolean",
        ),
        (
            "a: b: c\n",
            "web.yml:1: is not valid YAML: mapping values are not allowed here: "
            "correct the indentation, or put the text in quotes",
        ),
    ],
)
def test_a_malformed_file(folder: WebFolder, text: str, message: str) -> None:
    assert folder.refusal_of(text) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "web.yml: is not UTF-8 text: save it as UTF-8"),
        (
            None,
            "web.yml: cannot be read: No such file or directory: "
            "correct the path, or let this user read it",
        ),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "web.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_web_settings(path)
    assert str(caught.value) == f"{tmp_path}/{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "http_server_config:\n  headers:\n    X-Other: a\n",
            "web.yml:3: http_server_config.headers.X-Other: unknown key; the keys known here are "
            "Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, "
            "X-Frame-Options, X-XSS-Protection",
        ),
        (
            'http_server_config:\n  headers:\n    X-XSS-Protection: "0\\nSet-Cookie: a=b"\n',
            "web.yml:3: http_server_config.headers.X-XSS-Protection: "
            "must be plain text on one line",
        ),
        (
            "http_server_config:\n  headers:\n    X-XSS-Protection: nün\n",
            "web.yml:3: http_server_config.headers.X-XSS-Protection: "
            "must be plain text on one line",
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: DENY\n",
            "web.yml:3: http_server_config.headers.X-Frame-Options: "
            "must be 'deny' or 'sameorigin', not 'DENY'",
        ),
        (
            "http_server_config:\n  headers:\n    X-Content-Type-Options: sniff\n",
            "web.yml:3: http_server_config.headers.X-Content-Type-Options: "
            "must be 'nosniff', not 'sniff'",
        ),
        (
            "http_server_config:\n  headers:\n    X-XSS-Protection: true\n",
            "web.yml:3: http_server_config.headers.X-XSS-Protection: "
            "must be text, not true: put it in quotes",
        ),
        (
            "http_server_config:\n  http2: 'yes'\n",
            "web.yml:2: http_server_config.http2: must be true or false, not 'yes'",
        ),
    ],
)
def test_mistakes_in_headers(folder: WebFolder, text: str, message: str) -> None:
    assert folder.refusal_of(text) == message


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "''",
        HASH[:-1],
        HASH + "x",
        HASH.replace("$2b$", "$2x$"),
        HASH.replace("$04$", "$03$"),
        HASH.replace("$04$", "$99$"),
        "$2b$04$" + "9" * 53,  # bcrypt: Invalid salt
    ],
)
def test_a_password_without_a_bcrypt_hash_is_refused(folder: WebFolder, value: str) -> None:
    assert folder.refusal_of(f"basic_auth_users:\n  ada: {value}\n") == (
        "web.yml:2: basic_auth_users.ada: is not a bcrypt hash: make one with `htpasswd -nB USER`"
    )


def test_a_repeated_user_is_refused(folder: WebFolder) -> None:
    assert folder.refusal_of(f"basic_auth_users:\n  ada: {HASH}\n  ada: {HASH}\n") == (
        "web.yml:3: basic_auth_users.ada: appears more than once: keep one"
    )


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("basic_auth_users:\n  ada: hunter2\n", "hunter2"),
        ("basic_auth_users:\n  ada: 31415926\n", "31415926"),
        ("basic_auth_users:\n  ada: [hunter2]\n", "hunter2"),
        ("basic_auth_users:\n  ada: {hunter2: }\n", "hunter2"),
        ("basic_auth_users:\n  ada: 'hunter2\n", "hunter2"),
        ("basic_auth_users:\n  ada: @hunter2\n", "hunter2"),
        ("basic_auth_users:\n  ada: *hunter2\n", "hunter2"),
        ("basic_auth_users:\n  ada: !hunter2\n", "hunter2"),
        ("basic_auth_users:\n  ada: !hunter2!x\n", "hunter2"),
        ("basic_auth_users:\n  ada:hunter2\n", "hunter2"),
        ("basic_auth_users: hunter2\n", "hunter2"),
        ("basic_auth_users: [hunter2]\n", "hunter2"),
        (f"basic_auth_users:\n  ada:{HASH}\n", HASH),
        (f"basic_auth_users:\n  ada: {HASH}x\n", HASH),
        (f"ada:{HASH}\n", HASH),  # an htpasswd file
    ],
)
def test_messages_quote_no_password_or_hash(folder: WebFolder, text: str, secret: str) -> None:
    assert secret not in folder.refusal_of(text)


def test_all_mistakes_are_reported_at_once_in_file_order(folder: WebFolder) -> None:
    text = "basic_auth_users:\n  ada: x\nhttp_server_config: 1\ntls_server_config: {}\n"
    assert folder.refusal_of(text).splitlines() == [
        "web.yml: 4 mistakes",
        "web.yml:2: basic_auth_users.ada: is not a bcrypt hash: make one with `htpasswd -nB USER`",
        "web.yml:3: http_server_config: must be a mapping (lines of `key: value`), not a number",
        "web.yml:4: tls_server_config.cert_file: is missing: "
        "name a PEM file, or use cert for its text",
        "web.yml:4: tls_server_config.key_file: is missing: "
        "name a PEM file, or use key for its text",
    ]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("interval: 1s\n  burst: 20", RequestLimit(1, 20)),
        ("interval: 1m0.5s\n  burst: 1", RequestLimit(60.5, 1)),
        ("interval: 1h\n  burst: 1", RequestLimit(3600, 1)),
        ("interval: 250ms\n  burst: 1", RequestLimit(0.25, 1)),
        ("interval: 500us\n  burst: 1", RequestLimit(0.0005, 1)),
        ("interval: 0s\n  burst: 20", None),
        ("interval: 0s", None),
        ("interval: 0", None),
        ("interval: '0'", None),
        ("burst: 20", None),
        ("burst: 0", None),
    ],
)
def test_a_rate_limit(folder: WebFolder, text: str, limit: RequestLimit | None) -> None:
    assert folder.load(f"rate_limit:\n  {text}\n").rate_limit == limit


@pytest.mark.parametrize("value", ["", "1", "s", "1d", "-1s", "1s 2s", "1 s", "1.s", "one", "yes"])
def test_an_interval_must_be_a_duration(folder: WebFolder, value: str) -> None:
    assert folder.refusal_of(f"rate_limit: {{interval: '{value}', burst: 1}}\n") == (
        "web.yml:1: rate_limit.interval: "
        f"must be a duration such as 1s, 1m30s or 250ms, or 0s for no limit, not '{value}'"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rate_limit:\n  interval: 5\n  burst: 1.5\n",
            "web.yml: 2 mistakes\n"
            "web.yml:2: rate_limit.interval: "
            "must be a duration such as 1s, 1m30s or 250ms, or 0s for no limit, not 5\n"
            "web.yml:3: rate_limit.burst: must be a whole number, not 1.5",
        ),
        (
            "rate_limit:\n  interval: 5s\n",
            "web.yml:1: rate_limit.burst: must be at least 1: with 0, no request would be answered",
        ),
        (
            "rate_limit:\n  interval: 5s\n  burst: 0\n",
            "web.yml:3: rate_limit.burst: must be at least 1: with 0, no request would be answered",
        ),
        (
            "rate_limit:\n  burst: -1\n",
            "web.yml:2: rate_limit.burst: must be at least 1: with 0, no request would be answered",
        ),
        (
            "rate_limit:\n  rate: 1s\n",
            "web.yml:2: rate_limit.rate: unknown key; the keys known here are interval, burst",
        ),
    ],
)
def test_mistakes_in_the_rate_limit(folder: WebFolder, text: str, message: str) -> None:
    assert folder.refusal_of(text) == message
