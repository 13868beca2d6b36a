"""The section `tls_server_config` of the web configuration file, in the form that users write."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    model_validator,
)

from seq_exporter.web.settings.section import WebSection
from seq_exporter.web.settings.tls import Pem, Tls, build_context, check_cipher_suite, is_tls13_only

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
# A value in place of a path that may be a private key, or a part of one.
_MAY_BE_KEY = re.compile(r"(?s).*(\n|-----BEGIN).*|[A-Za-z0-9+/=]{60,}")


def _existing_file(value: str, info: ValidationInfo) -> str:
    if not value:
        return value
    file = Path((info.context or {})["folder"], value)
    message = "file {value} does not exist: correct the path"
    try:
        if file.is_file():
            file.open("rb").close()
            return value
    except OSError as err:
        message = f"cannot read {{value}}: {err.strerror}: let this user read it"
    if _MAY_BE_KEY.fullmatch(value):
        inline = str(info.field_name).removesuffix("_file")
        message = f"is not a path: use {inline} for PEM text"
    raise ValueError(message)


def _pem_text(value: object, info: ValidationInfo) -> object:
    kind = "PRIVATE KEY" if info.field_name == "key" else "CERTIFICATE"
    # The message never quotes the value: it may be a private key, or a part of one.
    if value != "" and not (
        isinstance(value, str)
        and value.isascii()
        and re.search(rf"-----BEGIN [A-Z0-9 ]*{kind}-----", value)
    ):
        raise ValueError(
            f"is not PEM text: paste the whole text below `{info.field_name}: |`, "
            f"or name the file in {info.field_name}_file"
        )
    return value


def _tls_version(value: object) -> object:
    if value in ("TLS10", "TLS11"):
        raise ValueError("{value} is not secure (RFC 8996): use TLS12")
    return value


def _client_auth_type(value: object) -> object:
    if value in ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert"):
        raise ValueError(
            "{value} asks for a certificate but does not verify it, which Python's ssl cannot do: "
            "use VerifyClientCertIfGiven or RequireAndVerifyClientCert"
        )
    return value


def _at_most_one(value: list[str]) -> list[str]:
    if len(value) > 1:
        raise ValueError("has more than one curve, and Python's ssl takes only one: keep one")
    return value


_Path = Annotated[str, AfterValidator(_existing_file)]
_PemText = Annotated[str, BeforeValidator(_pem_text)]
_Text = Annotated[str, Field(min_length=1)]
_Version = Annotated[Literal[*_VERSIONS], BeforeValidator(_tls_version)]  # type: ignore[valid-type]
_ClientAuth = Annotated[Literal[*_CLIENT_AUTH], BeforeValidator(_client_auth_type)]  # type: ignore[valid-type]
_Curve = Literal["CurveP256", "CurveP384", "CurveP521", "X25519"]


class TlsSection(WebSection):
    """The keys of the section, and the SSLContext that is built from them."""

    cert: _PemText = ""
    cert_file: _Path = ""
    key: _PemText = ""
    key_file: _Path = ""
    client_auth_type: _ClientAuth = "NoClientCert"
    client_ca: _PemText = ""
    client_ca_file: _Path = ""
    client_allowed_sans: list[_Text] | None = Field(None, min_length=1)
    min_version: _Version = "TLS12"
    max_version: _Version = "TLS13"
    cipher_suites: list[Annotated[str, AfterValidator(check_cipher_suite)]] = Field(default=[])
    prefer_server_cipher_suites: bool = True
    curve_preferences: Annotated[list[_Curve], AfterValidator(_at_most_one)] = Field(default=[])
    _context: ssl.SSLContext | None = PrivateAttr(None)

    @property
    def context(self) -> ssl.SSLContext | None:
        """The SSLContext; None only if the section has mistakes."""
        return self._context

    def file_names(self) -> Iterator[str]:
        """Yield the file names in the section, as written."""
        yield from filter(None, (self.cert_file, self.key_file, self.client_ca_file))

    @model_validator(mode="after")
    def _build(self, info: ValidationInfo) -> Self:
        # While validating, so a key that does not match is reported with the other mistakes.
        folder: Path = (info.context or {})["folder"]
        cert = _pem(folder, self.cert_file, self.cert)
        key = _pem(folder, self.key_file, self.key)
        if cert and key:  # otherwise, `contradictions` reports the missing one
            self._context = build_context(
                Tls(
                    cert=cert,
                    key=key,
                    client_ca=_pem(folder, self.client_ca_file, self.client_ca),
                    client_auth=_CLIENT_AUTH[self.client_auth_type],
                    client_allowed_sans=self.client_allowed_sans or (),
                    min_version=_VERSIONS[self.min_version],
                    max_version=_VERSIONS[self.max_version],
                    cipher_suites=self.cipher_suites,
                    prefer_server_cipher_suites=self.prefer_server_cipher_suites,
                    curve=next(iter(self.curve_preferences), None),
                )
            )
        return self


def _pem(folder: Path, name: str, text: str) -> Pem | None:
    return folder / name if name else text or None


def contradictions(tls: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys of the section that contradict others, each with a message."""
    for name in ("cert", "key", "client_ca"):
        if tls.get(name) and tls.get(f"{name}_file"):
            yield (name, f"is set as well as {name}_file: keep one of the two")
        elif name != "client_ca" and not tls.get(name) and not tls.get(f"{name}_file"):
            message = f"is missing: name a PEM file, or use {name} for its text"
            yield (f"{name}_file", message)
    if (tls.get("min_version"), tls.get("max_version")) == ("TLS13", "TLS12"):
        yield ("max_version", "is below min_version, so no client could connect: raise it")
    suites = tls.get("cipher_suites")
    if isinstance(suites, list) and tls.get("max_version") == "TLS12" and is_tls13_only(suites):
        message = "has cipher suites of TLS 1.3 only, above max_version: add one of TLS 1.2"
        yield ("cipher_suites", message)
    yield from _contradictions_of_clients(tls)


def _contradictions_of_clients(tls: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    auth = tls.get("client_auth_type", "NoClientCert")
    verifies = auth in ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
    ca_name = "client_ca" if tls.get("client_ca") else "client_ca_file"
    if verifies and not tls.get(ca_name):
        yield (ca_name, "is missing: client_auth_type needs it to verify clients")
    if tls.get(ca_name) and not verifies:
        state = "verifies no client" if "client_auth_type" in tls else "is missing"
        remedy = "use RequireAndVerifyClientCert or VerifyClientCertIfGiven"
        yield ("client_auth_type", f"{state}, so {ca_name} has no effect: {remedy}")
    if tls.get("client_allowed_sans") and auth != "RequireAndVerifyClientCert":
        message = (
            "needs client_auth_type RequireAndVerifyClientCert: "
            "with any other, a client may connect without a certificate"
        )
        yield ("client_allowed_sans", message)
