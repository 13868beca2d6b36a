"""The memory that a client costs which asks for the page and does not read it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trustme

from benchmarks.figures import Figures
from benchmarks.polls import poll_limit_seconds
from benchmarks.processes import Process, python, running
from benchmarks.scraper import connect

_CLIENTS = 200
# For the first clients, Python and OpenSSL also allocate what all of them share.
_FIRST_CLIENTS = 5
_SETTLE_SECONDS = 2.0
# The text costs more than the compressed page: it is inflated as it is sent.
_PATH = "/metrics"

_Connect = Callable[[int], socket.socket]


def measure_slow_readers(exporter: Process, folder: Path, subusers: int) -> Figures:
    """Measure slow readers of `exporter`, which has polled, and of one like it that serves TLS."""
    figures = {"slow reader": _measure(exporter, connect)}
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    def connect_tls(port: int) -> socket.socket:
        return trust.wrap_socket(connect(port), server_hostname="127.0.0.1")

    with _running_tls_exporter(folder) as tls_exporter:
        tls_exporter.wait_until(
            lambda: _is_ready(connect_tls, tls_exporter.port),
            poll_limit_seconds(subusers),
            pause=0.1,
        )
        figures["slow TLS reader"] = _measure(tls_exporter, connect_tls)
    return figures


@contextmanager
def _running_tls_exporter(folder: Path) -> Iterator[Process]:
    """Run an exporter with the configuration in `folder`."""
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: server.pem, key_file: server.pem}"
    )
    command = python(
        *("-m", "seq_exporter", "serve", "--web.listen-address=127.0.0.1:{port}"),
        "--web.config.file=web.yml",
    )
    with running(command, folder, "tls-exporter") as process:
        yield process


def _measure(exporter: Process, connect: _Connect) -> float:
    """Return the resident bytes that each slow reader adds."""
    with ExitStack() as open_clients:

        def begin(count: int) -> float:
            for _ in range(count):
                client = open_clients.enter_context(connect(exporter.port))
                client.sendall(_request(_PATH))
                client.recv(1)
            time.sleep(_SETTLE_SECONDS)
            return exporter.memory()

        before = begin(_FIRST_CLIENTS)
        return (begin(_CLIENTS) - before) / _CLIENTS


def _is_ready(connect: _Connect, port: int) -> bool:
    with contextlib.suppress(OSError), connect(port) as client:
        client.sendall(_request("/-/ready"))
        return client.recv(12).endswith(b"200")
    return False


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
