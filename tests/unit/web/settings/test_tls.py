"""The server's TLS, in real handshakes over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from seq_exporter.web.settings.tls import Tls, build_context
from tests.unit.web.settings.web_folder import TLS, WebFolder

CLIENTS = TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
REFUSALS = (ssl.SSLError, ConnectionError, EOFError)
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def folder(tmp_path: Path) -> WebFolder:
    return WebFolder(tmp_path)


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None) -> Iterator[int]:
    """Echo each client's line, in a thread; yield the port."""
    assert context
    started, ports = threading.Event(), []
    stop: list[Callable[[], object]] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def serve() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        stop.append(lambda: loop.call_soon_threadsafe(stopped.set))
        async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as server:
            ports.append(server.sockets[0].getsockname()[1])
            started.set()
            await stopped.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield ports[0]
    finally:
        stop[0]()
        thread.join(60)
    assert not thread.is_alive()


def client_of(folder: WebFolder, version: ssl.TLSVersion, *names: str) -> ssl.SSLContext:
    """Return a client, with a certificate for `names` if any are given."""
    context = ssl.create_default_context(cafile=folder.path / "ca.pem")
    context.minimum_version = context.maximum_version = version
    if names:
        folder.authority.issue_cert(*names).configure_cert(context)
    return context


async def _talk(port: int, context: ssl.SSLContext) -> tuple[bytes, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(b"hello\n")
        return await reader.readuntil(b"\n"), writer.get_extra_info("cipher")[0]
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def cipher_with(port: int, context: ssl.SSLContext) -> str:
    """Connect and return the cipher suite; raise one of REFUSALS if the server refuses."""
    line, cipher = asyncio.run(_talk(port, context))
    assert line == b"hello\n"
    return cipher


@pytest.mark.parametrize("version", [V12, V13])
def test_a_certificate_and_a_key_in_the_file(folder: WebFolder, version: ssl.TLSVersion) -> None:
    text = "tls_server_config:\n  cert: <cert.pem>\n  key: <key.pem>\n"
    with serving(folder.load(text).ssl_context) as port:
        assert cipher_with(port, client_of(folder, version))


@pytest.mark.parametrize("version", [V12, V13])
def test_an_authority_in_the_file(folder: WebFolder, version: ssl.TLSVersion) -> None:
    text = CLIENTS.replace("client_ca_file: ca.pem", "client_ca: <ca.pem>")
    with serving(folder.load(text).ssl_context) as port:
        assert cipher_with(port, client_of(folder, version, "a.example.com"))
        with pytest.raises(REFUSALS):
            cipher_with(port, client_of(folder, version))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
def test_no_file_is_left_open(folder: WebFolder) -> None:
    tls = Tls((folder.path / "cert.pem").read_text(), (folder.path / "key.pem").read_text())
    before = os.listdir("/proc/self/fd")
    build_context(tls)
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("name", ["cert", "key"])
def test_without_linux_pem_must_be_in_a_file(
    folder: WebFolder, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    text = TLS.replace(f"{name}_file: {name}.pem", f"{name}: <{name}.pem>")
    assert folder.refusal_of(text) == (
        f"web.yml:1: tls_server_config: {name} works only on Linux: use {name}_file"
    )


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        ("a.example.com", ["a.example.com"]),
        ("b.example.com, a.example.com", ["x.example.com", "a.example.com"]),
        ("192.0.2.7", ["192.0.2.7"]),
        ("'2001:db8::7'", ["2001:db8::7"]),
        ("'2001:DB8:0::7'", ["2001:db8::7"]),
        ("ada@example.com", ["ada@example.com"]),
        ("'*.example.com'", ["*.example.com"]),
    ],
)
def test_a_client_with_an_allowed_name(
    folder: WebFolder, version: ssl.TLSVersion, allowed: str, names: list[str]
) -> None:
    text = CLIENTS + f"  client_allowed_sans: [{allowed}]\n"
    with serving(folder.load(text).ssl_context) as port:
        assert cipher_with(port, client_of(folder, version, *names))


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        ("a.example.com", ["b.example.com"]),
        ("a.example.com", []),
        ("example.com", ["a.example.com"]),
        ("'*.example.com'", ["a.example.com"]),
        ("192.0.2.7", ["192.0.2.8"]),
        ("ada@example.com", ["bob@example.com"]),
    ],
)
def test_a_client_without_an_allowed_name(
    folder: WebFolder,
    version: ssl.TLSVersion,
    allowed: str,
    names: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = CLIENTS + f"  client_allowed_sans: [{allowed}]\n"
    with serving(folder.load(text).ssl_context) as port:
        with pytest.raises(REFUSALS):
            cipher_with(port, client_of(folder, version, *names))
        assert cipher_with(port, client_of(folder, version, allowed.strip("'")))
    assert caplog.text == ""


def certificate_with(folder: WebFolder, name: x509.GeneralName) -> bytes:
    """Return a key and certificate for a client, with a kind of name that trustme cannot issue."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.load_pem_x509_certificate(folder.authority.cert_pem.bytes())
    signer = load_pem_private_key(folder.authority.private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .sign(signer, hashes.SHA256())
    )
    form = (PrivateFormat.PKCS8, NoEncryption())
    return key.private_bytes(Encoding.PEM, *form) + certificate.public_bytes(Encoding.PEM)


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize(
    ("name", "is_allowed"),
    [
        (x509.UniformResourceIdentifier("spiffe://example.com/a"), True),
        (x509.UniformResourceIdentifier("spiffe://example.com/b"), False),
        (x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")), False),
    ],
)
def test_a_client_with_a_uri(
    folder: WebFolder, version: ssl.TLSVersion, name: x509.GeneralName, is_allowed: bool
) -> None:
    (folder.path / "client").write_bytes(certificate_with(folder, name))
    client = client_of(folder, version)
    client.load_cert_chain(folder.path / "client")
    text = CLIENTS + "  client_allowed_sans: ['spiffe://example.com/a', '1.2.3.4']\n"
    with serving(folder.load(text).ssl_context) as port:
        if is_allowed:
            assert cipher_with(port, client)
        else:
            with pytest.raises(REFUSALS):
                cipher_with(port, client)


def test_a_name_in_an_unverified_certificate_is_refused(folder: WebFolder) -> None:
    client = ssl.create_default_context(cafile=folder.path / "ca.pem")
    trustme.CA().issue_cert("a.example.com").configure_cert(client)
    text = CLIENTS + "  client_allowed_sans: [a.example.com]\n"
    with serving(folder.load(text).ssl_context) as port, pytest.raises(REFUSALS):
        cipher_with(port, client)


def test_a_common_name_is_not_an_allowed_name(folder: WebFolder) -> None:
    client = ssl.create_default_context(cafile=folder.path / "ca.pem")
    leaf = folder.authority.issue_cert("b.example.com", common_name="a.example.com")
    leaf.configure_cert(client)
    text = CLIENTS + "  client_allowed_sans: [a.example.com]\n"
    with serving(folder.load(text).ssl_context) as port, pytest.raises(REFUSALS):
        cipher_with(port, client)


@pytest.mark.parametrize(
    ("name", "openssl"),
    [
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"),
    ],
)
def test_a_cipher_suite(folder: WebFolder, name: str, openssl: str) -> None:
    with serving(folder.load(TLS + f"  cipher_suites: [{name}]\n").ssl_context) as port:
        client = client_of(folder, V12)
        client.set_ciphers("ALL")
        assert cipher_with(port, client) == openssl
        client.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
        with pytest.raises(REFUSALS):
            cipher_with(port, client)
        assert cipher_with(port, client_of(folder, V13))


@pytest.mark.parametrize("server_first", [True, False])
def test_the_server_or_the_client_orders_cipher_suites(
    folder: WebFolder, server_first: bool
) -> None:
    text = (
        TLS + "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n"
        f"  prefer_server_cipher_suites: {str(server_first).lower()}\n"
    )
    client = client_of(folder, V12)
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    with serving(folder.load(text).ssl_context) as port:
        chosen = cipher_with(port, client)
    assert ("AES256" in chosen) == server_first


def test_a_curve(folder: WebFolder) -> None:
    text = TLS + "  curve_preferences: [CurveP384]\n"
    with serving(folder.load(text).ssl_context) as port:
        client = client_of(folder, V13)
        client.set_ecdh_curve("secp384r1")
        assert cipher_with(port, client)
        client.set_ecdh_curve("prime256v1")
        with pytest.raises(REFUSALS):
            cipher_with(port, client)


@pytest.mark.parametrize(
    ("line", "accepted", "refused"),
    [
        ("min_version: TLS13", V13, V12),
        ("max_version: TLS12", V12, V13),
        ("cipher_suites: [TLS_AES_128_GCM_SHA256]", V13, V12),
    ],
)
def test_a_tls_version_outside_the_bounds_is_refused(
    folder: WebFolder, line: str, accepted: ssl.TLSVersion, refused: ssl.TLSVersion
) -> None:
    with serving(folder.load(TLS + f"  {line}\n").ssl_context) as port:
        assert cipher_with(port, client_of(folder, accepted))
        with pytest.raises(REFUSALS):
            cipher_with(port, client_of(folder, refused))
