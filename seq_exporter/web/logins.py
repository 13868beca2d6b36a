"""Logins of basic authentication whose passwords wait to be checked."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import Callable
from dataclasses import dataclass

from seq_exporter.threads import DaemonThreads

# bcrypt does not accept longer passwords.
_LONGEST_PASSWORD_BYTES = 72

# Logins that may wait for one hash, in all and from one network. A check takes 50 ms of a core, so
# one more would wait for a second or longer.
_MOST_WAITING = 20
_MOST_WAITING_OF_ONE = 4

# More would let a client that guesses passwords take every core. Not one, so a hash that takes
# seconds delays only its user.
_CHECKS_AT_ONCE = 2

# Networks whose wrong passwords are remembered, at 200 bytes each.
_MOST_NETWORKS = 10_000


def check_password(password: bytes, stored: str) -> bool:
    """Return whether `password` matches the bcrypt hash `stored`, in the same time either way."""
    import bcrypt  # few exporters have passwords

    if not password or len(password) > _LONGEST_PASSWORD_BYTES or b"\0" in password:
        bcrypt.checkpw(b"-", stored.encode())
        return False
    return bcrypt.checkpw(password, stored.encode())


def find_network(address: str) -> str:
    """Return what one client may choose its addresses from: an IPv4 address, or an IPv6 /64.

    An IPv4 address that a socket for both versions writes as IPv6 is an IPv4 address.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket, or a test
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


@dataclass(frozen=True, slots=True, eq=False)
class _Login:
    """A password that waits; `outcome` is None if there is no room for it."""

    network: str
    password: bytes
    outcome: asyncio.Future[bool | None]


class WaitingLogins:
    """Checks passwords in threads: one at a time for each hash, those of new clients first.

    Clients that guess passwords can always fill a queue. So a login goes before those of networks
    that have sent more wrong passwords, and takes the place of one if the queue is full: otherwise,
    guesses would keep out the first login of a Prometheus.
    """

    def __init__(self, check: Callable[[bytes, str], bool] = check_password) -> None:
        self._check = check
        self._threads = DaemonThreads(_CHECKS_AT_ONCE)
        self._waiting: dict[str, list[_Login]] = {}  # by hash, oldest first
        self._checking: dict[str, asyncio.Task[None]] = {}  # by hash
        self._wrong: dict[str, int] = {}  # by network, least recent first

    async def check(self, address: str, password: bytes, stored: str) -> bool | None:
        """Return whether `password` matches the hash `stored`, or None if too many logins wait."""
        outcome: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        login = _Login(find_network(address), password, outcome)
        queue = self._waiting.setdefault(stored, [])
        queue.append(login)
        if sum(each.network == login.network for each in queue) > _MOST_WAITING_OF_ONE:
            self._refuse(queue, login)
        elif len(queue) > _MOST_WAITING:
            most = max(map(self._count_wrong, queue))
            guesses = [
                each for each in queue if self._count_wrong(each) == most and each is not login
            ]
            # Not always the oldest: under a steady flood from new networks, none would be checked.
            # Not the newest of equals: it may be the first login of a Prometheus.
            self._refuse(queue, random.choice(guesses or [login]))  # noqa: S311
        if stored not in self._checking:
            self._checking[stored] = asyncio.create_task(self._check_all(stored))
        return await outcome

    async def _check_all(self, stored: str) -> None:
        queue = self._waiting[stored]
        try:
            while queue:
                login = min(queue, key=self._count_wrong)
                queue.remove(login)
                await self._check_one(login, stored)
        finally:
            del self._waiting[stored], self._checking[stored]

    async def _check_one(self, login: _Login, stored: str) -> None:
        try:
            is_right = await self._threads.run(lambda: self._check(login.password, stored))
        except Exception as err:  # noqa: BLE001 - the request that waits raises it
            if not login.outcome.done():
                login.outcome.set_exception(err)
            return
        self._note(login.network, is_right)
        if not login.outcome.done():  # cancelled: the client has left
            login.outcome.set_result(is_right)

    def _refuse(self, queue: list[_Login], login: _Login) -> None:
        queue.remove(login)
        if not login.outcome.done():
            login.outcome.set_result(None)

    def _count_wrong(self, login: _Login) -> int:
        return self._wrong.get(login.network, 0)

    def _note(self, network: str, is_right: bool) -> None:
        count = self._wrong.pop(network, 0)
        if not is_right:
            self._wrong[network] = count + 1
            if len(self._wrong) > _MOST_NETWORKS:
                del self._wrong[next(iter(self._wrong))]
