"""URLs: what may be shown of one, and whether it stays on this host."""

from __future__ import annotations

import ipaddress
import socket
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
    """Whether `url` leads to this host: localhost, 127.0.0.0/8 or ::1, in any spelling."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _is_short_loopback(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _is_short_loopback(host: str) -> bool:
    # 127.1 or 0x7f000001: what resolves names reads these as addresses, too.
    try:
        return socket.inet_aton(host)[0] == 127
    except OSError:
        return False
