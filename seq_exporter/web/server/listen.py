"""Listening sockets. They are opened first, so a port in use is reported in one clear line."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
from collections.abc import Iterable, Iterator

from seq_exporter.errors import ConfigError, ListenError

_BACKLOG = 128
_PORT = re.compile(r"[0-9]{1,5}")


def parse_address(text: str) -> tuple[str, int]:
    """Split `:10737`, `localhost:10737` or `[::1]:10737` into host and port.

    An empty host stands for every interface. Raises ConfigError if `text` is not an address.
    """
    host, colon, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    is_host = is_bracketed or not (set(host) & set(":[]") or any(map(str.isspace, host)))
    if not colon or not is_host or not _PORT.fullmatch(port) or int(port) > 65535:
        raise ConfigError(
            f"'{text}' is not an address to listen on: write :PORT, HOST:PORT or [IPV6]:PORT"
        )
    return host[1:-1] if is_bracketed else host, int(port)


def open_sockets(
    addresses: Iterable[str], flag: str = "--web.listen-address"
) -> list[socket.socket]:
    """Open and return listening sockets for `addresses`, which `parse_address` can read.

    An address without a host is every interface, IPv4 and IPv6; a host name is every address that
    it resolves to. `flag` is named in errors. Raises ListenError if an address cannot be opened,
    ConfigError if it is not an address; then no socket stays open.
    """
    with contextlib.ExitStack() as stack:
        opened: list[socket.socket] = []
        for address in map(str.strip, addresses):
            host, port = parse_address(address)
            try:
                for sock in _open_named(host, port) if host else [_open_everywhere(port)]:
                    opened.append(stack.enter_context(sock))
            except OSError as err:
                raise ListenError(_explain(address, err, flag)) from err
            except UnicodeError:  # a name that DNS does not allow
                raise ListenError(
                    f"cannot listen on {address}: no such host name: correct {flag}"
                ) from None
        stack.pop_all()
    return opened


def describe_socket(sock: socket.socket) -> str:
    """Return the address that `sock` listens on, as in a URL: `127.0.0.1:10737`."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def local_url(sock: socket.socket) -> str:
    """Return the URL of `sock` for a client on this host: `http://localhost:10737`."""
    host, port = sock.getsockname()[:2]
    is_localhost = host in ("0.0.0.0", "::", "::1")  # noqa: S104
    return f"http://localhost:{port}" if is_localhost else f"http://{describe_socket(sock)}"


def _open_everywhere(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
            )
        except OSError as err:
            # The kernel supports IPv6, but this host or container has no IPv6 address.
            if err.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
    return socket.create_server(("", port), backlog=_BACKLOG)


def _open_named(host: str, port: int) -> Iterator[socket.socket]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    is_open = False
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            yield socket.create_server(address, family=family, backlog=_BACKLOG)
            is_open = True
        except OSError as err:
            # `localhost` often resolves to ::1 too, even on hosts without IPv6.
            if err.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) or len(found) == 1:
                raise
        if port == 0 and is_open:
            break  # every other address would get another port
    if not is_open:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")


def _explain(address: str, err: OSError, flag: str) -> str:
    remedies = {
        errno.EADDRINUSE: (
            f"stop the process that listens there, or choose another port with {flag}"
        ),
        errno.EACCES: "choose a port of 1024 or higher, or allow this user to open lower ones",
        errno.EADDRNOTAVAIL: "choose an address of this host",
    }
    remedy = remedies.get(err.errno or 0, f"correct {flag}")
    # Not err.strerror: functions of asyncio and socket append the address to it.
    reason = os.strerror(err.errno) if err.errno and err.errno > 0 else err.strerror
    return f"cannot listen on {address}: {str(reason).lower()}: {remedy}"
