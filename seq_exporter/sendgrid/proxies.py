"""The proxy of a request: what is wrong with its address, and why it does not connect."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from requests.exceptions import ProxyError
from requests.utils import prepend_scheme_if_needed, select_proxy

from seq_exporter.sendgrid.causes import (
    cause_and_remedy,
    innermost,
    is_unknown_authority,
    walk_causes,
)
from seq_exporter.urls import show_url

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

# With letters of every script. Not a quotation mark, of a variable whose quotes were not removed.
_HOST = re.compile(r"[\w.:%-]+")

# What http.client raises for a CONNECT that was not accepted. The rest of the status line is the
# proxy's own text, which may quote a password.
_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")


@dataclass(frozen=True)
class Proxy:
    """The proxy at `url`, which `variable` names, for the requests to `target`."""

    url: str
    variable: str
    target: str

    @property
    def shown(self) -> str:
        """The URL without user and password."""
        return show_url(self.url)

    def find_mistake(self) -> str:
        """Return why no request can be sent through the proxy, or an empty text."""
        try:
            parts = urlsplit(self.url)
            is_host = _HOST.fullmatch(parts.hostname or "")
            is_url = parts.scheme.lower() in _SCHEMES and is_host and parts.port != 0
        except ValueError:
            is_url = False
        if not is_url:
            # Not quoted: it may hold a password.
            return (
                f"{self.variable} is not the URL of a proxy: write it as "
                "http://proxy.example.com:3128"
            )
        if parts.scheme.lower().startswith("socks") and not importlib.util.find_spec("socks"):
            return (
                f"the proxy {self.shown} needs PySocks: install it with "
                "pip install 'seq-exporter[socks]'"
            )
        return ""

    def explain(self, err: BaseException) -> str:
        """Return what the proxy answers or fails with, or an empty text if it did its part."""
        is_reached = not isinstance(err, ProxyError)
        for cause in walk_causes(err):
            if refused := _REFUSED.match(str(cause)):
                return f"the proxy {self.shown} answers {self._explain_status(refused[1])}"
            if type(cause).__module__ == "socks":
                if innermost(cause) is cause:
                    return f"the proxy {self.shown} fails: {cause}"
                is_reached = False
        if is_reached:
            return ""
        remedy = "" if is_unknown_authority(err) else f": check {self.variable}"
        return f"the proxy {self.shown} cannot be reached: {cause_and_remedy(err)}{remedy}"

    def _explain_status(self, status: str) -> str:
        if status == "407":
            return f"407: put the user and password that it accepts into {self.variable}"
        if status == "403":
            return f"403: allow it to connect to {self.target}"
        return f"{status}: it does not connect to {self.target}"


def find_proxy(url: str, proxies: Mapping[str, str]) -> Proxy | None:
    """Return which of `proxies`, by scheme as requests takes them from variables, is for `url`."""
    # Most have none: for these, the URL is not taken apart.
    found = select_proxy(url, dict(proxies)) if proxies else None
    if not found:
        return None
    try:
        proxy: str = prepend_scheme_if_needed(found, "http")  # type: ignore[no-untyped-call]
        parts = urlsplit(url)
        target = f"{parts.hostname}:{parts.port or {'http': 80}.get(parts.scheme, 443)}"
    except ValueError:
        proxy, target = "", url
    if not found.isprintable():
        proxy = ""  # urlsplit passes over a line break, also in a password
    scheme = url.partition(":")[0].lower()
    variable = scheme if proxies.get(scheme) == found else "all"
    return Proxy(proxy, f"{variable.upper()}_PROXY", target)
