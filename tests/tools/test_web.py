"""TLS, passwords and clients that misbehave, tried from outside with the tools that users have.

`tests/long` has more clients and larger pages, and changes files one by one.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import requests
import trustme

from tests.processes import (
    Start,
    exporter_by,
    find_tool,
    free_port,
    running,
    start_simulator,
    wait_for,
    wait_until,
)
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS

WEB = """
tls_server_config: {{cert_file: server.pem, key_file: server.pem}}
http_server_config: {{headers: {{X-Frame-Options: deny}}}}
basic_auth_users: {{prometheus: "{hash}"}}
"""


@dataclass(frozen=True)
class Guarded:
    """An exporter behind TLS and a password, and the files that it reads."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    def write_certificate(self) -> str:
        """Give it a certificate of a new authority; return the serial number as openssl has it."""
        return write_certificate(self.folder)

    def write_password(self, password: str) -> None:
        stored = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
        (self.folder / "web.yml").write_text(WEB.format(hash=stored))

    def curl(self, path: str, *options: str) -> str:
        """Return what curl says: the status, and 000 if there is no answer at all."""
        url = f"https://localhost:{self.port}{path}"
        return run("curl", "-s", "-o", "body", "-w", "%{http_code}", *options, url, at=self.folder)

    def handshake(self, *options: str) -> str:
        address = f"localhost:{self.port}"
        return run("openssl", "s_client", "-connect", address, *options, at=self.folder)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        wait_until(is_so, self.process)


def run(tool: str, *arguments: str, at: Path) -> str:
    """Return all that a tool prints; its exit status is not looked at."""
    ended = subprocess.run(
        [find_tool(tool), *arguments],
        cwd=at,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=GIVE_UP_SECONDS,
    )
    return ended.stdout + ended.stderr


def write_certificate(folder: Path) -> str:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf = authority.issue_cert("localhost")
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return run("openssl", "x509", "-in", "server.pem", "-noout", "-serial", at=folder).strip()


def start_guarded(exporter: Start, simulator: Simulator, folder: Path) -> Guarded:
    """Start `serve` in `folder` behind TLS and the password `right`."""
    (folder / "config.yaml").write_text(simulator.config)
    port = free_port()
    write_certificate(folder)
    stored = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    (folder / "web.yml").write_text(WEB.format(hash=stored))
    process = exporter(
        "serve", f"--web.listen-address=localhost:{port}", "--web.config.file=web.yml"
    )
    made = Guarded(folder, port, process)
    made.wait_until(lambda: made.curl("/-/ready", "--cacert", "ca.pem") == "200")
    return made


@pytest.fixture
def guarded(exporter: Start, simulator: Simulator, tmp_path: Path) -> Guarded:
    return start_guarded(exporter, simulator, tmp_path)


TRUST = ("--cacert", "ca.pem")
LOGIN = (*TRUST, "-u", "prometheus:right")


def test_from_outside_with_curl(guarded: Guarded) -> None:
    assert guarded.curl("/metrics", *LOGIN) == "200"
    assert "sendgrid_seq_score{" in (guarded.folder / "body").read_text()
    assert guarded.curl("/metrics", *LOGIN, "--compressed", "--http2") == "200"
    assert guarded.curl("/metrics", *TRUST) == "401"
    assert guarded.curl("/", *TRUST) == "401"
    assert guarded.curl("/metrics", *TRUST, "-u", "prometheus:wrong") == "401"
    assert guarded.curl("/metrics", *TRUST, "-u", "nobody:right") == "401"
    assert guarded.curl("/-/healthy", *TRUST) == "200"
    assert guarded.curl("/-/ready", *TRUST) == "200"
    assert guarded.curl("/metrics", "-u", "prometheus:right") == "000"  # whom it does not trust
    assert guarded.curl("/-/ready", *TRUST, "--tls-max", "1.1") == "000"
    plain = f"http://localhost:{guarded.port}/metrics"
    assert run("curl", "-s", plain, at=guarded.folder) == (
        "This port uses TLS: begin the URL with https://\n"
    )
    headers = run("curl", "-sI", *LOGIN, f"https://localhost:{guarded.port}/", at=guarded.folder)
    assert "x-frame-options: deny" in headers.lower()
    assert "content-security-policy: default-src 'none'" in headers.lower()


def test_from_outside_with_openssl(guarded: Guarded) -> None:
    seen = guarded.handshake("-CAfile", "ca.pem", "-verify_return_error")
    assert "Verify return code: 0 (ok)" in seen
    assert "TLSv1.3" in seen
    assert "ALPN" in guarded.handshake("-CAfile", "ca.pem", "-alpn", "http/1.1")
    assert "Verify return code: 0 (ok)" in guarded.handshake("-CAfile", "ca.pem", "-tls1_2")
    assert "Cipher is (NONE)" in guarded.handshake("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


def check_renewals(guarded: Guarded, *, one_by_one: bool) -> None:
    """Write a new certificate, a new password and then nonsense: each is followed in seconds."""

    def shown() -> str:
        pem = guarded.handshake("-showcerts")
        (guarded.folder / "shown.pem").write_text(pem)
        shown = run("openssl", "x509", "-in", "shown.pem", "-noout", "-serial", at=guarded.folder)
        return shown.strip()

    serial = guarded.write_certificate()
    if one_by_one:
        guarded.wait_until(lambda: shown() == serial)
        assert guarded.curl("/metrics", *LOGIN) == "200"
    guarded.write_password("new")
    renewed = (*TRUST, "-u", "prometheus:new")
    guarded.wait_until(lambda: guarded.curl("/metrics", *renewed) == "200")
    assert shown() == serial
    assert guarded.curl("/metrics", *LOGIN) == "401"

    (guarded.folder / "web.yml").write_text("basic_auth_user: {}")
    guarded.wait_until(
        lambda: (
            guarded.curl("/metrics", *renewed) == "200"
            and "\nseq_exporter_web_config_last_reload_successful 0.0\n"
            in (guarded.folder / "body").read_text()
        )
    )
    guarded.process.terminate()
    _, err = guarded.process.communicate(timeout=GIVE_UP_SECONDS)
    assert err.count('msg="web configuration reloaded"') >= (2 if one_by_one else 1)
    assert "did you mean 'basic_auth_users'?" in err


def test_a_new_certificate_and_a_new_password_hold_within_seconds(guarded: Guarded) -> None:
    check_renewals(guarded, one_by_one=False)


@contextlib.contextmanager
def crowd(
    port: int, count: int, behave: Callable[[socket.socket], object], sent_at_first: bytes = b""
) -> Iterator[None]:
    """Keep `count` connections, and let each of them do something now and then."""
    clients = []
    for _ in range(count):
        client = socket.create_connection(("localhost", port), timeout=GIVE_UP_SECONDS)
        client.sendall(sent_at_first)
        client.setblocking(False)
        clients.append(client)
    leaving = threading.Event()

    def go_on() -> None:
        while not leaving.wait(0.2):
            for client in clients:
                with contextlib.suppress(OSError):  # it was shown out
                    behave(client)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()
        for client in clients:
            client.close()


def read_metric(page: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
    assert found, name
    return float(found[1])


def scores_of(page: str) -> list[str]:
    """Return the lines of a page that hold a score."""
    return re.findall(r"^sendgrid_seq_(?:account_)?(?:metric_)?score\{.*", page, re.MULTILINE)


#: What a client sends at first, and what it does then, again and again.
MISBEHAVIOUR: dict[str, tuple[bytes, Callable[[socket.socket], object]]] = {
    "idle": (b"", lambda client: None),
    "send byte by byte": (b"", lambda client: client.send(b"G")),
    "read byte by byte": (
        b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n",
        lambda client: client.recv(1),
    ),
}


def check_crowd(
    how: str, clients: int, simulator: Simulator, exporter: Start, folder: Path
) -> None:
    """Scrape next to so many clients that misbehave."""
    sent_at_first, behave = MISBEHAVIOUR[how]
    (folder / "config.yaml").write_text(simulator.config)
    port = free_port()
    base = f"http://localhost:{port}"
    process = exporter("serve", f"--web.listen-address=localhost:{port}")
    wait_for(f"{base}/-/ready", process)
    before = requests.get(f"{base}/metrics", timeout=GIVE_UP_SECONDS).text
    assert len(scores_of(before)) > 3 * 200 * 6
    # A copy of the page for each client that stays would not go unnoticed.
    assert len(before) * (256 + 128) > 1.5 * 100e6
    with crowd(port, clients, behave, sent_at_first):
        for _ in range(5):
            page = requests.get(f"{base}/metrics", timeout=GIVE_UP_SECONDS).text
            assert scores_of(page) == scores_of(before)
            time.sleep(0.2)
        after = requests.get(f"{base}/metrics", timeout=GIVE_UP_SECONDS).text
    memory = "process_resident_memory_bytes"
    assert read_metric(after, memory) - read_metric(before, memory) < 100e6
    assert read_metric(after, "process_open_fds") < 256 + 128 + 50
    process.terminate()
    assert process.wait(GIVE_UP_SECONDS) == 0


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Start a simulator of three accounts of 300 subusers."""
    with running(tmp_path_factory.mktemp("large")) as start:
        yield start_simulator(exporter_by(start), 300, "--rate-limit=60000")[1]


@pytest.mark.small
@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_clients_that_misbehave_are_not_noticed(
    how: str, large: Simulator, exporter: Start, tmp_path: Path
) -> None:
    check_crowd(how, 500, large, exporter, tmp_path)


def test_handshakes_that_are_never_finished_keep_nobody_out(guarded: Guarded) -> None:
    hello = ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    first_half = hello.read()[:100]
    with crowd(guarded.port, 1000, lambda client: client.send(first_half)):
        for _ in range(10):
            assert guarded.curl("/metrics", *LOGIN) == "200"
        body = (guarded.folder / "body").read_text()
    assert read_metric(body, "process_open_fds") < 256 + 128 + 50


def login_from(source: str, port: int, login: str) -> socket.socket:
    """Send a scrape with this login from an address of 127.0.0.0/8; return the connection."""
    client = socket.create_connection(("127.0.0.1", port), GIVE_UP_SECONDS, (source, 0))
    credentials = base64.b64encode(login.encode()).decode()
    head = f"GET /metrics HTTP/1.1\r\nHost: here\r\nAuthorization: Basic {credentials}\r\n\r\n"
    client.sendall(head.encode())
    return client


def test_guesses_from_many_addresses_keep_no_first_login_out(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(simulator.config)
    stored = bcrypt.hashpw(b"right", bcrypt.gensalt(8)).decode()
    # No password has this hash, and to see that takes seconds.
    costly = stored.replace("$08$", "$15$")
    users = f"  prometheus: {stored}\n  costly: {costly}\n"
    (tmp_path / "web.yml").write_text(f"basic_auth_users:\n{users}")
    port = free_port()
    process = exporter(
        "serve", f"--web.listen-address=127.0.0.1:{port}", "--web.config.file=web.yml"
    )
    wait_for(f"http://127.0.0.1:{port}/-/ready", process)
    with contextlib.ExitStack() as open_connections:

        def log_in(source: str, login: str) -> socket.socket:
            return open_connections.enter_context(login_from(source, port, login))

        log_in("127.0.2.1", "costly:guess")  # takes seconds
        guesses = [log_in(f"127.0.1.{n}", f"prometheus:guess{n}") for n in range(1, 101)]
        assert log_in("127.0.0.1", "prometheus:right").recv(12) == b"HTTP/1.1 200"
        outcomes = [guess.recv(12).split()[1] for guess in guesses]
        assert set(outcomes) == {b"401", b"429"}
        # A hash that takes seconds does not hold up the end of the process.
        log_in("127.0.2.2", "costly:guess")
        process.terminate()
        assert process.wait(GIVE_UP_SECONDS) == 0
