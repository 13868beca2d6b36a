"""The web configuration file: what it sets, and what is said of each mistake in it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from seq_exporter.errors import ConfigError
from seq_exporter.web.settings import WebSettings, load_web_settings

HASH = "$2b$04$QM5zG7hnFcL1ide/1.jVCO1lpI0Aim8sZOF4Meq7AXO.SLeas9VIW"
TLS = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of certificates and keys."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.private_key_pem.write_to_path(tmp_path / "other-key.pem")
    (tmp_path / "junk.pem").write_text("junk\n")
    return tmp_path


def load(folder: Path, text: str) -> WebSettings:
    (folder / "web.yml").write_text(text)
    return load_web_settings(folder / "web.yml")


def load_tls(folder: Path, text: str) -> ssl.SSLContext:
    context = load(folder, text).ssl_context
    assert context
    return context


def refusal_of(folder: Path, text: str) -> str:
    """Return the lines that a bad file is answered with, as if the folder were the present one."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    "text",
    ["", "\n", "# nothing\n", "{}", "tls_server_config:\n", "http_server_config:\n  headers:\n"],
)
def test_a_file_that_sets_nothing_is_plain_http_for_everyone(folder: Path, text: str) -> None:
    assert load(folder, text) == WebSettings(None, {}, {})


@pytest.mark.parametrize("name", ["ada", "12", "müller"])
@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
def test_users_have_a_bcrypt_hash_that_is_taken_as_it_is(
    folder: Path, name: str, version: str
) -> None:
    known_hash = HASH.replace("2b", version)
    assert load(folder, f"basic_auth_users:\n  {name}: {known_hash}\n").users == {name: known_hash}


def test_headers_are_taken_as_they_are(folder: Path) -> None:
    text = """
        http_server_config:
          http2: true
          headers:
            Content-Security-Policy: default-src 'self'
            Strict-Transport-Security: max-age=31536000
            X-Content-Type-Options: nosniff
            X-Frame-Options: deny ${HOME}
            X-XSS-Protection: "0"
    """
    assert load(folder, text).headers == {
        "Content-Security-Policy": "default-src 'self'",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "deny ${HOME}",
        "X-XSS-Protection": "0",
    }


def test_tls_is_1_2_or_newer_without_client_certificates(folder: Path) -> None:
    context = load_tls(folder, TLS)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.maximum_version == ssl.TLSVersion.TLSv1_3
    assert context.verify_mode == ssl.CERT_NONE


def test_tls_versions_can_be_chosen(folder: Path) -> None:
    context = load_tls(folder, TLS + "  min_version: TLS13\n")
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3
    context = load_tls(folder, TLS + "  max_version: TLS12\n")
    assert context.maximum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("client_auth_type", "mode"),
    [
        ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL),
        ("RequireAndVerifyClientCert", ssl.CERT_REQUIRED),
    ],
)
def test_client_certificates_are_verified(
    folder: Path, client_auth_type: str, mode: ssl.VerifyMode
) -> None:
    context = load_tls(
        folder, TLS + f"  client_auth_type: {client_auth_type}\n  client_ca_file: ca.pem\n"
    )
    assert context.verify_mode == mode
    assert len(context.get_ca_certs()) == 1


def test_paths_may_be_absolute(folder: Path) -> None:
    text = TLS.replace("cert.pem", str(folder / "cert.pem"))
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "key.pem").write_bytes((folder / "key.pem").read_bytes())
    assert load_tls(folder / "elsewhere", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "web.yml:1: must be a mapping (lines of `key: value`), not a list"),
        (
            "rate_limit: 1\n",
            "web.yml:1: rate_limit: unknown key; "
            "the keys known here are tls_server_config, http_server_config, basic_auth_users",
        ),
        (
            "basic_auth_user:\n  ada: hunter2\n",
            "web.yml:1: basic_auth_user: unknown key; did you mean 'basic_auth_users'?",
        ),
        (
            "tls_server_config: on\n",
            "web.yml:1: tls_server_config: must be a mapping (lines of `key: value`), "
            "not a truth value",
        ),
        ("a: b: c\n", "web.yml:1: is not valid YAML: mapping values are not allowed here"),
    ],
)
def test_a_file_of_another_shape(folder: Path, text: str, message: str) -> None:
    assert refusal_of(folder, text) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "web.yml: is not UTF-8 text: save it as UTF-8"),
        (None, "web.yml: cannot be read: No such file or directory"),
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
            "tls_server_config: {}\n",
            "web.yml: 2 mistakes\n"
            "web.yml:1: tls_server_config.cert_file: is missing: name the file in PEM form\n"
            "web.yml:1: tls_server_config.key_file: is missing: name the file in PEM form",
        ),
        (
            TLS.replace("key_file: key.pem", "key_file: ''"),
            "web.yml:3: tls_server_config.key_file: is missing: name the file in PEM form",
        ),
        (
            TLS.replace("cert.pem", "gone.pem").replace("key.pem", "."),
            "web.yml: 2 mistakes\n"
            "web.yml:2: tls_server_config.cert_file: no such file 'gone.pem': correct the path\n"
            "web.yml:3: tls_server_config.key_file: no such file '.': correct the path",
        ),
        (
            TLS.replace("key.pem", "other-key.pem"),
            "web.yml: tls_server_config: KEY_VALUES_MISMATCH: check the files it names",
        ),
        (
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
            "web.yml:1: tls_server_config.client_ca_file: is missing: "
            "client_auth_type verifies with it",
        ),
        (
            TLS + "  client_ca_file: ca.pem\n",
            "web.yml:1: tls_server_config.client_auth_type: is missing: "
            "client_ca_file is of no use without it",
        ),
        (
            TLS + "  client_auth_type: RequestClientCert\n  client_ca_file: ca.pem\n",
            "web.yml:4: tls_server_config.client_auth_type: must be 'NoClientCert', "
            "'VerifyClientCertIfGiven' or 'RequireAndVerifyClientCert', not 'RequestClientCert'",
        ),
        (
            TLS + "  min_version: TLS9\n",
            "web.yml:4: tls_server_config.min_version: must be 'TLS12' or 'TLS13', not 'TLS9'",
        ),
        (
            TLS + "  cipher_suites: []\n",
            "web.yml:4: tls_server_config.cipher_suites: unknown key; the keys known here are "
            "cert_file, key_file, client_auth_type, client_ca_file, min_version, max_version",
        ),
    ],
)
def test_mistakes_in_tls(folder: Path, text: str, message: str) -> None:
    assert refusal_of(folder, text) == message


@pytest.mark.parametrize(
    "text",
    [
        TLS.replace("key.pem", "junk.pem"),
        TLS.replace("key.pem", "cert.pem"),
        TLS.replace("cert.pem", "junk.pem"),
        TLS + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: junk.pem\n",
    ],
)
def test_a_file_that_is_no_certificate_or_key(folder: Path, text: str) -> None:
    message = refusal_of(folder, text)
    # Between the two stands OpenSSL's own word, which differs from version to version.
    assert message.startswith("web.yml: tls_server_config: ")
    assert message.endswith(": check the files it names")
    assert "\n" not in message


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
            'http_server_config:\n  headers:\n    X-Frame-Options: "deny\\nSet-Cookie: a=b"\n',
            "web.yml:3: http_server_config.headers.X-Frame-Options: must be plain text on one line",
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: verbötén\n",
            "web.yml:3: http_server_config.headers.X-Frame-Options: must be plain text on one line",
        ),
        (
            "http_server_config:\n  headers:\n    X-XSS-Protection: 0\n",
            "web.yml:3: http_server_config.headers.X-XSS-Protection: "
            "must be text, not 0: put it in quotes",
        ),
        (
            "http_server_config:\n  http2: 'yes'\n",
            "web.yml:2: http_server_config.http2: must be true or false, not 'yes'",
        ),
    ],
)
def test_mistakes_in_headers(folder: Path, text: str, message: str) -> None:
    assert refusal_of(folder, text) == message


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
def test_what_is_no_bcrypt_hash_is_refused(folder: Path, value: str) -> None:
    assert refusal_of(folder, f"basic_auth_users:\n  ada: {value}\n") == (
        "web.yml:2: basic_auth_users.ada: is no bcrypt hash: make one with `htpasswd -nB USER`"
    )


def test_a_user_that_is_there_twice_is_refused(folder: Path) -> None:
    assert refusal_of(folder, f"basic_auth_users:\n  ada: {HASH}\n  ada: {HASH}\n") == (
        "web.yml:3: basic_auth_users.ada: stands there more than once: keep one"
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
        (f"ada:{HASH}\n", HASH),  # a file of htpasswd
    ],
)
def test_no_password_and_no_hash_is_quoted(folder: Path, text: str, secret: str) -> None:
    assert secret not in refusal_of(folder, text)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(folder: Path) -> None:
    text = "basic_auth_users:\n  ada: x\nhttp_server_config: 1\ntls_server_config: {}\n"
    assert refusal_of(folder, text).splitlines() == [
        "web.yml: 4 mistakes",
        "web.yml:2: basic_auth_users.ada: is no bcrypt hash: make one with `htpasswd -nB USER`",
        "web.yml:3: http_server_config: must be a mapping (lines of `key: value`), not a number",
        "web.yml:4: tls_server_config.cert_file: is missing: name the file in PEM form",
        "web.yml:4: tls_server_config.key_file: is missing: name the file in PEM form",
    ]
