"""An exporter that has polled one account, and what the pages of its subusers cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from seq_exporter.config.model import Config, PollSettings
from seq_exporter.explain.evidence import Evidence
from tests.support import TODAY, Answer, FakeSendGrid, FakeTime
from tests.unit.serve.test_exporter import ExporterHarness, wait_until

FORBIDDEN: Answer = (403, {}, '{"errors": [{"message": "access forbidden"}]}')
Run = Callable[[Callable[[], Awaitable[None]]], None]

NEWEST = TODAY - timedelta(days=1)
FIRST = NEWEST - timedelta(days=29)


def ago(days: int) -> date:
    return NEWEST - timedelta(days)


def behalf(name: str) -> str:
    return f"own {FIRST}..{NEWEST} for {name}"


COMPARED = f"subusers {ago(3)}"
DAY_BY_DAY = [f"subusers {ago(back)}" for back in range(1, 30)]


class Pages(ExporterHarness):
    """An exporter that has polled `acme`, and what its pages cost."""

    def __init__(self, sendgrid: FakeSendGrid, time: FakeTime, config: Config) -> None:
        super().__init__(config, time)
        self.config = config
        self.interval_seconds = 900.0
        self.sendgrid = sendgrid
        self.time = time

    async def begin_poll(self) -> None:
        """Let the exporter poll: it does so when its schedule changes."""
        self.interval_seconds += 1
        config = Config(self.config.accounts, PollSettings(self.interval_seconds))
        assert await self.reload(config) is None

    async def poll(self) -> None:
        """Let the exporter poll, and forget which requests that took."""
        polls = self.count_polls()
        await self.begin_poll()
        await wait_until(lambda: self.count_polls() > polls)
        self.sendgrid.take_requests()

    def count_polls(self) -> float:
        """Return how many polls have ended and been reported."""
        return self.value("poll_duration_seconds_count", account="acme") or 0

    async def view(self, subuser: str = "shop", *, may_ask: bool = True) -> Evidence:
        found = await self.exporter.explain("acme", subuser, may_ask=may_ask)
        assert found
        return found

    async def view_gap(self, subuser: str = "shop") -> tuple[str, list[str]]:
        """Return why days are missing on a page, and the requests that it cost."""
        return (await self.view(subuser)).gap, self.sendgrid.take_requests()
