"""The section `tls_server_config`: its settings, and the message for each mistake."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from seq_exporter.errors import ConfigError
from tests.unit.web.settings.web_folder import HASH, TLS, WebFolder

INLINE = "tls_server_config:\n  cert: <cert.pem>\n  key: <key.pem>\n"
CLIENTS = TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"


@pytest.fixture
def folder(tmp_path: Path) -> WebFolder:
    return WebFolder(tmp_path)


def context_of(folder: WebFolder, text: str) -> ssl.SSLContext:
    context = folder.load(text).ssl_context
    assert context
    return context


def tls12_ciphers(context: ssl.SSLContext) -> list[str]:
    return [c["name"] for c in context.get_ciphers() if c["protocol"] != "TLSv1.3"]


def test_tls_is_1_2_or_newer_without_client_certificates(folder: WebFolder) -> None:
    context = context_of(folder, TLS)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.maximum_version == ssl.TLSVersion.TLSv1_3
    assert context.verify_mode == ssl.CERT_NONE
    assert context.sslobject_class is ssl.SSLObject
    assert ssl.OP_CIPHER_SERVER_PREFERENCE in context.options


def test_tls_versions_can_be_chosen(folder: WebFolder) -> None:
    context = context_of(folder, TLS + "  min_version: TLS13\n")
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3
    context = context_of(folder, TLS + "  max_version: TLS12\n")
    assert context.maximum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("client_auth_type", "mode"),
    [
        ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL),
        ("RequireAndVerifyClientCert", ssl.CERT_REQUIRED),
    ],
)
@pytest.mark.parametrize("ca", ["client_ca_file: ca.pem", "client_ca: <ca.pem>"])
def test_client_certificates_are_verified(
    folder: WebFolder, client_auth_type: str, mode: ssl.VerifyMode, ca: str
) -> None:
    context = context_of(folder, TLS + f"  client_auth_type: {client_auth_type}\n  {ca}\n")
    assert context.verify_mode == mode
    assert len(context.get_ca_certs()) == 1


def test_paths_may_be_absolute(folder: WebFolder) -> None:
    text = TLS.replace("cert.pem", str(folder.path / "cert.pem"))
    (folder.path / "elsewhere").mkdir()
    inner = WebFolder(folder.path / "elsewhere")
    (inner.path / "key.pem").write_bytes((folder.path / "key.pem").read_bytes())
    assert inner.load(text).files == tuple(
        folder.path / name for name in ("elsewhere/web.yml", "cert.pem", "elsewhere/key.pem")
    )


def test_the_files_that_were_read_are_listed(folder: WebFolder) -> None:
    names = ("web.yml", "cert.pem", "key.pem", "ca.pem")
    assert folder.load(CLIENTS).files == tuple(folder.path / name for name in names)
    assert folder.load(INLINE).files == (folder.path / "web.yml",)


def test_a_symbolic_link_is_listed_as_itself(folder: WebFolder) -> None:
    (folder.path / "link.pem").symlink_to("cert.pem")
    assert folder.path / "link.pem" in folder.load(TLS.replace("cert.pem", "link.pem")).files


@pytest.mark.parametrize(
    "text",
    [
        INLINE,
        INLINE.replace("cert: <cert.pem>", "cert_file: cert.pem"),
        INLINE.replace("key: <key.pem>", "key_file: key.pem"),
        INLINE + "  cert_file: ''\n  key_file: ''\n  client_ca: ''\n",
    ],
)
def test_pem_text_can_be_in_the_file(folder: WebFolder, text: str) -> None:
    assert context_of(folder, text)


@pytest.mark.parametrize(
    ("names", "ciphers"),
    [
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ["ECDHE-RSA-AES128-GCM-SHA256"]),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256, "
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-AES256-SHA"],
        ),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", ["AES128-SHA"]),
    ],
)
def test_cipher_suites_keep_their_order(folder: WebFolder, names: str, ciphers: list[str]) -> None:
    context = context_of(folder, TLS + f"  cipher_suites: [{names}]\n")
    assert tls12_ciphers(context) == ciphers
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_an_empty_list_means_the_cipher_suites_of_python(folder: WebFolder) -> None:
    python = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context = context_of(folder, TLS + "  cipher_suites: []\n  curve_preferences: []\n")
    assert tls12_ciphers(context) == tls12_ciphers(python)


def test_only_cipher_suites_of_tls_1_3_means_only_tls_1_3(folder: WebFolder) -> None:
    context = context_of(folder, TLS + "  cipher_suites: [TLS_AES_256_GCM_SHA384]\n")
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3


def test_the_client_may_prefer_a_cipher_suite(folder: WebFolder) -> None:
    context = context_of(folder, TLS + "  prefer_server_cipher_suites: false\n")
    assert ssl.OP_CIPHER_SERVER_PREFERENCE not in context.options


@pytest.mark.parametrize("curve", ["CurveP256", "CurveP384", "CurveP521"])
def test_a_curve(folder: WebFolder, curve: str) -> None:
    assert context_of(folder, TLS + f"  curve_preferences: [{curve}]\n")


def test_a_curve_that_not_every_python_supports(folder: WebFolder) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve("X25519")
    except ssl.SSLError:
        with pytest.raises(ConfigError, match="this Python does not support X25519: use CurveP256"):
            context_of(folder, TLS + "  curve_preferences: [X25519]\n")
    else:
        assert context_of(folder, TLS + "  curve_preferences: [X25519]\n")


BAD_CERTIFICATES = [
    (
        "tls_server_config: {}\n",
        "web.yml: 2 mistakes\n"
        "web.yml:1: tls_server_config.cert_file: is missing: "
        "name a PEM file, or use cert for its text\n"
        "web.yml:1: tls_server_config.key_file: is missing: "
        "name a PEM file, or use key for its text",
    ),
    (
        TLS.replace("key_file: key.pem", "key_file: ''"),
        "web.yml:3: tls_server_config.key_file: is missing: "
        "name a PEM file, or use key for its text",
    ),
    (
        TLS.replace("cert.pem", "gone.pem").replace("key.pem", "."),
        "web.yml: 2 mistakes\n"
        "web.yml:2: tls_server_config.cert_file: file 'gone.pem' does not exist: correct the path\n"
        "web.yml:3: tls_server_config.key_file: file '.' does not exist: correct the path",
    ),
    (
        TLS.replace("cert.pem", "x" * 300 + ".pem"),
        f"web.yml:2: tls_server_config.cert_file: cannot read '{'x' * 300}.pem': "
        "File name too long: let this user read it",
    ),
    (
        TLS.replace("key.pem", "other-key.pem"),
        "web.yml:1: tls_server_config: KEY_VALUES_MISMATCH: check cert_file and key_file",
    ),
    (
        INLINE.replace("<key.pem>", "<other-key.pem>"),
        "web.yml:1: tls_server_config: KEY_VALUES_MISMATCH: check cert and key",
    ),
    (
        TLS + "  cert: <cert.pem>\n",
        "web.yml:4: tls_server_config.cert: is set as well as cert_file: keep one of the two",
    ),
    (
        TLS + "  key: <key.pem>\n",
        "web.yml:4: tls_server_config.key: is set as well as key_file: keep one of the two",
    ),
    (
        CLIENTS + "  client_ca: <ca.pem>\n",
        "web.yml:6: tls_server_config.client_ca: is set as well as client_ca_file: "
        "keep one of the two",
    ),
    (
        "tls_server_config:\n  cert: cert.pem\n  key: 5\n",
        "web.yml: 2 mistakes\n"
        "web.yml:2: tls_server_config.cert: is not PEM text: paste the whole text "
        "below `cert: |`, or name the file in cert_file\n"
        "web.yml:3: tls_server_config.key: is not PEM text: paste the whole text "
        "below `key: |`, or name the file in key_file",
    ),
    (
        TLS.replace("key.pem", "<key.pem>"),
        "web.yml:3: tls_server_config.key_file: contains a private key: "
        "move it to tls_server_config.key",
    ),
    (
        TLS.replace("cert.pem", "<cert.pem>"),
        "web.yml:2: tls_server_config.cert_file: is not a path: use cert for PEM text",
    ),
]

BAD_CLIENTS = [
    (
        TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
        "web.yml:1: tls_server_config.client_ca_file: is missing: "
        "client_auth_type needs it to verify clients",
    ),
    (
        TLS + "  client_ca_file: ca.pem\n",
        "web.yml:1: tls_server_config.client_auth_type: is missing, so client_ca_file has "
        "no effect: use RequireAndVerifyClientCert or VerifyClientCertIfGiven",
    ),
    (
        TLS + "  client_auth_type: NoClientCert\n  client_ca: <ca.pem>\n",
        "web.yml:4: tls_server_config.client_auth_type: verifies no client, so client_ca has "
        "no effect: use RequireAndVerifyClientCert or VerifyClientCertIfGiven",
    ),
    *[
        (
            TLS + f"  client_auth_type: {kind}\n  client_ca_file: ca.pem\n",
            f"web.yml:4: tls_server_config.client_auth_type: '{kind}' asks for a certificate "
            "but does not verify it, which Python's ssl cannot do: "
            "use VerifyClientCertIfGiven or RequireAndVerifyClientCert",
        )
        for kind in ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
    ],
    (
        TLS + "  client_auth_type: Always\n",
        "web.yml:4: tls_server_config.client_auth_type: must be 'NoClientCert', "
        "'VerifyClientCertIfGiven' or 'RequireAndVerifyClientCert', not 'Always'",
    ),
    (
        CLIENTS.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
        + "  client_allowed_sans: [a.example.com]\n",
        "web.yml:6: tls_server_config.client_allowed_sans: "
        "needs client_auth_type RequireAndVerifyClientCert: "
        "with any other, a client may connect without a certificate",
    ),
    (
        CLIENTS + "  client_allowed_sans: []\n",
        "web.yml:6: tls_server_config.client_allowed_sans: is empty: name at least one",
    ),
    (
        CLIENTS + "  client_allowed_sans: a.example.com\n",
        "web.yml:6: tls_server_config.client_allowed_sans: "
        "must be a list (lines that begin with `-`), not text",
    ),
    (
        CLIENTS + "  client_allowed_sans:\n  - 1\n  - ''\n",
        "web.yml: 2 mistakes\n"
        "web.yml:7: tls_server_config.client_allowed_sans[0]: "
        "must be text, not 1: put it in quotes\n"
        "web.yml:8: tls_server_config.client_allowed_sans[1]: is empty: give it a value",
    ),
]

BAD_PROTOCOL = [
    *[
        (
            TLS + f"  min_version: {version}\n",
            f"web.yml:4: tls_server_config.min_version: '{version}' is not secure (RFC 8996): "
            "use TLS12",
        )
        for version in ("TLS10", "TLS11")
    ],
    (
        TLS + "  min_version: TLS9\n",
        "web.yml:4: tls_server_config.min_version: must be 'TLS12' or 'TLS13', not 'TLS9'",
    ),
    (
        TLS + "  min_version: TLS13\n  max_version: TLS12\n",
        "web.yml:5: tls_server_config.max_version: "
        "is below min_version, so no client could connect: raise it",
    ),
    (
        TLS + "  cipher_suites:\n  - TLS_RSA_WITH_RC4_128_SHA\n  - AES128-SHA\n",
        "web.yml: 2 mistakes\n"
        "web.yml:5: tls_server_config.cipher_suites[0]: 'TLS_RSA_WITH_RC4_128_SHA' is not "
        "supported by this OpenSSL, which omits weak ones: remove it\n"
        "web.yml:6: tls_server_config.cipher_suites[1]: unknown cipher suite 'AES128-SHA': "
        "use Go's names, such as 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'",
    ),
    (
        TLS + "  cipher_suites: [{a: b}]\n  max_version: TLS12\n",
        "web.yml:4: tls_server_config.cipher_suites[0]: "
        "must be text, not a mapping: put it in quotes",
    ),
    (
        TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n  max_version: TLS12\n",
        "web.yml:4: tls_server_config.cipher_suites: "
        "has cipher suites of TLS 1.3 only, above max_version: add one of TLS 1.2",
    ),
    (
        TLS + "  curve_preferences: [X25519, CurveP256]\n",
        "web.yml:4: tls_server_config.curve_preferences: "
        "has more than one curve, and Python's ssl takes only one: keep one",
    ),
    (
        TLS + "  curve_preferences: [P-256]\n",
        "web.yml:4: tls_server_config.curve_preferences[0]: "
        "must be 'CurveP256', 'CurveP384', 'CurveP521' or 'X25519', not 'P-256'",
    ),
    (
        TLS + "  prefer_server_cipher_suites: 'no'\n",
        "web.yml:4: tls_server_config.prefer_server_cipher_suites: must be true or false, not 'no'",
    ),
    (
        TLS + "  ciphers: []\n",
        "web.yml:4: tls_server_config.ciphers: unknown key; did you mean 'cipher_suites'?",
    ),
]


@pytest.mark.parametrize(("text", "message"), BAD_CERTIFICATES + BAD_CLIENTS + BAD_PROTOCOL)
def test_mistakes(folder: WebFolder, text: str, message: str) -> None:
    assert folder.refusal_of(text) == message


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (TLS.replace("key.pem", "junk.pem"), "cert_file and key_file"),
        (TLS.replace("key.pem", "cert.pem"), "cert_file and key_file"),
        (TLS.replace("cert.pem", "junk.pem"), "cert_file and key_file"),
        (INLINE.replace("key: <key.pem>", "key_file: junk.pem"), "cert and key_file"),
        (CLIENTS.replace("ca.pem", "junk.pem"), "client_ca_file"),
        (
            CLIENTS.replace("client_ca_file: ca.pem", "client_ca: '-----BEGIN CERTIFICATE-----'"),
            "client_ca",
        ),
    ],
)
def test_a_file_that_is_not_a_certificate_or_key(folder: WebFolder, text: str, names: str) -> None:
    message = folder.refusal_of(text)
    # OpenSSL's message between the two differs from version to version.
    assert message.startswith("web.yml:1: tls_server_config: ")
    assert message.endswith(f": check {names}")
    assert "\n" not in message


def test_a_key_that_does_not_match_is_reported_with_the_rest(folder: WebFolder) -> None:
    text = f"basic_auth_users:\n  ada: {HASH}x\n" + TLS.replace("key.pem", "other-key.pem")
    assert folder.refusal_of(text).splitlines() == [
        "web.yml: 2 mistakes",
        "web.yml:2: basic_auth_users.ada: is not a bcrypt hash: make one with `htpasswd -nB USER`",
        "web.yml:3: tls_server_config: KEY_VALUES_MISMATCH: check cert_file and key_file",
    ]


@pytest.mark.parametrize(
    "text",
    [
        INLINE.replace("<cert.pem>", "<ca.pem>"),
        INLINE.replace("key:", "ky:"),
        INLINE.replace("key:", "key_file:"),
        INLINE.replace("cert:", "client_ca:").replace("<cert.pem>", "<key.pem>"),
        INLINE.replace("key: <key.pem>", "key: [<key.pem>]"),
        INLINE.replace("key: <key.pem>", "key:<key.pem>"),
        INLINE.replace("key: <key.pem>", "key: '<key.pem>"),
        INLINE + "  min_version: <key.pem>\n",
        INLINE + "  client_auth_type: <key.pem>\n",
        INLINE + "  cipher_suites:\n  - <key.pem>\n",
        INLINE + "  client_allowed_sans:\n  - <key.pem>\n",
        INLINE + "http_server_config: <key.pem>\n",
        INLINE + "basic_auth_users:\n  ada: <key.pem>\n",
        INLINE + "rate_limit:\n  interval: <key.pem>\n",
        "<key.pem>\n",
        TLS.replace("key.pem", "<key line>"),
        TLS.replace("key_file: key.pem", "key: <key line>"),
        TLS.replace("cert.pem", "<key line>") + "  key: <key.pem>\n",
    ],
)
def test_messages_quote_no_private_key(folder: WebFolder, text: str) -> None:
    lines = (folder.path / "key.pem").read_text().splitlines()[1:-1]
    message = folder.refusal_of(text.replace("<key line>", lines[0]))
    assert not [line for line in lines if line[:20] in message]
