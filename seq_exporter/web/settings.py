"""The file of `--web.config.file`: TLS and basic authentication, in Prometheus' own format.

Source: exporter-toolkit, docs/web-configuration.md. It is read once, at the start.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import bcrypt
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from seq_exporter.errors import ConfigError
from seq_exporter.yamlfile import Problem, Section, read_document

# The toolkit's TLS10 and TLS11 are broken (RFC 8996), and Python is about to drop them.
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
# The toolkit's other two, RequestClientCert and RequireAnyClientCert, ask for a certificate
# without verifying it, which Python's ssl cannot.
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_BCRYPT = re.compile(r"(\$2[aby]\$)(?:0[4-9]|[12][0-9]|3[01])(\$[./A-Za-z0-9]{53})")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `burst` requests at once, and one more each `interval_seconds`."""

    interval_seconds: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How clients are met; `ssl_context` None: plain HTTP; `users`: bcrypt hashes by name."""

    ssl_context: ssl.SSLContext | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    rate_limit: RateLimit | None = None
    files: tuple[Path, ...] = ()


def load_web_settings(path: Path) -> WebSettings:
    """Read the file at `path`; relative paths in it start at its folder. An empty file is valid.

    Raises ConfigError, a line for each mistake.
    """
    document = read_document(path, None)
    if document.value is None:
        return WebSettings()
    folder = path.parent
    file = document.validate(_File, {"folder": folder}, _contradictions(document.value))
    tls = file.tls_server_config
    try:
        context = tls.build(folder) if tls else None
    except (OSError, ssl.SSLError) as err:
        # OpenSSL names no reason for what is no PEM at all, and its text is a line of its source.
        reason = getattr(err, "reason", None) or "cert_file or key_file is no PEM, or is encrypted"
        raise ConfigError(f"{path}: tls_server_config: {reason}: check the files it names") from err
    headers = file.http_server_config and file.http_server_config.headers
    return WebSettings(
        context,
        file.basic_auth_users,
        headers.model_dump(by_alias=True, exclude_none=True) if headers else {},
    )


def _existing_file(value: str, info: ValidationInfo) -> str:
    folder: Path = (info.context or {})["folder"]
    if value and not (folder / value).is_file():
        raise ValueError("no such file {value}: correct the path")
    return value


def _header_value(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("must be plain text on one line")
    return value


def _bcrypt_hash(value: object) -> object:
    match = _BCRYPT.fullmatch(value) if isinstance(value, str) else None
    try:
        # Tried at the lowest cost, as the highest would take hours.
        is_hash = match and bcrypt.checkpw(b"", f"{match[1]}04{match[2]}".encode()) is not None
    except ValueError:
        is_hash = False
    if not is_hash:  # and not quoted: what is no hash may be a password
        raise ValueError("is no bcrypt hash: make one with `htpasswd -nB USER`")
    return value


_Path = Annotated[str, AfterValidator(_existing_file)]
_Header = Annotated[str, AfterValidator(_header_value)] | None
_Version = Literal["TLS12", "TLS13"]


class _TlsFile(Section):
    cert_file: _Path = ""
    key_file: _Path = ""
    client_auth_type: Literal[
        "NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
    ] = "NoClientCert"
    client_ca_file: _Path = ""
    min_version: _Version = "TLS12"
    max_version: _Version = "TLS13"

    def build(self, folder: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _VERSIONS[self.min_version]
        context.maximum_version = _VERSIONS[self.max_version]
        context.load_cert_chain(folder / self.cert_file, folder / self.key_file, password="")
        if self.client_ca_file:
            context.load_verify_locations(folder / self.client_ca_file)
        context.verify_mode = _CLIENT_AUTH[self.client_auth_type]
        context.set_alpn_protocols(["http/1.1"])
        return context


class _HeadersFile(Section):
    content_security_policy: _Header = Field(None, alias="Content-Security-Policy")
    strict_transport_security: _Header = Field(None, alias="Strict-Transport-Security")
    x_content_type_options: _Header = Field(None, alias="X-Content-Type-Options")
    x_frame_options: _Header = Field(None, alias="X-Frame-Options")
    x_xss_protection: _Header = Field(None, alias="X-XSS-Protection")


class _HttpFile(Section):
    headers: _HeadersFile | None = None
    http2: bool = False


class _File(Section):
    tls_server_config: _TlsFile | None = None
    http_server_config: _HttpFile | None = None
    basic_auth_users: dict[str, Annotated[str, BeforeValidator(_bcrypt_hash)]] = Field(default={})


def _contradictions(value: Any) -> Iterator[Problem]:
    tls = value.get("tls_server_config") if isinstance(value, dict) else None
    if not isinstance(tls, dict):
        return
    place = ("tls_server_config",)
    for name in ("cert_file", "key_file"):
        if not tls.get(name):
            yield Problem((*place, name), "is missing: name the file in PEM form")
    if (tls.get("min_version"), tls.get("max_version")) == ("TLS13", "TLS12"):
        yield Problem((*place, "max_version"), "is below min_version: no client could connect")
    verifies = tls.get("client_auth_type", "NoClientCert") != "NoClientCert"
    if verifies and not tls.get("client_ca_file"):
        yield Problem((*place, "client_ca_file"), "is missing: client_auth_type verifies with it")
    if tls.get("client_ca_file") and not verifies:
        yield Problem(
            (*place, "client_auth_type"), "is missing: client_ca_file is of no use without it"
        )
