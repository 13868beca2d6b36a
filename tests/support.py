"""A clock that tests set, and a SendGrid whose answers they write."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses
from requests import PreparedRequest

from seq_exporter.clock import Clock
from seq_exporter.config import Account
from seq_exporter.pieces import Piece
from seq_exporter.scores import METRICS
from seq_exporter.secret import ApiKey, Secret

KEY = "SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
BASE_URL = "https://api.sendgrid.com"
SUBUSERS_SCORES = f"{BASE_URL}/v3/engagementquality/subusers/scores"
SCORES = f"{BASE_URL}/v3/engagementquality/scores"
SUBUSERS = f"{BASE_URL}/v3/subusers"

TODAY = date(2026, 11, 5)

_Answer = tuple[int, dict[str, str], str]


def day(number: int) -> date:
    """Return a day of the tests' month; the fifth is today."""
    return date(2026, 11, number)


def account(**changes: Any) -> Account:
    """Return the account `acme`, with `changes`."""
    return Account(**{"name": "acme", "api_key": ApiKey(Secret(KEY)), **changes})


def item(user_id: str, username: str | None = None, score: float | None = None, **more: Any) -> Any:
    """Return an item of a result list; without a score it is one of somebody not eligible."""
    made: dict[str, Any] = {"user_id": user_id, "username": username, "score": score}
    if score is not None:
        made["metrics"] = dict.fromkeys(METRICS, score)
    return {key: value for key, value in (made | more).items() if value is not None}


def text_of(page: Piece) -> str:
    """Return what a client reads that takes no gzip."""
    return b"".join(page.inflated()).decode()


def own_text(rendered: tuple[Piece, bytes]) -> str:
    """Return the exporter's own metrics, which are rendered in two parts."""
    return text_of(rendered[0]) + rendered[1].decode()


class FakeTime:
    """Noon of TODAY, until a test moves it; sleeping moves it too, and is written down."""

    def __init__(self) -> None:
        self.seconds = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC).timestamp()
        self.sleeps: list[float] = []

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, monotonic=lambda: self.seconds)

    def sleep(self, seconds: float) -> None:
        if seconds:
            self.sleeps.append(seconds)
        self.seconds += seconds

    def pass_hours(self, hours: float) -> None:
        self.seconds += hours * 3600


class FakeSendGrid:
    """Answers 202 for every day that a test has given nothing for, and writes down each request.

    `subusers` and `own` map days to items, or to an answer: a status, headers and a body. `names`
    is what /v3/subusers lists, or such an answer.
    """

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.subusers: dict[date, list[Any] | _Answer] = {}
        self.own: dict[date, Any] = {}
        self.names: dict[str, str] | _Answer = {}
        self.requests: list[str] = []
        for url, answer in (
            (SUBUSERS_SCORES, self._subusers_scores),
            (SCORES, self._scores),
            (SUBUSERS, self._subusers),
        ):
            mock.add_callback(responses.GET, url, answer)

    def take_requests(self) -> list[str]:
        """Return the requests since the last call: `subusers 2026-11-05`, and so on."""
        taken, self.requests = self.requests, []
        return taken

    def _subusers_scores(self, request: PreparedRequest) -> _Answer:
        query = _query(request)
        self.requests.append(f"subusers {query['date']}")
        found = self.subusers.get(date.fromisoformat(query["date"]))
        if found is None:
            return 202, {}, ""
        return found if isinstance(found, tuple) else _ok({"result": found})

    def _scores(self, request: PreparedRequest) -> _Answer:
        query = _query(request)
        assert query["from"] == query["to"]
        self.requests.append(f"own {query['to']}")
        found = self.own.get(date.fromisoformat(query["to"]))
        if found is None:
            return 202, {}, ""
        return found if isinstance(found, tuple) else _ok({"result": [found]})

    def _subusers(self, request: PreparedRequest) -> _Answer:
        offset = int(_query(request)["offset"])
        self.requests.append(f"names {offset}")
        if isinstance(self.names, tuple):
            return self.names
        known = [{"id": int(key), "username": name} for key, name in self.names.items()]
        return _ok(known[offset:])


def _query(request: PreparedRequest) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(request.url or "").query).items()}


def _ok(answer: object) -> _Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(answer)
