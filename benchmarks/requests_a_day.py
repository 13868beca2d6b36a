"""Simulate days of one account: count requests with the default intervals, and delays of scores.

The real poller runs in this process, with a clock that each request advances. It is compared with a
naive poller, which looks for the newest day and reads all its pages at every interval.
"""

from __future__ import annotations

import gzip
import io
import json
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from benchmarks.figures import Figures
from seq_exporter.clock import Clock
from seq_exporter.config.model import Account, PollSettings
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.store import Store
from seq_exporter.publish.telemetry import Telemetry
from seq_exporter.scores import METRICS
from seq_exporter.sendgrid.sessions import Sessions
from seq_exporter.serve.polling import Poller

_DAY_SECONDS = 86_400.0
_WARM_UP_DAYS = 1
_DAYS = 3
_START = datetime(2026, 11, 5, tzinfo=UTC).timestamp()
_DELAY_SECONDS = 12 * 3600.0
_REQUEST_SECONDS = 0.1
_LATE_SCORES = 300

# Only the number of pages matters. With a hundredth of SendGrid's users on each page, the same
# requests take a hundredth of the time.
_THINNER = 100
_SCORES_PAGE = 1000 // _THINNER
_LIST_PAGE = 500 // _THINNER


@dataclass
class _SimulatedSendGrid(BaseAdapter):
    """A simulated SendGrid in this process: a day appears 12 h after its end, and changes later.

    At each of the `late` moments (epoch seconds, ascending) the first user's score grows by a
    hundredth, as if it had just arrived. The first user's score has the longest delay, because its
    page is the first that a poll reads.
    """

    users: int
    late: list[float]
    seconds: float = _START
    count: int = 0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        """Answer a request of the exporter or of the naive poller."""
        self.count += 1
        self.seconds += _REQUEST_SECONDS
        url = urlsplit(request.url or "")
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        answer = self.answer(str(url.path), query)
        response = requests.Response()
        response.status_code = 202 if answer is None else 200
        response.url = request.url or ""
        body = b"" if answer is None else json.dumps(answer).encode()
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return response

    def close(self) -> None:
        """Do nothing: there is no connection to close."""

    def answer(self, path: str, query: dict[str, str]) -> Any | None:
        """Return the JSON of an answer, or None for a 202."""
        if path == "/v3/subusers":
            start = int(query["offset"])
            listed = range(start, min(start + _LIST_PAGE, self.users))
            return [{"id": user, "username": f"user-{user}"} for user in listed]
        day = date.fromisoformat(query["date" if "date" in query else "to"])
        end = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + _DAY_SECONDS
        if self.seconds < end + _DELAY_SECONDS:
            return None
        if path == "/v3/engagementquality/scores":
            return {"result": [self._item(0, day)]}
        start = int(query.get("after_key", "-1")) + 1
        end_user = min(start + _SCORES_PAGE, self.users)
        cursor = str(end_user - 1) if end_user < self.users else None
        return {
            "result": [self._item(user, day) for user in range(start, end_user)],
            "_metadata": {"next_params": {"after_key": cursor}},
        }

    def _item(self, user: int, day: date) -> dict[str, Any]:
        item: dict[str, Any] = {"user_id": str(user), "date": day.isoformat()}
        if user % 7 == 6:  # not eligible
            return item
        score = 3 if user else 1 + bisect_right(self.late, self.seconds) / 100
        return item | {
            "username": f"user-{user}",
            "score": score,
            "metrics": dict.fromkeys(METRICS, 3),
        }


def measure_day(subusers: int) -> Figures:
    """Return the requests a day of both pollers, and the delays of the real poller's scores."""
    chance = random.Random(1)
    end = _START + (_WARM_UP_DAYS + _DAYS) * _DAY_SECONDS
    late = sorted(
        chance.uniform(_START + _WARM_UP_DAYS * _DAY_SECONDS, end - _DAY_SECONDS / 2)
        for _ in range(_LATE_SCORES)
    )
    users = max(subusers // _THINNER, 1)
    sendgrid = _SimulatedSendGrid(users, late)
    delays = _Delays(late)
    requests_a_day = _count(sendgrid, _make_poll(sendgrid, delays))
    naive = _SimulatedSendGrid(users, late)
    session = _session_with(naive)

    def poll_naively() -> float:
        _read_newest(session, naive, "subusers/scores", ("date",))
        _read_newest(session, naive, "scores", ("from", "to"))
        return PollSettings().interval_seconds

    return {
        "requests a day": requests_a_day,
        "naive requests a day": _count(naive, poll_naively),
        "new day published after": delays.longest_of_days,
        "late score published after": delays.longest_of_scores,
    }


def _count(sendgrid: _SimulatedSendGrid, poll: Callable[[], float]) -> float:
    """Poll through all days, and return the requests a day after the warm-up."""
    for days in (_WARM_UP_DAYS, _DAYS):
        counted_from = sendgrid.count
        end = sendgrid.seconds + days * _DAY_SECONDS
        while sendgrid.seconds < end:
            sendgrid.sleep(poll())
    return (sendgrid.count - counted_from) / _DAYS


class _Delays:
    """Measures for each new page how long its new day and scores have been available."""

    longest_of_days = 0.0
    longest_of_scores = 0.0

    def __init__(self, late: list[float]) -> None:
        self._waiting = list(late)
        self._day: float | None = None

    def look_at(self, page: str, now: float) -> None:
        """Record the delay of each day and score that `page`, published now, shows first."""
        day = _value(page, 'sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="subu')
        if self._day is not None and day != self._day:
            available = day + _DAY_SECONDS + _DELAY_SECONDS
            self.longest_of_days = max(self.longest_of_days, now - available)
        self._day = day
        score = _value(page, 'sendgrid_seq_score{account="acme",subuser="user-0"}')
        unseen = _LATE_SCORES - round((score - 1) * 100)
        while len(self._waiting) > unseen:
            self.longest_of_scores = max(self.longest_of_scores, now - self._waiting.pop(0))


def _make_poll(sendgrid: _SimulatedSendGrid, delays: _Delays) -> Callable[[], float]:
    """Return a function that polls once with the defaults and returns the pause after it."""
    account = Account("acme", ApiKey(Secret("SG.simulated")))
    store = Store()
    poller = Poller(
        account,
        PollSettings(),
        store.open(account.name),
        Telemetry().open(account.name),
        sessions=Sessions(lambda: _session_with(sendgrid)),
        clock=Clock(now=sendgrid.now, monotonic=sendgrid.now),
        sleep=sendgrid.sleep,
    )
    seen: object = None

    def poll() -> float:
        nonlocal seen
        pause = poller.poll()
        assert poller.health.failure is None, poller.health.failure
        page = store.exposition
        if page is not seen:
            seen = page
            text = gzip.decompress(b"".join(page.gzipped(DeflatedText.join([]), b""))).decode()
            delays.look_at(text, sendgrid.seconds)
        return pause

    return poll


def _read_newest(
    session: requests.Session, sendgrid: _SimulatedSendGrid, path: str, names: tuple[str, ...]
) -> None:
    """Go back from today to the newest available day, and read all its pages."""
    url = f"https://api.sendgrid.com/v3/engagementquality/{path}"
    day = datetime.fromtimestamp(sendgrid.now(), UTC).date()
    params = dict.fromkeys(names, day.isoformat())
    while True:
        response = session.get(url, params=params)
        if response.status_code == 202:
            day -= timedelta(days=1)
            params = dict.fromkeys(names, day.isoformat())
            continue
        answer = response.json()
        after_key = answer.get("_metadata", {}).get("next_params", {}).get("after_key")
        if after_key is None:
            return
        params["after_key"] = after_key


def _session_with(sendgrid: _SimulatedSendGrid) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # nothing here goes through a proxy
    session.mount("https://", sendgrid)
    return session


def _value(page: str, beginning: str) -> float:
    start = page.index(f"\n{beginning}")
    return float(page[start : page.index("\n", start + 1)].rpartition(" ")[2])
