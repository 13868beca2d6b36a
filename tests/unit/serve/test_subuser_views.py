"""Views of a subuser's page through the whole exporter: what each says, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from starlette.testclient import TestClient

from seq_exporter.config.model import Config, SubuserSelection
from seq_exporter.web.routes import build_app
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings
from tests.support import TODAY, Answer, FakeSendGrid, FakeTime, account, item
from tests.unit.serve.pages_harness import ago, behalf
from tests.unit.serve.test_explaining import FAILED
from tests.unit.serve.test_exporter import ExporterHarness

FORBIDDEN: Answer = (403, {}, '{"errors": [{"message": "access forbidden"}]}')
SELECTED = SubuserSelection(names=frozenset({"shop", "it's", "nil", "gone"}))
CONFIG = Config(
    (
        account(own_score=False),
        account(name="twin", own_score=False, subusers=SELECTED),
        account(name="own", subusers=None),
    )
)
NO_SCORE = "open tracking is off, or fewer than 1,000 messages were sent in 30 days."


@pytest.fixture
def sendgrid(sendgrid: FakeSendGrid) -> FakeSendGrid:
    for back in range(32):
        low = back < 3
        sendgrid.own[ago(back)] = item("1", "shop", 2.5 if low else 4.0)
        sendgrid.subusers[ago(back)] = [
            item("1", "shop", 2.5 if low else 4.0),
            item("2", "it's", 4.0),
            item("3", "nil", None),
            item("4", "only", 4.0),
        ]
    return sendgrid


def _refuse_key(sendgrid: FakeSendGrid) -> None:
    sendgrid.subusers[TODAY] = (401, {}, "")


def _fail_month(sendgrid: FakeSendGrid) -> None:
    sendgrid.first[behalf("shop")] = [(500, {}, "")]


def _refuse_behalf_and_break_off(sendgrid: FakeSendGrid) -> None:
    sendgrid.first[behalf("shop")] = [FORBIDDEN]
    sendgrid.first[f"subusers {ago(5)}"] = [(500, {}, "")]


def _fail_comparison(sendgrid: FakeSendGrid) -> None:
    sendgrid.first[f"subusers {ago(3)}"] = [(500, {}, "")]


def _leave_as_it_is(sendgrid: FakeSendGrid) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "query", "status", "said", "requests"),
    [
        (
            _leave_as_it_is,
            {"account": "acme", "subuser": "shop"},
            200,
            "The overall score fell from 4.0 to 2.5 on 2026-11-02.",
            2,
        ),
        (
            _leave_as_it_is,
            {"account": "acme", "subuser": "SHOP"},
            404,
            "Account acme has no subuser 'SHOP' now: it was renamed or removed, or `subusers` in "
            "the configuration leaves it out. docs/runbooks/SeqSubuserVanished.md has the steps.",
            0,
        ),
        (
            _leave_as_it_is,
            {"account": "nobody", "subuser": "shop"},
            404,
            "No account is named 'nobody': use a name of the configuration.",
            0,
        ),
        (
            _leave_as_it_is,
            {"subuser": "shop"},
            300,
            "2 accounts have a subuser 'shop': choose one.",
            0,
        ),
        (
            _leave_as_it_is,
            {"account": "acme"},
            400,
            "The parameter subuser is missing: choose a subuser from the list.",
            0,
        ),
        (
            _leave_as_it_is,
            {"account": "twin", "subuser": "gone"},
            404,
            "The configuration of account twin names 'gone', and SendGrid knows no such subuser: "
            "correct the name, or ask who removed it. docs/runbooks/SeqSubuserMissing.md has the "
            "steps.",
            0,
        ),
        (
            _leave_as_it_is,
            {"account": "own", "subuser": "shop"},
            404,
            "No subusers of account own are known: its configuration asks for none, or SendGrid "
            "has calculated no scores of theirs yet.",
            0,
        ),
        (
            _leave_as_it_is,
            {"account": "acme", "subuser": "nil"},
            200,
            f"It has had no score for 30 days: {NO_SCORE}",
            30,  # SendGrid answers on behalf of another user: the test's has only one
        ),
        (
            _refuse_key,
            {"account": "acme", "subuser": "shop"},
            503,
            "The subusers of account acme are not known: "
            "401: SendGrid refuses the key: is it active, complete and for this region?",
            0,
        ),
        (
            _fail_month,
            {"account": "acme", "subuser": "shop"},
            200,
            f"Only 2026-11-04 is known: {FAILED}",
            1,
        ),
        (
            _refuse_behalf_and_break_off,
            {"account": "acme", "subuser": "shop"},
            200,
            f"Some days are not known: {FAILED}",
            6,
        ),
        (
            _fail_comparison,
            {"account": "acme", "subuser": "shop"},
            200,
            f"How the other subusers have fared is not known: {FAILED}",
            2,
        ),
    ],
)
def test_each_view_says_why_and_costs_no_more(
    sendgrid: FakeSendGrid,
    time: FakeTime,
    prepare: Callable[[FakeSendGrid], None],
    query: dict[str, str],
    status: int,
    said: str,
    requests: int,
) -> None:
    prepare(sendgrid)
    harness = ExporterHarness(CONFIG, time)

    async def start() -> None:
        harness.exporter.start()
        await harness.wait_until_ready()

    async def stop() -> None:
        harness.exporter.stop()

    app = build_app(harness.exporter, ReloadableSettings(WebSettings))
    with TestClient(app) as client:
        assert client.portal
        client.portal.call(start)  # in the event loop that answers
        sendgrid.take_requests()
        for cost in (requests, 0):
            answer = client.get("/subuser", params=query)
            assert answer.status_code == status
            assert said in unescape(re.sub("<[^>]*>", "", answer.text))
            assert len(sendgrid.take_requests()) == cost
        client.portal.call(stop)
