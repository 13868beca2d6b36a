"""What a subuser's page takes from the saved scores of earlier days."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from seq_exporter.config.model import Config, PollSettings
from seq_exporter.explain.evidence import Others
from seq_exporter.history import NO_HISTORY, History
from seq_exporter.serve.polling import Poller
from seq_exporter.serve.state import StateFolder
from tests.support import TODAY, FakeSendGrid, FakeTime, account
from tests.unit.serve.pages_harness import (
    COMPARED,
    DAY_BY_DAY,
    FORBIDDEN,
    Pages,
    Run,
    ago,
    behalf,
)
from tests.unit.serve.test_exporter import wait_until


def test_saved_scores_are_compared_without_a_request(
    sendgrid: FakeSendGrid, time: FakeTime, pages: Pages, run: Run, tmp_path: Path
) -> None:
    acme = account(own_score=False)
    saved = NO_HISTORY.record(ago(3), {"1": 4.0, "2": 4.0, "3": 4.0, "4": 4.0})
    StateFolder(tmp_path).save_history(acme, acme.api_key.read(), saved)

    async def act() -> None:
        assert await pages.reload(Config((acme,), state_dir=tmp_path)) is None
        found = await pages.view()
        assert found.others == Others(ago(3), 3, 2, {"café": 1.5, "falls": 1.0})
        assert pages.sendgrid.take_requests() == [behalf("shop")]

    run(act)


@pytest.mark.parametrize("reaches_limit", [False, True])
def test_saved_scores_are_shown_while_sendgrid_must_not_be_asked(
    pages: Pages, run: Run, tmp_path: Path, reaches_limit: bool
) -> None:
    acme = account(own_score=False)
    saved = NO_HISTORY
    for back in range(40, 0, -1):
        low = back < 3
        scores = {"1": 2.5 if low else 4.0, "2": 2.5 if low else 4.0, "3": 4.0, "4": 4.0}
        saved = saved.record(ago(back), scores)
    StateFolder(tmp_path).save_history(acme, acme.api_key.read(), saved)

    async def act() -> None:
        if reaches_limit:  # in the middle of a month that is read day by day
            pages.sendgrid.first[behalf("shop")] = [FORBIDDEN]
            pages.sendgrid.first[DAY_BY_DAY[0]] = [(429, {}, "")]
        else:
            pages.sendgrid.subusers[TODAY] = (401, {}, "")
        assert await pages.reload(Config((acme,), PollSettings(60.0), state_dir=tmp_path)) is None
        await wait_until(lambda: pages.count_polls() == 2)
        pages.sendgrid.take_requests()
        found = await pages.view()
        assert found.gap
        assert sorted(found.days) == [ago(back) for back in range(29, -1, -1)]
        assert [found.days[ago(back)].overall for back in (4, 3, 2, 1)] == [4.0, 4.0, 2.5, 2.5]
        assert found.others == Others(ago(3), 3, 2, {"café": 1.5, "falls": 1.0})
        asked = [behalf("shop"), DAY_BY_DAY[0]] if reaches_limit else []
        assert pages.sendgrid.take_requests() == asked

    run(act)


@pytest.mark.parametrize(
    ("saved_ids", "others", "requests"),
    [
        ("14", Others(ago(3), 1, 0, {}), [behalf("shop")]),
        ("1", Others(ago(3), 3, 2, {"café": 1.5, "falls": 1.0}), [behalf("shop"), COMPARED]),
    ],
)
def test_saved_scores_are_compared_if_they_are_those_of_half_the_subusers(
    pages: Pages, run: Run, tmp_path: Path, saved_ids: str, others: Others, requests: list[str]
) -> None:
    """SendGrid fills a day over hours, and the poll that saved it may have been an early one."""
    acme = account(own_score=False)
    saved = NO_HISTORY.record(ago(3), {"gone": 3.0, **dict.fromkeys(saved_ids, 4.0)})
    StateFolder(tmp_path).save_history(acme, acme.api_key.read(), saved)

    async def act() -> None:
        assert await pages.reload(Config((acme,), state_dir=tmp_path)) is None
        assert (await pages.view()).others == others
        assert pages.sendgrid.take_requests() == requests

    run(act)


def test_saved_scores_are_read_for_one_view_at_a_time(
    pages: Pages, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes memory and processor time, and whoever views pages could have all of both."""
    reading: list[str] = []

    def recall(poller: Poller) -> History:
        reading.append("begins")
        time.sleep(0.01)
        reading.append("ends")
        return NO_HISTORY

    monkeypatch.setattr(Poller, "recall", recall)

    async def act() -> None:
        pages.sendgrid.subusers[TODAY] = (401, {}, "")
        await pages.poll()
        names = ["shop", "falls", "stays", "shop"] * 5
        found = await asyncio.gather(*map(pages.view, names))
        assert [each.subuser for each in found] == names
        assert all("while polls of this account fail" in each.gap for each in found)

    run(act)
    assert reading == ["begins", "ends"] * (len(reading) // 2)
    assert 3 <= len(reading) / 2 <= 20


def test_saved_scores_that_cannot_be_read_are_asked_for(
    pages: Pages, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "earlier-scores").touch()

    async def act() -> None:
        saving = Config((account(own_score=False),), state_dir=tmp_path)
        assert await pages.reload(saving) is None
        found = await pages.view()
        assert found.others == Others(ago(3), 3, 2, {"café": 1.5, "falls": 1.0})
        assert pages.sendgrid.take_requests() == [behalf("shop"), COMPARED]
        await pages.view("falls")
        assert caplog.messages == ["cannot read earlier scores"]  # not for each view

    run(act)
