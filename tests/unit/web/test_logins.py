"""Logins that wait for their password to be checked: who is checked first, and who is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from seq_exporter.web.logins import WaitingLogins, find_network

PROMETHEUS = "192.0.2.1"


class HeldChecks:
    """Checks that wait until a test lets them go; the password `right` is right."""

    def __init__(self) -> None:
        self.checked: list[str] = []
        self._may_end: dict[str, threading.Event] = {}

    def __call__(self, password: bytes, stored: str) -> bool:
        self.checked.append(password.decode())
        assert self.of(stored).wait(60)
        return password == b"right"

    def of(self, stored: str) -> threading.Event:
        return self._may_end.setdefault(stored, threading.Event())


def run(scenario: Callable[[WaitingLogins, HeldChecks], Awaitable[None]]) -> None:
    async def main() -> None:
        checks = HeldChecks()
        await scenario(WaitingLogins(checks), checks)

    asyncio.run(main())


async def send(
    logins: WaitingLogins, address: str, password: str, stored: str = "hash"
) -> asyncio.Task[bool | None]:
    """Send a login, and return when it waits."""
    task = asyncio.create_task(logins.check(address, password.encode(), stored))
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_client_may_choose_its_address_in_a_network(address: str, network: str) -> None:
    assert find_network(address) == network


@pytest.mark.parametrize(
    "address",
    ["2001:db8::{:x}", "198.51.100.{}", "::ffff:198.51.100.{}"],
    ids=["one IPv6 network", "IPv4 addresses", "mapped IPv4 addresses"],
)
@pytest.mark.parametrize("guesses", [4, 19, 20, 21, 60, 250])
def test_guesses_keep_no_first_login_out(address: str, guesses: int) -> None:
    async def scenario(logins: WaitingLogins, checks: HeldChecks) -> None:
        sent = [await send(logins, address.format(n), f"guess {n}") for n in range(guesses)]
        first = await send(logins, PROMETHEUS, "right")
        checks.of("hash").set()
        assert await first is True
        outcomes = await asyncio.gather(*sent)
        assert True not in outcomes
        # One is checked while the others wait: 4 of one network, or all but the first login.
        assert outcomes.count(False) == min(guesses, 5 if "2001" in address else 20)
        assert outcomes.count(None) == guesses - outcomes.count(False)

    run(scenario)


def test_a_network_that_guessed_is_checked_after_the_others() -> None:
    async def scenario(logins: WaitingLogins, checks: HeldChecks) -> None:
        held = await send(logins, "198.51.100.7", "held")
        for _ in range(3):
            await send(logins, "198.51.100.1", "once")
        checks.of("hash").set()
        await held
        while len(checks.checked) < 4:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        checks.of("hash").clear()
        checks.checked.clear()
        held = await send(logins, "198.51.100.7", "held")
        tasks = [
            await send(logins, "198.51.100.1", "three wrong"),
            await send(logins, "198.51.100.8", "none wrong"),
            await send(logins, "198.51.100.7", "one wrong"),
            await send(logins, PROMETHEUS, "right"),
        ]
        checks.of("hash").set()
        await asyncio.gather(held, *tasks)
        assert checks.checked == ["held", "none wrong", "right", "one wrong", "three wrong"]

    run(scenario)


def test_a_right_password_makes_up_for_wrong_ones() -> None:
    async def scenario(logins: WaitingLogins, checks: HeldChecks) -> None:
        checks.of("hash").set()
        for password in ("wrong", "wrong", "right"):
            await logins.check("198.51.100.1", password.encode(), "hash")
        await logins.check("198.51.100.2", b"wrong", "hash")
        checks.of("hash").clear()
        checks.checked.clear()
        tasks = [
            await send(logins, PROMETHEUS, "held"),
            await send(logins, "198.51.100.2", "one wrong"),
            await send(logins, "198.51.100.1", "none wrong"),
        ]
        checks.of("hash").set()
        await asyncio.gather(*tasks)
        assert checks.checked == ["held", "none wrong", "one wrong"]

    run(scenario)


def test_a_full_queue_refuses_a_network_that_guessed() -> None:
    async def scenario(logins: WaitingLogins, checks: HeldChecks) -> None:
        checks.of("hash").set()
        await logins.check("198.51.100.1", b"guess", "hash")
        checks.of("hash").clear()
        held = await send(logins, PROMETHEUS, "held")
        others = [await send(logins, f"203.0.113.{n}", "wrong") for n in range(20)]
        again = await send(logins, "198.51.100.1", "guess")
        assert await again is None
        checks.of("hash").set()
        assert await asyncio.gather(held, *others) == [False] * 21

    run(scenario)


def test_a_costly_hash_of_one_user_delays_no_other() -> None:
    async def scenario(logins: WaitingLogins, checks: HeldChecks) -> None:
        costly = [await send(logins, f"198.51.100.{n}", f"costly {n}", "costly") for n in range(30)]
        checks.of("hash").set()
        assert await logins.check(PROMETHEUS, b"right", "hash") is True
        assert await logins.check(PROMETHEUS, b"wrong", "hash") is False
        checks.of("costly").set()
        assert (await asyncio.gather(*costly)).count(None) == 30 - 20 - 1

    run(scenario)


def test_a_login_whose_client_has_left_is_checked_and_holds_up_nobody() -> None:
    async def scenario(logins: WaitingLogins, checks: HeldChecks) -> None:
        gone = [await send(logins, PROMETHEUS, "right") for _ in range(2)]
        after = await send(logins, "198.51.100.1", "right")
        for task in gone:
            task.cancel()
        checks.of("hash").set()
        assert await after is True
        assert await logins.check(PROMETHEUS, b"right", "hash") is True

    run(scenario)


def test_an_error_is_raised_to_its_own_client() -> None:
    def check(password: bytes, stored: str) -> bool:
        if password == b"broken":
            raise RuntimeError("no thread")
        return True

    async def main() -> None:
        logins = WaitingLogins(check)
        broken = await send(logins, PROMETHEUS, "broken")
        after = await send(logins, PROMETHEUS, "right")
        with pytest.raises(RuntimeError, match="no thread"):
            await broken
        assert await after is True

    asyncio.run(main())


def test_only_so_many_networks_are_remembered() -> None:
    async def main() -> None:
        logins = WaitingLogins(lambda password, stored: False)
        for number in range(10_050):
            logins._note(f"10.{number // 250}.0.{number % 250}", is_right=False)
        assert len(logins._wrong) == 10_000

    asyncio.run(main())
