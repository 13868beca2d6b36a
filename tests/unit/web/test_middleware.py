"""Basic authentication: who is let in, and how often a password is hashed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

import bcrypt
import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from seq_exporter.threads import NoThread
from seq_exporter.web.logins import check_password
from seq_exporter.web.middleware import BasicAuth, ThreadLimit
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings

LONGEST = "p" * 72  # bytes; bcrypt accepts no more


def hash_of(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


USERS = {
    "ada": hash_of("right"),
    "müller": hash_of("grün:🔑"),
    "apache": hash_of("right").replace("$2b$", "$2y$"),
    "long": hash_of(LONGEST),
    "empty": hash_of(""),
}


class Checks:
    """Checks passwords, and records the hashes that they are checked against."""

    def __init__(self) -> None:
        self.hashes: list[str] = []

    def __call__(self, password: bytes, stored: str) -> bool:
        self.hashes.append(stored)
        return check_password(password, stored)


def client(users: Mapping[str, str] = USERS, checks: Checks | None = None) -> TestClient:
    live = ReloadableSettings(lambda: WebSettings(users=users))
    return TestClient(BasicAuth(PlainTextResponse("inside"), live, checks or check_password))


def basic(credentials: str | bytes) -> dict[str, str]:
    raw = credentials.encode() if isinstance(credentials, str) else credentials
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


@pytest.mark.parametrize(
    "credentials", ["ada:right", "müller:grün:🔑", "apache:right", f"long:{LONGEST}"]
)
def test_the_right_password_is_accepted(credentials: str) -> None:
    answer = client().get("/metrics", headers=basic(credentials))
    assert (answer.status_code, answer.text) == (200, "inside")


def test_a_password_that_no_thread_checks_may_be_sent_again() -> None:
    def check(password: bytes, stored: str) -> bool:
        raise NoThread

    live = ReloadableSettings(lambda: WebSettings(users=USERS))
    app = ThreadLimit(BasicAuth(PlainTextResponse("inside"), live, check))
    answer = TestClient(app).get("/metrics", headers=basic("ada:right"))
    assert (answer.status_code, answer.text.partition(":")[0]) == (503, "no thread can be started")


def test_the_scheme_is_case_insensitive() -> None:
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
def test_wrong_credentials_are_refused(credentials: str) -> None:
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
def test_a_malformed_header_is_refused_without_a_hash(headers: dict[str, str]) -> None:
    checks = Checks()
    answer = client(checks=checks).get("/metrics", headers=headers)
    assert (answer.status_code, checks.hashes) == (401, [])


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
def test_only_the_health_checks_need_no_password(path: str, status: int) -> None:
    assert client().get(path).status_code == status


def test_a_right_password_is_hashed_once() -> None:
    checks = Checks()
    scraper = client(checks=checks)
    for _ in range(3):
        assert scraper.get("/metrics", headers=basic("ada:right")).status_code == 200
    assert checks.hashes == [USERS["ada"]]


def test_a_wrong_password_is_hashed_each_time_even_after_a_right_one() -> None:
    checks = Checks()
    scraper = client(checks=checks)
    scraper.get("/metrics", headers=basic("ada:right"))
    for password in ("wrong", "right ", "wrong"):
        assert scraper.get("/metrics", headers=basic(f"ada:{password}")).status_code == 401
    assert checks.hashes == [USERS["ada"]] * 4
    assert scraper.get("/metrics", headers=basic("ada:right")).status_code == 200


def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    checks = Checks()
    scraper = client(checks=checks)
    for _ in range(2):
        for credentials in ("nobody:right", "ada:", f"ada:{LONGEST}p", "ada:a\0"):
            assert scraper.get("/metrics", headers=basic(credentials)).status_code == 401
    assert checks.hashes[:4] == checks.hashes[4:]  # the same one each time
    assert set(checks.hashes) <= set(USERS.values())


def test_a_removed_user_or_an_old_password_is_refused_at_once() -> None:
    users = dict(USERS)
    scraper = client(users)
    assert scraper.get("/metrics", headers=basic("ada:right")).status_code == 200
    users["ada"] = hash_of("new")
    assert scraper.get("/metrics", headers=basic("ada:right")).status_code == 401
    assert scraper.get("/metrics", headers=basic("ada:new")).status_code == 200
    del users["ada"]
    assert scraper.get("/metrics", headers=basic("ada:new")).status_code == 401
    users.clear()
    assert scraper.get("/metrics").status_code == 200


def test_many_guesses_do_not_block_other_users() -> None:
    async def run() -> list[int]:
        live = ReloadableSettings(lambda: WebSettings(users=USERS))
        guarded = BasicAuth(PlainTextResponse("inside"), live)

        async def ask(address: str, credentials: str) -> int:
            transport = httpx2.ASGITransport(guarded, client=(address, 1))
            async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
                answer = await client.get("/metrics", headers=basic(credentials))
                return answer.status_code

        await ask("192.0.2.1", "long:" + LONGEST)
        guesses = [
            asyncio.create_task(ask(f"2001:db8::{number:x}", f"müller:{number}"))
            for number in range(60)
        ]
        await asyncio.sleep(0.01)
        known = await ask("2001:db8::2", "long:" + LONGEST)
        new = await ask("2001:db8:0:1::2", "ada:right")
        return [known, new, *await asyncio.gather(*guesses)]

    known, new, *guesses = asyncio.run(run())
    assert (known, new) == (200, 200)
    assert guesses.count(401) == 4
    assert guesses.count(429) == 56


def test_one_users_password_is_refused_for_another() -> None:
    scraper = client()
    scraper.get("/metrics", headers=basic("ada:right"))
    assert scraper.get("/metrics", headers=basic("long:right")).status_code == 401
    assert scraper.get("/metrics", headers=basic("bob:right")).status_code == 401
