"""Basic authentication: who is let in, and at what price."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

import bcrypt
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from seq_exporter.web.auth import BasicAuth

LONGEST = "p" * 72  # bytes; bcrypt takes no more


def hash_of(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


USERS = {
    "ada": hash_of("right"),
    "müller": hash_of("grün:🔑"),
    "apache": hash_of("right").replace("$2b$", "$2y$"),
    "long": hash_of(LONGEST),
    "empty": hash_of(""),
}


class CountedUsers(Mapping[str, str]):
    """Users that count how often a hash is looked up, which is what comparing with it takes."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self.users = users
        self.lookups = 0

    def __getitem__(self, name: str) -> str:
        self.lookups += 1
        return self.users[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.users)

    def __len__(self) -> int:
        return len(self.users)


def client(users: Mapping[str, str] = USERS) -> TestClient:
    return TestClient(BasicAuth(PlainTextResponse("inside"), users))


def basic(credentials: str | bytes) -> dict[str, str]:
    raw = credentials.encode() if isinstance(credentials, str) else credentials
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


@pytest.mark.parametrize(
    "credentials", ["ada:right", "müller:grün:🔑", "apache:right", f"long:{LONGEST}"]
)
def test_the_right_password_is_let_in(credentials: str) -> None:
    answer = client().get("/metrics", headers=basic(credentials))
    assert (answer.status_code, answer.text) == (200, "inside")


def test_the_scheme_is_written_in_any_case() -> None:
    encoded = base64.b64encode(b"ada:right").decode()
    answer = client().get("/metrics", headers={"Authorization": f"bASIC {encoded}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        "ada:wrong",
        "ada:Right",
        "ada:right ",
        "ada:",
        "Ada:right",
        "bob:right",
        ":right",
        ":",
        "empty:",
        "ada:right\0",
        "ada:right\0right",  # the same to bcrypt, which repeats a password to fill its key
        "\0:\0",
        f"ada:{'p' * 100}",
        f"long:{LONGEST}p",
        f"bob:{'p' * 100}",
    ],
)
def test_anything_else_is_kept_out(credentials: str) -> None:
    answer = client().get("/metrics", headers=basic(credentials))
    assert (answer.status_code, answer.text) == (401, "Unauthorized\n")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Basic"},
        {"Authorization": "Basic "},
        {"Authorization": "Basic !!!!"},
        {"Authorization": "Basic YWRhOnJpZ2h0!"},
        {"Authorization": "Basic YWRhOnJpZ2h"},
        {"Authorization": "Basic ada:right"},
        {"Authorization": b"Basic \xff\xfe"},
        {"Authorization": "Bearer YWRhOnJpZ2h0"},
        {"Authorization": "YWRhOnJpZ2h0"},
        basic("ada"),
        basic(b"ada\xff:right"),
        basic(b"ada:right\xff"),
    ],
)
def test_a_malformed_header_is_kept_out_without_a_hash(headers: dict[str, str]) -> None:
    users = CountedUsers(USERS)
    answer = client(users).get("/metrics", headers=headers)
    assert (answer.status_code, users.lookups) == (401, 0)


def test_a_browser_is_asked_for_a_password() -> None:
    answer = client().get("/")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="seq-exporter"'


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/-/healthy", 200),
        ("/-/ready", 200),
        ("/-/ready?verbose", 200),
        ("/", 401),
        ("/metrics", 401),
        ("/-/reload", 401),
        ("/-/healthy/", 401),
        ("/-/Healthy", 401),
        ("/nowhere", 401),
    ],
)
def test_only_the_health_checks_are_open(path: str, status: int) -> None:
    assert client().get(path).status_code == status


def test_a_right_password_is_hashed_once() -> None:
    users = CountedUsers(USERS)
    scraper = client(users)
    scraper.get("/metrics", headers=basic("ada:right"))
    after_the_first = users.lookups
    assert scraper.get("/metrics", headers=basic("ada:right")).status_code == 200
    assert users.lookups == after_the_first > 0


def test_a_wrong_password_is_hashed_each_time_even_after_a_right_one() -> None:
    users = CountedUsers(USERS)
    scraper = client(users)
    scraper.get("/metrics", headers=basic("ada:right"))
    for password in ("wrong", "right ", "wrong"):
        before = users.lookups
        assert scraper.get("/metrics", headers=basic(f"ada:{password}")).status_code == 401
        assert users.lookups > before
    assert scraper.get("/metrics", headers=basic("ada:right")).status_code == 200


def test_one_users_password_does_not_open_for_another() -> None:
    scraper = client()
    scraper.get("/metrics", headers=basic("ada:right"))
    assert scraper.get("/metrics", headers=basic("long:right")).status_code == 401
    assert scraper.get("/metrics", headers=basic("bob:right")).status_code == 401
