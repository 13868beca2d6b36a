"""The file named by `--web.config.file`, in the format of Prometheus' exporter-toolkit.

Source: exporter-toolkit, docs/web-configuration.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import bcrypt
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from seq_exporter.config.yaml_document import Place, Problem, read_document
from seq_exporter.web.settings.model import RequestLimit, WebSettings
from seq_exporter.web.settings.section import WebSection
from seq_exporter.web.settings.tls_section import TlsSection, contradictions

# `cert` too: one PEM text may hold a certificate and its key.
_PLACES_OF_KEYS = (("tls_server_config", "key"), ("tls_server_config", "cert"))
_BCRYPT = re.compile(r"(\$2[aby]\$)(?:0[4-9]|[12][0-9]|3[01])(\$[./A-Za-z0-9]{53})")
# Go's durations, because the format is Go's. They allow fractions, and units that Prometheus' other
# durations do not have.
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_INTERVAL_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(h|ms|m|s|us|ns)")


def load_web_settings(path: Path) -> WebSettings:
    """Read the file at `path`. Paths in it are relative to its folder; it may be empty.

    Raises ConfigError with a line for each mistake.
    """
    document = read_document(path, None)
    if document.value is None:
        return WebSettings(files=(path,))
    folder = path.parent
    misplaced = tuple(_keys_out_of_place(document.value, ()))
    # With the problems found so far, which go first: a later message about the same place could
    # quote the key.
    document = replace(document, problems=(*document.problems, *misplaced))
    file = document.validate(_WebConfigFile, {"folder": folder}, _contradictions(document.value))
    tls, limit = file.tls_server_config, file.rate_limit
    headers = file.http_server_config and file.http_server_config.headers
    return WebSettings(
        tls.context if tls else None,
        file.basic_auth_users,
        headers.model_dump(by_alias=True, exclude_none=True) if headers else {},
        RequestLimit(limit.interval, limit.burst) if limit and limit.interval else None,
        (path, *(folder / name for name in (tls.file_names() if tls else ()))),
    )


def _number_as_text(value: object) -> object:
    # Go's YAML reads `X-XSS-Protection: 1` as text.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _header_value(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("must be plain text on one line")
    return value


def _bcrypt_hash(value: object) -> object:
    match = _BCRYPT.fullmatch(value) if isinstance(value, str) else None
    try:
        # At the lowest cost: a check at the highest would take hours.
        is_hash = match and bcrypt.checkpw(b"", f"{match[1]}04{match[2]}".encode()) is not None
    except ValueError:
        is_hash = False
    if not is_hash:  # without quoting the value, which may be a password
        raise ValueError("is not a bcrypt hash: make one with `htpasswd -nB USER`")
    return value


def _interval(value: object) -> float:
    if value in (0, "0") and not isinstance(value, bool):
        return 0.0
    parts = _INTERVAL_PART.findall(value) if isinstance(value, str) else []
    if not parts or "".join(map("".join, parts)) != value:
        raise ValueError(
            "must be a duration such as 1s, 1m30s or 250ms, or 0s for no limit, not {value}"
        )
    return sum(float(count) * _UNIT_SECONDS[unit] for count, unit in parts)


def _burst(value: int, info: ValidationInfo) -> int:
    if value < 0 or (value == 0 and info.data.get("interval")):
        raise ValueError("must be at least 1: with 0, no request would be answered")
    return value


_Header = Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_header_value)] | None


class _HeadersFile(WebSection):
    content_security_policy: _Header = Field(None, alias="Content-Security-Policy")
    strict_transport_security: _Header = Field(None, alias="Strict-Transport-Security")
    x_content_type_options: Literal["nosniff"] | None = Field(None, alias="X-Content-Type-Options")
    x_frame_options: Literal["deny", "sameorigin"] | None = Field(None, alias="X-Frame-Options")
    x_xss_protection: _Header = Field(None, alias="X-XSS-Protection")


class _HttpFile(WebSection):
    headers: _HeadersFile | None = None
    http2: bool = False


class _RateLimitFile(WebSection):
    interval: Annotated[float, BeforeValidator(_interval)] = 0.0
    burst: Annotated[int, AfterValidator(_burst)] = Field(0, validate_default=True)


class _WebConfigFile(WebSection):
    tls_server_config: TlsSection | None = None
    http_server_config: _HttpFile | None = None
    basic_auth_users: dict[str, Annotated[str, BeforeValidator(_bcrypt_hash)]] = Field(default={})
    rate_limit: _RateLimitFile | None = None


def _contradictions(value: Any) -> Iterator[Problem]:
    tls = value.get("tls_server_config") if isinstance(value, dict) else None
    if isinstance(tls, dict):
        for key, message in contradictions(tls):
            yield Problem(("tls_server_config", key), message)


def _keys_out_of_place(value: Any, place: Place) -> Iterator[Problem]:
    if isinstance(value, dict | list):
        for part, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _keys_out_of_place(item, (*place, part))
    elif isinstance(value, str) and "PRIVATE KEY-----" in value and place not in _PLACES_OF_KEYS:
        yield Problem(place, "contains a private key: move it to tls_server_config.key")
