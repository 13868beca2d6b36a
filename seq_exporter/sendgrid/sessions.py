"""HTTP sessions that the polls of all accounts share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first poll imports it
    import requests


def _open_session() -> requests.Session:
    from seq_exporter.sendgrid.session import open_session

    return open_session()


class Sessions:
    """Sessions for polls: each is lent to one poll at a time, and comes back without a connection.

    So descriptors follow the polls that run at once, and not the accounts. No connection serves two
    accounts: what a server sends too much in one poll is never read as an answer in another. What
    a session keeps is of no account: above all, its TLS contexts.
    """

    def __init__(self, open_one: Callable[[], requests.Session] = _open_session) -> None:
        self._open_one = open_one
        self._idle: list[requests.Session] = []

    @contextlib.contextmanager
    def lend(self) -> Iterator[requests.Session]:
        """Yield a session that nobody else uses; close its connections afterwards."""
        try:
            session = self._idle.pop()  # one step, also among threads
        except IndexError:
            session = self._open_one()
        try:
            yield session
        finally:
            session.close()
            self._idle.append(session)
