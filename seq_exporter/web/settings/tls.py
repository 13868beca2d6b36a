"""The server's TLS: an SSLContext made from the values of `tls_server_config`.

Source: exporter-toolkit, docs/web-configuration.md. Its names of cipher suites and curves are those
of Go's crypto/tls.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: The path of a PEM file, or PEM text. The text may be a private key, so no message may quote it.
Pem = Path | str

#: OpenSSL's names of the curves, by Go's names.
CURVES = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}

# IANA's numbers, because Go and OpenSSL use different names.
_CIPHER_SUITES = {
    "TLS_RSA_WITH_RC4_128_SHA": 0x0005,
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": 0x000A,
    "TLS_RSA_WITH_AES_128_CBC_SHA": 0x002F,
    "TLS_RSA_WITH_AES_256_CBC_SHA": 0x0035,
    "TLS_RSA_WITH_AES_128_CBC_SHA256": 0x003C,
    "TLS_RSA_WITH_AES_128_GCM_SHA256": 0x009C,
    "TLS_RSA_WITH_AES_256_GCM_SHA384": 0x009D,
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA": 0xC007,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": 0xC009,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": 0xC00A,
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA": 0xC011,
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": 0xC012,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": 0xC013,
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": 0xC014,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": 0xC023,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": 0xC027,
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": 0xC02B,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": 0xC02C,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": 0xC02F,
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": 0xC030,
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": 0xCCA8,
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": 0xCCA9,
}
# Neither Go nor Python's ssl can choose among these: TLS 1.3 always offers all of them.
_TLS13_CIPHER_SUITES = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
)
# The kinds of names that Python distinguishes; a name of any other kind is not compared, because
# it may be anything.
_SAN_KINDS = ("DNS", "IP Address", "URI", "email")


@dataclass(frozen=True, slots=True)
class Tls:
    """The settings of a server's TLS; `client_ca` None asks no client for a certificate."""

    cert: Pem
    key: Pem
    client_ca: Pem | None = None
    client_auth: ssl.VerifyMode = ssl.CERT_NONE
    client_allowed_sans: Sequence[str] = ()
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    cipher_suites: Sequence[str] = ()
    prefer_server_cipher_suites: bool = True
    curve: str | None = None


def build_context(tls: Tls) -> ssl.SSLContext:
    """Return the context of a server with the settings `tls`.

    Raises ValueError if a certificate or key is not valid; its message never quotes the PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = tls.min_version
    context.maximum_version = tls.max_version
    if tls.cipher_suites:
        _choose_ciphers(context, tls.cipher_suites)
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.curve:
        _choose_curve(context, tls.curve)
    _load_certificate(context, tls.cert, tls.key)
    if tls.client_ca:
        _load_authorities(context, tls.client_ca)
    context.verify_mode = tls.client_auth
    if tls.client_allowed_sans:
        context.sslobject_class = _with_allowed_sans(tls.client_allowed_sans)
    context.set_alpn_protocols(["http/1.1"])
    return context


def is_tls13_only(cipher_suites: Sequence[str]) -> bool:
    """Return whether `cipher_suites` has no cipher suite for TLS 1.2."""
    return bool(cipher_suites) and all(name in _TLS13_CIPHER_SUITES for name in cipher_suites)


def check_cipher_suite(name: str) -> str:
    """Return `name` if this server supports the cipher suite.

    Raises ValueError; in its message, `{value}` stands for the quoted name.
    """
    if name in _TLS13_CIPHER_SUITES:
        return name
    if name not in _CIPHER_SUITES:
        raise ValueError(
            "unknown cipher suite {value}: use Go's names, such as "
            "'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'"
        )
    if _CIPHER_SUITES[name] not in _openssl_names():
        raise ValueError(
            "{value} is not supported by this OpenSSL, which omits weak ones: remove it"
        )
    return name


def _openssl_names() -> dict[int, str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Python's default omits cipher suites that Go calls secure: those with SHA-1 as a MAC.
    context.set_ciphers("ALL")
    # The upper half of OpenSSL's number is the protocol.
    return {cipher["id"] & 0xFFFF: cipher["name"] for cipher in context.get_ciphers()}


def _choose_ciphers(context: ssl.SSLContext, cipher_suites: Sequence[str]) -> None:
    if is_tls13_only(cipher_suites):
        # OpenSSL does not accept an empty list for TLS 1.2. Without cipher suites, no client could
        # use TLS 1.2 anyway.
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return
    known = _openssl_names()
    numbers = [_CIPHER_SUITES[name] for name in cipher_suites if name in _CIPHER_SUITES]
    context.set_ciphers(":".join(known[number] for number in numbers))


def _choose_curve(context: ssl.SSLContext, curve: str) -> None:
    try:
        context.set_ecdh_curve(CURVES[curve])
    except ssl.SSLError:  # X25519, before Python 3.11.4
        raise ValueError(f"this Python does not support {curve}: use CurveP256") from None


def _load_certificate(context: ssl.SSLContext, cert: Pem, key: Pem) -> None:
    try:
        with _as_file("cert", cert) as cert_path, _as_file("key", key) as key_path:
            # With a password, even a wrong one, OpenSSL does not ask for one on the terminal.
            context.load_cert_chain(cert_path, key_path, password="")
    except OSError as err:  # ssl.SSLError is one
        names = f"{_key_of('cert', cert)} and {_key_of('key', key)}"
        raise ValueError(f"{_reason(err, 'not PEM, or encrypted')}: check {names}") from None


def _load_authorities(context: ssl.SSLContext, client_ca: Pem) -> None:
    try:
        if isinstance(client_ca, Path):
            context.load_verify_locations(client_ca)
        else:
            context.load_verify_locations(cadata=client_ca)
    except OSError as err:
        name = _key_of("client_ca", client_ca)
        raise ValueError(f"{_reason(err, 'not a certificate in PEM form')}: check {name}") from None


@contextlib.contextmanager
def _as_file(name: str, pem: Pem) -> Iterator[Path]:
    """Yield a path to `pem`: OpenSSL reads a certificate and its key only from files."""
    if isinstance(pem, Path):
        yield pem
        return
    if not hasattr(os, "memfd_create"):
        raise ValueError(f"{name} works only on Linux: use {name}_file")
    # In memory and on no disk, so the key does not outlive the process.
    with open(os.memfd_create(name), "wb", buffering=0) as file:
        file.write(pem.encode())
        yield Path(f"/proc/self/fd/{file.fileno()}")


def _key_of(name: str, pem: Pem) -> str:
    return f"{name}_file" if isinstance(pem, Path) else name


def _reason(err: OSError, otherwise: str) -> str:
    # For text that is not PEM, OpenSSL gives no reason, and its message names a line of its source.
    reason = err.reason if isinstance(err, ssl.SSLError) else err.strerror
    return reason or otherwise


def _with_allowed_sans(allowed: Sequence[str]) -> type[ssl.SSLObject]:
    """Return a class of connections that fail without one of the `allowed` names.

    asyncio makes its connections with the context's class; a plain `wrap_socket` does not.
    """
    names = frozenset(_normal(name) for name in allowed)

    class Connection(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            # Before the client's data is read, also with TLS 1.3, where the client considers the
            # handshake complete before the server has checked its certificate.
            if names.isdisjoint(_names_in(self.getpeercert())):
                raise ssl.SSLCertVerificationError(
                    "the client's certificate has none of the names in client_allowed_sans"
                )

    return Connection


def _names_in(certificate: object) -> Iterator[str]:
    if isinstance(certificate, dict):
        for kind, name in certificate.get("subjectAltName", ()):
            if kind in _SAN_KINDS:
                yield _normal(name)


def _normal(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name.strip()))  # OpenSSL writes ::1 as 0:0:0:0:0:0:0:1
    except ValueError:
        return name
