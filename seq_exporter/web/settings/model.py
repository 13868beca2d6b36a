"""The settings of `--web.config.file` as the program uses them: frozen, and checked when read."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """At most `burst` requests at once, and one more every `interval_seconds`."""

    interval_seconds: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The content of a web configuration file.

    `ssl_context`: None for plain HTTP. `users`: bcrypt hashes by name; empty lets everybody in.
    `rate_limit`: None for no limit. `files`: the paths that were read. A symbolic link is listed as
    itself, so a change of its target is noticed.
    """

    ssl_context: ssl.SSLContext | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    rate_limit: RequestLimit | None = None
    files: tuple[Path, ...] = ()
