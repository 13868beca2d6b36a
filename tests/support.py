"""A clock that tests set, and a SendGrid whose answers they write."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses
from hypothesis import settings
from requests import PreparedRequest

from seq_exporter.clock import Clock
from seq_exporter.config.model import Account
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.scores import METRICS
from seq_exporter.serve.state import StateFolder

KEY = "SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
BASE_URL = "https://api.sendgrid.com"
SUBUSERS_SCORES = f"{BASE_URL}/v3/engagementquality/subusers/scores"
SCORES = f"{BASE_URL}/v3/engagementquality/scores"
SUBUSERS = f"{BASE_URL}/v3/subusers"

#: The folder of the project.
ROOT = Path(__file__).parents[1]

TODAY = date(2026, 11, 5)

#: How long a test waits for what always comes. Only what hangs takes so long: a busy machine,
#: however slow, fails no test.
GIVE_UP_SECONDS = 120

#: An answer of a simulated SendGrid: status, headers and body.
Answer = tuple[int, dict[str, str], str]

NOT_CALCULATED: Answer = (202, {}, "")


def examples(share: float, *, thorough: float | None = None) -> settings:
    """Return the settings of a property test with `share` times the examples of the profile.

    `thorough` is the share of the profile of that name, if it has another.
    """
    profile = settings().max_examples
    if thorough is not None and profile == settings.get_profile("thorough").max_examples:
        share = thorough
    return settings(max_examples=round(share * profile))


def day(number: int) -> date:
    """Return a day of the tests' month; the fifth is today."""
    return date(2026, 11, number)


def account(**changes: Any) -> Account:
    """Return the account `acme`, with `changes`."""
    return Account(**{"name": "acme", "api_key": ApiKey(Secret(KEY)), **changes})


def state_in(folder: Path) -> StateFolder:
    """Return what keeps state there, with a hash that takes no time."""
    return StateFolder(folder, hash_cost=2)


def item(user_id: str, username: str | None = None, score: float | None = None, **more: Any) -> Any:
    """Return an item of a result list; without a score it is one of somebody not eligible."""
    made: dict[str, Any] = {"user_id": user_id, "username": username, "score": score}
    if score is not None:
        made["metrics"] = dict.fromkeys(METRICS, score)
    return {key: value for key, value in (made | more).items() if value is not None}


def text_of(page: DeflatedText) -> str:
    """Return what a client reads that takes no gzip."""
    return b"".join(page.inflated()).decode()


def own_text(rendered: tuple[DeflatedText, bytes]) -> str:
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
    is what /v3/subusers lists, or such an answer. `page_size` is how much a page of either list
    holds. `first` maps requests, as they are written down, to what is answered to them first.
    """

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.subusers: dict[date, list[Any] | Answer] = {}
        self.own: dict[date, Any] = {}
        self.names: dict[str, str] | Answer = {}
        self.page_size = 500
        self.first: dict[str, list[Answer]] = {}
        self.requests: list[str] = []
        for url, answer in (
            (SUBUSERS_SCORES, self._subusers_scores),
            (SCORES, self._scores),
            (SUBUSERS, self._subusers),
        ):
            mock.add_callback(responses.GET, url, answer)

    def take_requests(self) -> list[str]:
        """Return the requests since the last call.

        These are `subusers 2026-11-05`, `subusers 2026-11-05 after 500` for a later page,
        `own 2026-11-05`, `own 2026-11-01..2026-11-05` and `names 0`; ` for shop-de` follows if the
        request is made on behalf of that user.
        """
        taken, self.requests = self.requests, []
        return taken

    def _subusers_scores(self, request: PreparedRequest) -> Answer:
        query = _query(request)
        start = int(query.get("after_key", 0))
        if early := self._note(f"subusers {query['date']}" + (f" after {start}" if start else "")):
            return early
        found = self.subusers.get(date.fromisoformat(query["date"]))
        if found is None:
            return NOT_CALCULATED
        if isinstance(found, tuple):
            return found
        end = start + self.page_size
        next_params = {"after_key": str(end) if end < len(found) else None}
        return ok({"result": found[start:end], "_metadata": {"next_params": next_params}})

    def _scores(self, request: PreparedRequest) -> Answer:
        query = _query(request)
        first, last = (date.fromisoformat(query[key]) for key in ("from", "to"))
        asked = f"own {first}" if first == last else f"own {first}..{last}"
        behalf = request.headers.get("on-behalf-of")
        if early := self._note(asked + (f" for {behalf}" if behalf else "")):
            return early
        found = {day: own for day, own in self.own.items() if first <= day <= last}
        for answer in found.values():
            if isinstance(answer, tuple):
                return answer
        items = [{"date": day.isoformat()} | own for day, own in found.items()]
        return ok({"result": items}) if items else NOT_CALCULATED

    def _subusers(self, request: PreparedRequest) -> Answer:
        offset = int(_query(request)["offset"])
        if early := self._note(f"names {offset}"):
            return early
        if isinstance(self.names, tuple):
            return self.names
        known = [{"id": int(key), "username": name} for key, name in self.names.items()]
        return ok(known[offset : offset + self.page_size])

    def _note(self, request: str) -> Answer | None:
        """Write a request down; return what is to be answered to it first."""
        self.requests.append(request)
        early = self.first.get(request)
        return early.pop(0) if early else None


def _query(request: PreparedRequest) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(request.url or "").query).items()}


def ok(answer: object) -> Answer:
    """Return the answer of status 200 with this JSON."""
    return 200, {"Content-Type": "application/json"}, json.dumps(answer)
