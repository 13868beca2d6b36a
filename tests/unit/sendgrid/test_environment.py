"""Proxies and certificates of the environment, with real proxies and servers on loopback."""

from __future__ import annotations

import base64
import hashlib
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme
from cryptography import x509
from cryptography.x509.name import _ASN1Type

from seq_exporter.config.secret import Secret
from seq_exporter.errors import ConnectionFailed
from seq_exporter.sendgrid.certificates import Authorities, find_authorities
from seq_exporter.sendgrid.observer import RequestObserver
from seq_exporter.sendgrid.session import open_session
from seq_exporter.sendgrid.sessions import Sessions
from seq_exporter.sendgrid.transport import Endpoint, Transport
from tests.faults.server import FaultServer
from tests.support import KEY, FakeTime, account
from tests.unit.sendgrid.proxy import TunnelProxy, accept_connect, accept_socks

ANYTHING = Endpoint("scopes", "/v3/scopes")
HOST = "https://sendgrid.invalid"
TRUST = "if a company's proxy issued it, name the file of its CA in REQUESTS_CA_BUNDLE"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return the environment, without what requests and OpenSSL read."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


class Company:
    """A server whose certificate only a company's own authority knows, and the authority's file."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.file))
        self.folder = folder / "hashed"
        self.folder.mkdir()
        (self.folder / hashed_name(self.file)).write_bytes(self.file.read_bytes())
        self.server = FaultServer(
            lambda exchange: exchange.reply_json({"scopes": []}),
            self.context("localhost", "sendgrid.invalid"),
        )

    def context(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        return context


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path)
    with made.server.running():
        yield made


def hashed_name(file: Path) -> str:
    """Return the name under which OpenSSL finds a certificate in a folder."""
    subject = x509.load_pem_x509_certificate(file.read_bytes()).subject
    lowered = [
        x509.NameAttribute(part.oid, str(part.value).lower(), _ASN1Type.UTF8String)
        for part in subject
    ]
    canonical = x509.Name(lowered).public_bytes()[2:]  # without the tag and the length around it
    digest = hashlib.sha1(canonical).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}.0"


def ask(base_url: str) -> object:
    transport = Transport(
        account(base_url=base_url),
        Secret(KEY),
        open_session(),
        30.0,
        FakeTime().clock,
        RequestObserver(),
    )
    return transport.get(ANYTHING, {})


def failure(base_url: str) -> str:
    """Return why no connection to `base_url` is made; neither key nor password may be in it."""
    with pytest.raises(ConnectionFailed) as caught:
        ask(base_url)
    message = str(caught.value)
    assert KEY not in message
    assert "passw0rd" not in message
    prefix = f"no connection to {base_url}: "
    assert message.startswith(prefix)
    return message.removeprefix(prefix)


# -- certificates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_file_of_a_private_authority(
    variable: str, company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(variable, str(company.file))
    assert ask(company.server.url) == {"scopes": []}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_a_folder_of_a_private_authority(
    variable: str, company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(variable, str(company.folder))
    assert ask(company.server.url) == {"scopes": []}


def test_an_authority_that_is_replaced_counts_from_the_next_poll(
    company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SSL_CERT_FILE", str(company.file))
    sessions = Sessions()
    with sessions.lend() as session:
        assert session.get(company.server.url, timeout=30).json() == {"scopes": []}
    trustme.CA().cert_pem.write_to_path(str(company.file))
    with sessions.lend() as session, pytest.raises(requests.exceptions.SSLError):
        session.get(company.server.url, timeout=30)


def test_one_of_two_folders_is_enough(company: Company, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SSL_CERT_DIR", f"/nope:{company.folder}")
    assert ask(company.server.url) == {"scopes": []}


def test_an_authority_that_nobody_knows_is_refused(company: Company) -> None:
    assert failure(company.server.url) == (
        f"its certificate is refused: unable to get local issuer certificate: {TRUST}"
    )


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_another_authority_is_refused(
    variable: str, company: Company, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    environment.setenv(variable, str(tmp_path / "other.pem"))
    assert failure(company.server.url).startswith("its certificate is refused: ")


def test_a_bundle_of_requests_is_all_that_is_trusted(
    company: Company, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    environment.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    environment.setenv("SSL_CERT_FILE", str(company.file))
    environment.setenv("SSL_CERT_DIR", str(company.folder))
    assert failure(company.server.url).startswith("its certificate is refused: ")


def test_a_certificate_for_another_host_is_refused(
    company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SSL_CERT_FILE", str(company.file))
    url = company.server.url.replace("localhost", "127.0.0.1")
    assert failure(url) == (
        "its certificate is refused: IP address mismatch, certificate is not valid for "
        "'127.0.0.1'; check DNS, the firewall and HTTPS_PROXY"
    )


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize(
    ("content", "mistake"),
    [(None, "No such file or directory"), ("key", "it holds no certificate in PEM")],
)
def test_a_file_that_holds_no_certificates(
    variable: str,
    content: str | None,
    mistake: str,
    company: Company,
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = tmp_path / "wrong.pem"
    if content:
        file.write_text(content)
    environment.setenv(variable, str(file))
    assert failure(company.server.url) == (
        f"cannot read the CA certificates in {file}, which {variable} names: {mistake}: "
        "correct the variable, or unset it"
    )


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_a_folder_without_hashed_names(
    variable: str, company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(variable, str(company.file.parent))
    assert failure(company.server.url) == (
        f"cannot read the CA certificates in {company.file.parent}, which {variable} names: no "
        "file there has a name such as 4a6481c9.0, which `openssl rehash` makes: "
        "correct the variable, or unset it"
    )


def test_where_certificates_are_looked_for(tmp_path: Path) -> None:
    file, folder, empty = tmp_path / "cert.pem", tmp_path / "certs", tmp_path / "empty"
    file.touch()
    folder.mkdir()
    empty.mkdir()
    (folder / "4a6481c9.0").touch()

    def found(file: Path, folder: Path, *system: Path, **environ: str) -> Authorities:
        openssl = ssl.get_default_verify_paths()._replace(
            openssl_cafile=str(file), openssl_capath=str(folder)
        )
        return find_authorities(environ, openssl, map(str, system))

    nope = tmp_path / "nope"
    assert found(file, nope) == (str(file), None)
    assert found(nope, folder) == (None, str(folder))
    assert found(file, folder) == (str(file), str(folder))
    assert found(nope, empty, nope, file) == (str(file), None)
    # A path whose folder cannot be listed, here for its length, is as good as none.
    assert found(nope, tmp_path / ("x" * 300), file) == (str(file), None)
    assert found(nope, folder, file) == (None, str(folder))
    assert found(file, folder, SSL_CERT_FILE="/own.pem") == ("/own.pem", str(folder))
    assert found(file, folder, SSL_CERT_DIR="/own") == (str(file), "/own")
    assert found(file, folder, SSL_CERT_FILE="", SSL_CERT_DIR="") == (str(file), str(folder))
    certifi = found(nope, empty)
    assert certifi.file is not None
    assert Path(certifi.file).name.endswith((".pem", ".crt"))


# -- proxies --------------------------------------------------------------------------------------


def test_a_tunnel_through_a_proxy(company: Company, environment: pytest.MonkeyPatch) -> None:
    login = f"Basic {base64.b64encode(b'me:passw0rd').decode()}"
    environment.setenv("SSL_CERT_FILE", str(company.file))
    with TunnelProxy(company.server.port, accept_connect(login)).running() as proxy:
        environment.setenv("HTTPS_PROXY", f"http://me:passw0rd@localhost:{proxy.port}")
        assert ask(HOST) == {"scopes": []}
    assert proxy.reached == ["sendgrid.invalid:443"]


@pytest.mark.parametrize("space", [" ", "\n", "\r\n", "\t"])
def test_white_space_around_the_url_of_a_proxy(
    space: str, company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SSL_CERT_FILE", str(company.file))
    with TunnelProxy(company.server.port, accept_connect()).running() as proxy:
        environment.setenv("HTTPS_PROXY", f"{space}http://localhost:{proxy.port}{space}")
        assert ask(HOST) == {"scopes": []}
    assert proxy.reached == ["sendgrid.invalid:443"]


def test_a_proxy_that_is_only_white_space(
    company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HTTPS_PROXY", " \n")
    assert "PROXY is not" not in failure(HOST)
    assert "the proxy" not in failure(HOST)


def test_a_proxy_that_speaks_tls(company: Company, environment: pytest.MonkeyPatch) -> None:
    context = company.context("localhost")
    environment.setenv("SSL_CERT_FILE", str(company.file))
    with TunnelProxy(company.server.port, accept_connect(), context).running() as proxy:
        environment.setenv("HTTPS_PROXY", f"https://localhost:{proxy.port}")
        assert ask(HOST) == {"scopes": []}
        environment.delenv("SSL_CERT_FILE")
        assert failure(HOST) == (
            f"the proxy https://localhost:{proxy.port} cannot be reached: its certificate is "
            f"refused: unable to get local issuer certificate: {TRUST}"
        )
    assert proxy.reached == ["sendgrid.invalid:443"]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_wants_a_password(
    variable: str, company: Company, environment: pytest.MonkeyPatch
) -> None:
    with TunnelProxy(company.server.port, accept_connect("Basic other")).running() as proxy:
        environment.setenv(variable, f"http://me:passw0rd@localhost:{proxy.port}")
        assert failure(HOST) == (
            f"the proxy http://localhost:{proxy.port} answers 407: "
            f"put the user and password that it accepts into {variable.upper()}"
        )
    assert proxy.reached == []


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("403 Forbidden", "403: allow it to connect to sendgrid.invalid:443"),
        ("403", "403: allow it to connect to sendgrid.invalid:443"),
        ("502 Bad gateway", "502: it does not connect to sendgrid.invalid:443"),
        ("302 Found", "302: it does not connect to sendgrid.invalid:443"),
    ],
)
def test_a_proxy_that_refuses_a_tunnel(
    status: str, remedy: str, environment: pytest.MonkeyPatch
) -> None:
    answer = f"HTTP/1.1 {status}\r\nLocation: http://localhost/\r\n\r\n<html>".encode()
    with FaultServer(lambda exchange: exchange.send(answer)).running() as server:
        environment.setenv("HTTPS_PROXY", server.url)
        assert failure(HOST) == f"the proxy {server.url} answers {remedy}"


def test_interim_answers_of_a_proxy_are_skipped(
    company: Company, environment: pytest.MonkeyPatch
) -> None:
    accept = accept_connect()

    def shake_hands(connection: ssl.SSLSocket) -> str | None:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        return accept(connection)

    environment.setenv("SSL_CERT_FILE", str(company.file))
    with TunnelProxy(company.server.port, shake_hands).running() as proxy:  # type: ignore[arg-type]
        environment.setenv("HTTPS_PROXY", f"http://localhost:{proxy.port}")
        assert ask(HOST) == {"scopes": []}


def test_a_proxy_that_is_not_there(environment: pytest.MonkeyPatch) -> None:
    with FaultServer(lambda exchange: None).running() as server:
        url = server.url
    environment.setenv("HTTPS_PROXY", url.replace("//", "//me:passw0rd@"))
    assert failure(HOST) == (
        f"the proxy {url} cannot be reached: Connection refused: check HTTPS_PROXY"
    )
    environment.setenv("HTTPS_PROXY", "proxy.invalid:3128")  # as curl writes it
    assert failure(HOST).startswith("the proxy http://proxy.invalid:3128 cannot be reached: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "://proxy",
        "http://[::1",
        "http://me:passw0rd@[proxy",
        "http://me:passw0rd@proxy:port",
        "http://me:passw0rd@proxy:99999",
        "ftp://me:passw0rd@proxy",
        "socks9://me:passw0rd@proxy",
        "http://me:passw0rd@pro xy:3128",
        "http://me:passw0rd@proxy :3128",
        "http://me:passw0rd@proxy\t:3128",
        "http://me:pass\nw0rd@proxy:3128",
        "http://me:passw0rd@proxy\u200b:3128",
        "'http://proxy:3128'",
        '"http://proxy:3128"',
    ],
)
def test_a_proxy_that_is_not_a_url(url: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", url)
    assert failure(HOST) == (
        "HTTPS_PROXY is not the URL of a proxy: write it as http://proxy.example.com:3128"
    )


@pytest.mark.parametrize("login", ["", "me:passw0rd"])
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_socks_proxy(
    login: str, variable: str, company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SSL_CERT_FILE", str(company.file))
    with TunnelProxy(company.server.port, accept_socks(login)).running() as proxy:
        at = f"{login}@" if login else ""
        environment.setenv(variable, f"socks5h://{at}localhost:{proxy.port}")
        assert ask(HOST) == {"scopes": []}
    assert proxy.reached == ["sendgrid.invalid:443"]


def test_a_socks_proxy_without_tls(environment: pytest.MonkeyPatch) -> None:
    with (
        FaultServer(lambda exchange: exchange.reply_json({"a": 1})).running() as server,
        TunnelProxy(server.port, accept_socks()).running() as proxy,
    ):
        environment.setenv("HTTP_PROXY", f"socks5h://localhost:{proxy.port}")
        assert ask("http://sendgrid.invalid") == {"a": 1}
        assert ask(server.url) == {"a": 1}  # on this host: through no proxy
    assert proxy.reached == ["sendgrid.invalid:80"]


@pytest.mark.parametrize(
    ("login", "answer", "message"),
    [
        ("other:password", 0, "SOCKS5 authentication failed"),
        ("me:passw0rd", 2, "0x02: Connection not allowed by ruleset"),
        ("me:passw0rd", 5, "0x05: Connection refused"),
    ],
)
def test_a_socks_proxy_that_refuses(
    login: str, answer: int, message: str, environment: pytest.MonkeyPatch
) -> None:
    with TunnelProxy(0, accept_socks(login, answer)).running() as proxy:
        environment.setenv("HTTPS_PROXY", f"socks5h://me:passw0rd@localhost:{proxy.port}")
        assert failure(HOST) == f"the proxy socks5h://localhost:{proxy.port} fails: {message}"


def test_a_socks_proxy_that_is_not_there(environment: pytest.MonkeyPatch) -> None:
    with FaultServer(lambda exchange: None).running() as server:
        url = server.url.replace("http:", "socks5h:")
    environment.setenv("HTTPS_PROXY", url)
    assert failure(HOST) == (
        f"the proxy {url} cannot be reached: Connection refused: check HTTPS_PROXY"
    )


def test_a_socks_proxy_without_pysocks(environment: pytest.MonkeyPatch) -> None:
    environment.setitem(sys.modules, "socks", None)
    environment.setenv("HTTPS_PROXY", "socks5://me:passw0rd@proxy:1080")
    assert failure(HOST) == (
        "the proxy socks5://proxy:1080 needs PySocks: install it with "
        "pip install 'seq-exporter[socks]'"
    )


def test_other_errors_of_the_system_are_what_they_are(
    company: Company, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SSL_CERT_FILE", str(company.file))
    environment.setenv("SSLKEYLOGFILE", "/nope/keys")
    said = "No such file or directory; check DNS, the firewall and HTTPS_PROXY"
    assert failure(company.server.url) == said
