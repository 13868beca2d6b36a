"""A month of a simulated account, for tests of a subuser's page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from seq_exporter.config.model import Config
from tests.support import FakeSendGrid, FakeTime, account, item
from tests.unit.serve.pages_harness import Pages, Run, ago
from tests.unit.serve.test_exporter import wait_until


@pytest.fixture
def pages(sendgrid: FakeSendGrid, time: FakeTime) -> Pages:
    """A month in which `shop` and `café` fell three days ago, and `falls` with them."""
    for back in range(32):
        low = back < 3
        sendgrid.own[ago(back)] = item("1", "shop", 2.5 if low else 4.0)
        sendgrid.subusers[ago(back)] = [
            item("1", "shop", 2.5 if low else 4.0),
            item("2", "café", 2.5 if low else 4.0),
            item("3", "falls", 3.0 if low else 4.0),
            item("4", "stays", 4.0),
            item("5", "unscored", None),
        ]
    return Pages(sendgrid, time, Config((account(own_score=False),)))


@pytest.fixture
def run(pages: Pages) -> Run:
    """Poll, forget which requests that took, act, and stop."""

    def run(act: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            pages.exporter.start()
            try:
                await wait_until(lambda: pages.count_polls() == 1)
                pages.sendgrid.take_requests()
                await act()
            finally:
                pages.exporter.stop()

        asyncio.run(main())

    return run
