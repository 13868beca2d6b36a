"""URLs: what may be shown of one, and whether it stays on this host."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def show_url(url: str) -> str:
    """Return `url` without what may hold a secret: user and password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that is not closed
        return "***"
    # A password with a slash that is not quoted ends the host; the rest of it follows in the path.
    if not parts.netloc or "@" in parts.path + parts.query + parts.fragment:
        return "***"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def is_loopback(url: str) -> bool:
    """Whether `url` leads to this host: localhost, 127.0.0.0/8 or ::1."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
