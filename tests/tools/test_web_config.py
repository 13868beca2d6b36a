"""The web configuration file, judged by us and by `promtool check web-config`."""

# Left out is what promtool's versions do not agree on: client_allowed_sans without
# RequireAndVerifyClientCert (refused by the newest), and the cipher suites TLS_RSA_* (unknown to
# those built with Go 1.22 or newer).

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from seq_exporter.errors import ConfigError
from tests.processes import find_tool
from tests.unit.web.settings.web_folder import HASH, TLS, WebFolder

CA = "  client_ca_file: ca.pem\n"
CLIENTS = TLS + CA + "  client_auth_type: RequireAndVerifyClientCert\n"
INLINE = "tls_server_config:\n  cert: <cert.pem>\n  key: <key.pem>\n"

GOOD = [
    "",
    "{}\n",
    "tls_server_config:\n",
    "http_server_config:\n",
    TLS,
    TLS + "  client_auth_type: NoClientCert\n",
    TLS + CA + "  client_auth_type: VerifyClientCertIfGiven\n",
    CLIENTS,
    CLIENTS + "  client_allowed_sans: [a.example.com, 192.0.2.7]\n",
    CLIENTS.replace("client_ca_file: ca.pem", "client_ca: <ca.pem>"),
    INLINE,
    INLINE.replace("key: <key.pem>", "key_file: key.pem"),
    TLS + "  min_version: TLS12\n  max_version: TLS12\n",
    TLS + "  min_version: TLS13\n  max_version: TLS13\n",
    TLS + "  prefer_server_cipher_suites: false\n",
    TLS + "  cipher_suites: []\n  curve_preferences: []\n",
    *[TLS + f"  curve_preferences: [{c}]\n" for c in ("CurveP256", "CurveP384")],
    *[
        TLS + f"  cipher_suites: [{name}]\n"
        for name in (
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        )
    ],
    "http_server_config: {http2: true, headers: {X-Frame-Options: deny}}\n",
    "http_server_config: {headers: {X-Content-Type-Options: nosniff, X-XSS-Protection: '0'}}\n",
    "http_server_config: {headers: {X-XSS-Protection: 1}}\n",
    # A key without a value.
    "basic_auth_users:\n",
    "http_server_config:\n  http2:\n  headers:\n",
    TLS + "  cipher_suites:\n  curve_preferences:\n  prefer_server_cipher_suites:\n",
    TLS + "  min_version:\n  max_version:\n  client_auth_type:\n  client_ca_file:\n",
    "rate_limit:\n  interval:\n  burst:\n",
    f"basic_auth_users: {{ada: {HASH}}}\n",
    f"basic_auth_users: {{ada: {HASH.replace('$2b', '$2y')}}}\n",
    "rate_limit: {interval: 1m0.5s, burst: 20}\n",
    "rate_limit: {interval: 0s, burst: 20}\n",
    "rate_limit: {interval: 250us, burst: 1}\n",
]

BAD = [
    "- a\n",
    "tls: {}\n",
    "tls_server_config: on\n",
    "tls_server_config: {cert_file: cert.pem}\n",
    "tls_server_config: {key_file: key.pem}\n",
    "tls_server_config: {client_auth_type: RequireAndVerifyClientCert}\n",
    TLS + "  key_file: key.pem\n",
    TLS + "  certificate: cert.pem\n",
    TLS.replace("cert.pem", "gone.pem"),
    TLS.replace("key.pem", "junk.pem"),
    TLS.replace("key.pem", "other-key.pem"),
    INLINE.replace("<key.pem>", "<other-key.pem>"),
    INLINE.replace("<key.pem>", "key.pem"),
    TLS + CA,
    TLS + "  client_auth_type: Always\n",
    CLIENTS.replace("ca.pem", "gone.pem"),
    TLS + "  min_version: TLS9\n",
    TLS + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n",
    TLS + "  cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]\n",
    TLS + "  cipher_suites: TLS_AES_128_GCM_SHA256\n",
    TLS + "  curve_preferences: [P-256]\n",
    TLS + "  prefer_server_cipher_suites: 'yes'\n",
    "http_server_config: {headers: {X-Other: a}}\n",
    "http_server_config: {headers: {X-Frame-Options: DENY}}\n",
    "http_server_config: {headers: {X-Content-Type-Options: sniff}}\n",
    "basic_auth_users: [ada]\n",
    "basic_auth_users: {ada: hunter2}\n",
    "basic_auth_users: {ada: }\n",
    "telemetry:\n",
    "rate_limit: {interval: 1d, burst: 1}\n",
    "rate_limit: {interval: soon, burst: 1}\n",
    "rate_limit: {interval: 1s, burst: some}\n",
    "rate_limit: {every: 1s}\n",
]

# What docs/http.md says is refused here, and is not there.
REFUSED_ONLY_HERE = [
    # Python's ssl cannot do it.
    TLS + "  client_auth_type: RequestClientCert\n",
    TLS + "  client_auth_type: RequireAnyClientCert\n",
    TLS + "  client_auth_type: RequireClientCert\n",
    TLS + "  curve_preferences: [X25519, CurveP256]\n",
    # Broken.
    TLS + "  min_version: TLS10\n",
    TLS + "  min_version: TLS11\n",
    # Plain HTTP to everyone, or to nobody, which cannot be what was meant.
    "tls_server_config: {}\n",
    "tls_server_config: {min_version: TLS13}\n",
    TLS + "  min_version: TLS13\n  max_version: TLS12\n",
    TLS + "  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
    "rate_limit: {interval: 1s}\n",
    CLIENTS + "  client_allowed_sans: []\n",
    # One of the two would be left unread.
    TLS + "  cert: <cert.pem>\n",
    # The system's authorities would be trusted, or none.
    TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
    CLIENTS.replace("ca.pem", "junk.pem"),
]

ACCEPTED_ONLY_HERE = [
    # Go calls these insecure; OpenSSL has them for whoever names them.
    TLS + "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA256]\n",
    TLS + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256]\n",
    # Go takes a header without a value for an empty one.
    "http_server_config: {headers: {X-Frame-Options: }}\n",
]


@pytest.fixture
def folder(tmp_path: Path) -> WebFolder:
    return WebFolder(tmp_path)


def we_accept(folder: WebFolder, text: str) -> bool:
    try:
        folder.load(text)
    except ConfigError:
        return False
    return True


#: What promtool has said, by the file: it starts once for each.
_VERDICTS: dict[str, bool | None] = {}


def promtool_accepts(folder: WebFolder, text: str) -> bool | None:
    """Return its verdict, or None if it is older than a key of the file."""
    if text not in _VERDICTS:
        _VERDICTS[text] = _ask_promtool(folder, text)
    return _VERDICTS[text]


def _ask_promtool(folder: WebFolder, text: str) -> bool | None:
    result = subprocess.run(
        [find_tool("promtool"), "check", "web-config", str(folder.write(text))],
        capture_output=True,
        text=True,
        timeout=60,
    )
    newer = ("cert", "key", "client_ca", "client_allowed_sans", "rate_limit")
    if any(f"field {name} not found" in result.stderr + result.stdout for name in newer):
        return None
    return result.returncode == 0


@pytest.mark.parametrize("text", GOOD)
def test_both_accept(folder: WebFolder, text: str) -> None:
    assert we_accept(folder, text)
    assert promtool_accepts(folder, text) in (True, None)


@pytest.mark.parametrize("text", BAD)
def test_both_refuse(folder: WebFolder, text: str) -> None:
    assert not we_accept(folder, text)
    assert promtool_accepts(folder, text) in (False, None)


@pytest.mark.parametrize("text", REFUSED_ONLY_HERE)
def test_only_promtool_accepts(folder: WebFolder, text: str) -> None:
    assert not we_accept(folder, text)
    assert promtool_accepts(folder, text) in (True, None)


@pytest.mark.parametrize("text", ACCEPTED_ONLY_HERE)
def test_only_we_accept(folder: WebFolder, text: str) -> None:
    assert we_accept(folder, text)
    assert promtool_accepts(folder, text) is False


def test_most_of_the_files_are_judged_by_this_promtool_too(folder: WebFolder) -> None:
    verdicts = [promtool_accepts(folder, text) for text in GOOD + BAD + REFUSED_ONLY_HERE]
    assert verdicts.count(None) < len(verdicts) / 4
