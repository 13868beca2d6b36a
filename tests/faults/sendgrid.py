"""A small SendGrid that does everything right, for the faults to go wrong from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from seq_exporter.scores import METRICS
from tests.faults.server import Exchange
from tests.support import SCORES, SUBUSERS, SUBUSERS_SCORES, FakeTime, item

SCORES_PATH, SUBUSERS_PATH, SUBUSERS_SCORES_PATH = (
    url.removeprefix("https://api.sendgrid.com") for url in (SCORES, SUBUSERS, SUBUSERS_SCORES)
)

SCOPES_PATH = "/v3/scopes"

#: What a page of metrics must show, by subuser (`own`: the account) and metric or `overall`.
Shown = dict[tuple[str, str], float]


def show(**overall: float) -> Shown:
    """Return what is shown of users all of whose scores are the same."""
    return {
        (user, name): score for user, score in overall.items() for name in ("overall", *METRICS)
    }


class HealthySendGrid:
    """Two subusers, a page for each: `a` (user 1) and `b` (user 2); and the account, user 9.

    A day is in `days` once it is calculated; a day after the clock's is in the future.
    """

    def __init__(self, time: FakeTime) -> None:
        self.days: dict[date, Shown] = {}
        self.change_item: Callable[[dict[str, Any]], Any] | None = None
        self.clock_error_hours = 0.0  # of the exporter's clock, which `time` is
        self._time = time

    def answer(self, exchange: Exchange) -> None:
        if exchange.path == SCOPES_PATH:
            exchange.reply_json({"scopes": []})
            return
        if exchange.path == SUBUSERS_PATH:
            names = [{"id": 1, "username": "a"}, {"id": 2, "username": "b"}]
            exchange.reply_json(names[int(exchange.query["offset"]) :])
            return
        asked = date.fromisoformat(exchange.query.get("date") or exchange.query["to"])
        now = self._time.seconds - self.clock_error_hours * 3600
        if asked > datetime.fromtimestamp(now, UTC).date():
            exchange.reply(400, b'{"errors": [{"message": "cannot be in the future"}]}')
        elif asked not in self.days:
            exchange.reply(202)
        elif exchange.path == SCORES_PATH:
            score = self.days[asked]["own", "overall"]
            exchange.reply_json({"result": [item("9", "acme", score, date=str(asked))]})
        else:
            exchange.reply_json(self.page(exchange, asked))

    def page(self, exchange: Exchange, asked: date) -> dict[str, Any]:
        """Return the page of one user that is asked for."""
        is_first = exchange.query.get("after_key", "0") == "0"
        user_id, name = ("1", "a") if is_first else ("2", "b")
        made: Any = item(user_id, name, self.days[asked][name, "overall"], date=str(asked))
        if is_first and self.change_item:
            made = self.change_item(made)
        cursor = {"next_params": {"after_key": "1" if is_first else None}}
        return {"result": [made], "_metadata": cursor}
