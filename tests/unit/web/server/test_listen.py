"""Addresses: how they are written, the sockets that they open, and errors."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from seq_exporter.errors import ConfigError, ListenError
from seq_exporter.web.server.listen import describe_socket, local_url, open_sockets, parse_address


@contextlib.contextmanager
def opened(*addresses: str) -> Iterator[list[socket.socket]]:
    sockets = open_sockets(addresses)
    try:
        yield sockets
    finally:
        for sock in sockets:
            sock.close()


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def is_answered(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except OSError:
        return False
    return True


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return socket.has_dualstack_ipv6()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":10737", "", 10737),
        (":0", "", 0),
        (":65535", "", 65535),
        ("localhost:0", "localhost", 0),
        ("127.0.0.1:10737", "127.0.0.1", 10737),
        ("exporter.example.com:80", "exporter.example.com", 80),
        ("[::1]:1", "::1", 1),
        ("[::]:10737", "::", 10737),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    assert parse_address(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "10737",
        "host",
        "host:",
        ":http",
        ":-1",
        ":+1",
        ":1.5",
        ":1 ",
        " :80",
        "local host:80",
        "localhost :80",
        "localhost\n:80",
        "localhost\xa0:80",
        ":²",
        ":65536",
        "1.2.3.4:70000",
        "::1:80",
        "[::1]",
        "[::1:80",
        "::1]:80",
        "a:b:80",
        "http://localhost:80",
    ],
)
def test_a_malformed_address_is_refused_with_the_valid_forms(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address(text)
    assert str(caught.value) == (
        f"'{text}' is not an address to listen on: write :PORT, HOST:PORT or [IPV6]:PORT"
    )


def test_an_address_without_a_host_is_every_interface() -> None:
    with opened(":0") as (sock,):
        assert is_answered("127.0.0.1", port_of(sock))
        assert is_answered("::1", port_of(sock)) == has_ipv6()


def test_an_address_with_a_host_is_only_that_host() -> None:
    with opened("127.0.0.1:0") as (sock,):
        assert sock.getsockname()[0] == "127.0.0.1"
        assert is_answered("127.0.0.1", port_of(sock))


def test_a_host_name_opens_a_socket_for_each_of_its_addresses() -> None:
    with opened("localhost:0") as (sock,):
        port = port_of(sock)
    known = {
        address[0]
        for *_, address in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)
        if has_ipv6() or ":" not in str(address[0])
    }
    with opened(f"localhost:{port}") as sockets:
        assert {sock.getsockname()[0] for sock in sockets} == known
        assert {port_of(sock) for sock in sockets} == {port}


def test_white_space_around_an_address_is_no_part_of_it() -> None:
    with opened(" 127.0.0.1:0\n", "\t:0 ") as sockets:
        assert [is_answered("127.0.0.1", port_of(sock)) for sock in sockets] == [True] * 2


def test_every_address_is_opened() -> None:
    with opened("127.0.0.1:0", ":0", "127.0.0.1:0") as sockets:
        assert [is_answered("127.0.0.1", port_of(sock)) for sock in sockets] == [True] * 3


@pytest.mark.parametrize("host", ["127.0.0.1", "", "localhost"])
def test_a_port_in_use_is_reported_in_one_line(host: str) -> None:
    with opened("127.0.0.1:0") as (taken,):
        address = f"{host}:{port_of(taken)}"
        with pytest.raises(ListenError) as caught:
            open_sockets([address])
    assert str(caught.value) == (
        f"cannot listen on {address}: address already in use: "
        "stop the process that listens there, or choose another port with --web.listen-address"
    )


def test_an_address_of_another_host_is_reported_in_one_line() -> None:
    with pytest.raises(ListenError) as caught:
        open_sockets(["192.0.2.1:0"])  # reserved for documentation: nobody has it
    assert str(caught.value) == (
        "cannot listen on 192.0.2.1:0: cannot assign requested address: "
        "choose an address of this host"
    )


def test_an_unknown_host_name_is_reported_in_one_line() -> None:
    with pytest.raises(ListenError) as caught:
        open_sockets(["nowhere.invalid:0"])
    # The resolver's message between the two differs from host to host.
    message = str(caught.value)
    assert message.startswith("cannot listen on nowhere.invalid:0: ")
    assert message.endswith(": correct --web.listen-address")
    assert "\n" not in message


@pytest.mark.parametrize("name", ["a..b", f"{'x' * 64}.invalid"])
def test_an_impossible_host_name_is_reported_in_one_line(name: str) -> None:
    with pytest.raises(ListenError) as caught:
        open_sockets([f"{name}:0"])
    assert str(caught.value) == (
        f"cannot listen on {name}:0: no such host name: correct --web.listen-address"
    )


@pytest.mark.parametrize("bad", ["127.0.0.1:{taken}", "nonsense"])
def test_if_one_address_fails_no_socket_stays_open(bad: str) -> None:
    with opened("127.0.0.1:0") as (sock,):
        free = port_of(sock)
    with opened("127.0.0.1:0") as (taken,):
        with pytest.raises((ListenError, ConfigError)):
            open_sockets([f"127.0.0.1:{free}", bad.format(taken=port_of(taken))])
        assert not is_answered("127.0.0.1", free)


def test_a_socket_is_described_as_in_a_url() -> None:
    with opened("127.0.0.1:0") as (sock,):
        assert describe_socket(sock) == f"127.0.0.1:{port_of(sock)}"
    with opened(":0") as (sock,):
        # [::] if the kernel supports IPv6, even if the host has no IPv6 address.
        assert describe_socket(sock) in (f"[::]:{port_of(sock)}", f"0.0.0.0:{port_of(sock)}")


def test_a_socket_has_a_url_for_this_host() -> None:
    with opened("127.0.0.1:0") as (sock,):
        assert local_url(sock) == f"http://127.0.0.1:{port_of(sock)}"
    for everywhere in (":0", "0.0.0.0:0"):
        with opened(everywhere) as (sock,):
            assert local_url(sock) == f"http://localhost:{port_of(sock)}"
