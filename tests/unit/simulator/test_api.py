"""The simulated SendGrid over HTTP: it answers as SendGrid's API descriptions specify."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from seq_exporter.scores import METRICS
from seq_exporter.simulator.api import build_app
from seq_exporter.simulator.fleet import Fleet

TODAY = date(2026, 11, 5)
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC).timestamp()

SUBUSERS_SCORES = "/v3/engagementquality/subusers/scores"
SCORES = "/v3/engagementquality/scores"
SUBUSERS = "/v3/subusers"
SCOPES = "/v3/scopes"
ENDPOINTS = [SUBUSERS_SCORES, SCORES, SUBUSERS, SCOPES]

TINY = Fleet(seed=7, accounts=1, subusers=19, anchor=TODAY)
DEFAULT = Fleet(anchor=TODAY)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


@dataclass
class Client:
    """Calls the app as a server would, with the first account's key, at noon of TODAY."""

    fleet: Fleet = TINY
    now: float = NOON
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._app = build_app(self.fleet, clock=lambda: self.now, **self.options)
        self._headers = {
            "accept": "application/json",
            "authorization": f"Bearer {self.fleet.accounts[0].api_key}",
        }

    def get(
        self, path: str, headers: Mapping[str, str | None] | None = None, /, **query: Any
    ) -> Answer:
        """Send a GET, without the headers that are None; the argument `from_` is sent as `from`."""
        return self.request("GET", path, headers, **query)

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str | None] | None = None,
        /,
        **query: Any,
    ) -> Answer:
        sent: list[MutableMapping[str, Any]] = []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": urlencode({k.rstrip("_"): v for k, v in query.items()}).encode(),
            "headers": [
                (name.encode(), value.encode())
                for name, value in (self._headers | dict(headers or {})).items()
                if value is not None
            ],
        }

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        start, *rest = sent
        return Answer(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message["body"] for message in rest),
        )


def error(message: str, field: str | None = None) -> Any:
    return {"errors": [{"field": field, "message": message}]}


# Subusers' scores


def test_a_page_of_subusers_scores() -> None:
    answer = Client().get(SUBUSERS_SCORES, date="2026-11-03", limit=2, after_key=1344071)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.decode() == (
        '{"result":['
        '{"date":"2026-11-03","user_id":"1344108"},'
        '{"score":4.1,"username":"receipts-pl","date":"2026-11-03","user_id":"1344145","metrics":'
        '{"engagement_recency":3.2,"open_rate":4.7,"bounce_classification":5,"bounce_rate":4.8,'
        '"spam_rate":4.6}}'
        '],"_metadata":{"next_params":{"after_key":"1344145"}}}'
    )


def test_the_last_page_has_no_cursor() -> None:
    answer = Client().get(SUBUSERS_SCORES, date="2026-11-03", limit=2, after_key=1344200)
    assert answer.json == {
        "result": [
            {"date": "2026-11-03", "user_id": "1344226"},
            {
                "score": 4,
                "username": "reviews-ch",
                "date": "2026-11-03",
                "user_id": "1344273",
                "metrics": {
                    "engagement_recency": 3.9,
                    "open_rate": 3.3,
                    "bounce_classification": 4.9,
                    "bounce_rate": 4.2,
                    "spam_rate": 4.9,
                },
            },
        ],
        "_metadata": {"next_params": {"after_key": None}},
    }


@pytest.mark.parametrize("days", [1, 2, 45, 90])
def test_every_item_matches_the_api_description(days: int) -> None:
    result = Client(DEFAULT).get(SUBUSERS_SCORES, date=ago(days)).json["result"]
    kinds = set()
    for item in result:
        assert isinstance(item["user_id"], str)
        assert item["date"] == ago(days).isoformat()
        kinds.add(frozenset(item))
        if "score" in item:
            assert isinstance(item["username"], str)
            assert list(item["metrics"]) == list(METRICS)
            for value in (item["score"], *item["metrics"].values()):
                assert isinstance(value, int) or not value.is_integer()
                assert 1 <= value <= 5
    assert kinds == {
        frozenset(("user_id", "date")),
        frozenset(("user_id", "date", "username", "score", "metrics")),
    }
    assert [int(item["user_id"]) for item in result] == sorted(
        int(item["user_id"]) for item in result
    )


@pytest.mark.parametrize("limit", [1, 4, 19, 1000])
def test_all_pages_together_equal_one_large_page(limit: int) -> None:
    client = Client()
    whole = client.get(SUBUSERS_SCORES, date=ago(2)).json
    assert whole["_metadata"]["next_params"]["after_key"] is None
    found = []
    query = {"date": ago(2).isoformat(), "limit": str(limit)}
    while True:
        page = client.get(SUBUSERS_SCORES, **query).json
        found += page["result"]
        cursor = page["_metadata"]["next_params"]["after_key"]
        if cursor is None:
            break
        assert len(page["result"]) == limit
        assert cursor == page["result"][-1]["user_id"]
        query["after_key"] = cursor
    assert found == whole["result"]


def test_a_page_has_1000_scores_unless_limit_is_lower() -> None:
    client = Client(Fleet(accounts=1, subusers=1_100, anchor=TODAY))
    assert len(client.get(SUBUSERS_SCORES, date=ago(2)).json["result"]) == 1000
    assert len(client.get(SUBUSERS_SCORES, date=ago(2), limit=999).json["result"]) == 999


def test_a_cursor_can_be_any_integer() -> None:
    client = Client()
    whole = client.get(SUBUSERS_SCORES, date=ago(2)).json
    for after_key in ("-5", "+0", "0"):
        assert client.get(SUBUSERS_SCORES, date=ago(2), after_key=after_key).json == whole
    beyond = client.get(SUBUSERS_SCORES, date=ago(2), after_key="999999999999").json
    assert beyond == {"result": [], "_metadata": {"next_params": {"after_key": None}}}


PARSE = "failed to parse request: "


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({"limit": "ten"}, "limit", '"limit" invalid'),
        ({"limit": ""}, "limit", '"limit" invalid'),
        ({"limit": "1.5"}, "limit", '"limit" invalid'),
        ({"limit": "1_0"}, "limit", '"limit" invalid'),
        ({"limit": "1001"}, "limit", '"limit" invalid'),
        ({"limit": "9" * 5000}, "limit", '"limit" invalid'),
        ({}, "date", '"date" must be provided'),
        ({"date": ""}, "date", '"date" must be provided'),
        ({"limit": "0"}, "date", '"date" must be provided'),
        ({"date": "yesterday"}, "date", '"date" invalid'),
        ({"date": "2026-02-30"}, "date", '"date" invalid'),
        ({"date": "20261103"}, "date", '"date" invalid'),
        ({"date": "2026-W45-2"}, "date", '"date" invalid'),
        ({"date": "2026-11-03T00:00:00Z"}, "date", '"date" invalid'),
        ({"date": "2026-11-03", "after_key": "x"}, "after_key", '"after_key" invalid'),
        ({"date": "2026-11-03", "after_key": ""}, "after_key", '"after_key" invalid'),
        ({"date": "2026-11-03", "limit": "0"}, "limit", '"limit" must be a positive integer'),
        ({"date": "2026-11-03", "limit": "-1"}, "limit", '"limit" must be a positive integer'),
        ({"date": "2027-11-03", "limit": "0"}, "limit", '"limit" must be a positive integer'),
        ({"date": "2026-08-06"}, "date", '"date" cannot be more than 90 days in the past'),
        ({"date": "0001-01-01"}, "date", '"date" cannot be more than 90 days in the past'),
        ({"date": "2026-11-06"}, "date", '"date" cannot be in the future'),
        ({"date": "9999-12-31"}, "date", '"date" cannot be in the future'),
    ],
)
def test_subusers_scores_refuse_wrong_parameters(
    query: dict[str, str], field: str, message: str
) -> None:
    answer = Client().get(SUBUSERS_SCORES, **query)
    assert answer.status == 400
    assert answer.json == error(PARSE + message, field)


def test_a_day_90_days_ago_is_answered() -> None:
    assert Client().get(SUBUSERS_SCORES, date="2026-08-07").status == 200


# Own scores


def test_own_scores_are_sorted_oldest_first() -> None:
    answer = Client().get(SCORES, from_="2026-11-02", to="2026-11-03")
    assert answer.status == 200
    assert answer.json == {
        "result": [
            {
                "score": 4,
                "username": "kettlewick",
                "date": "2026-11-02",
                "user_id": "1343505",
                "metrics": {
                    "engagement_recency": 3.5,
                    "open_rate": 4.1,
                    "bounce_classification": 4.3,
                    "bounce_rate": 4.6,
                    "spam_rate": 4.5,
                },
            },
            {
                "score": 4,
                "username": "kettlewick",
                "date": "2026-11-03",
                "user_id": "1343505",
                "metrics": {
                    "engagement_recency": 3.5,
                    "open_rate": 4,
                    "bounce_classification": 4.5,
                    "bounce_rate": 4.6,
                    "spam_rate": 4.5,
                },
            },
        ]
    }


def test_own_scores_lack_a_score_on_days_without_eligibility() -> None:
    fleet = Fleet(accounts=2, subusers=0, anchor=TODAY)
    key = {"authorization": f"Bearer {fleet.accounts[1].api_key}"}
    result = Client(fleet).get(SCORES, key, from_=ago(77), to=ago(75)).json["result"]
    user_id = str(fleet.accounts[1].owner.user_id)
    assert [sorted(item) for item in result] == [
        ["date", "metrics", "score", "user_id", "username"],
        ["date", "user_id"],
        ["date", "user_id"],
    ]
    assert result[1] == {"date": ago(76).isoformat(), "user_id": user_id}


def test_one_answer_has_own_scores_of_all_90_days() -> None:
    result = Client().get(SCORES, from_=ago(90), to=ago(0)).json["result"]
    assert [item["date"] for item in result] == [ago(days).isoformat() for days in range(90, 0, -1)]


@pytest.mark.parametrize(
    ("first", "last", "field", "message"),
    [
        (None, None, "from", '"from" must be provided'),
        ("", "2026-11-03", "from", '"from" must be provided'),
        ("2026-11-03", None, "to", '"to" must be provided'),
        ("x", None, "to", '"to" must be provided'),
        ("x", "y", "from", '"from" invalid'),
        ("2026-11-03", "y", "to", '"to" invalid'),
        ("2026-11-03", "20261103", "to", '"to" invalid'),
        ("2026-08-06", "2026-11-03", "from", '"from" cannot be more than 90 days in the past'),
        ("2026-08-07", "2026-08-06", "to", '"to" cannot be more than 90 days in the past'),
        ("2026-11-03", "2026-11-02", "to", '"from" cannot come after "to"'),
        ("2026-11-07", "2026-11-06", "to", '"from" cannot come after "to"'),
        ("2026-11-03", "2026-11-06", "to", '"to" cannot be in the future'),
        ("2026-11-06", "2026-11-06", "to", '"to" cannot be in the future'),
    ],
)
def test_own_scores_refuse_wrong_parameters(
    first: str | None, last: str | None, field: str, message: str
) -> None:
    query = {key: value for key, value in (("from", first), ("to", last)) if value is not None}
    answer = Client().get(SCORES, **query)
    assert answer.status == 400
    assert answer.json == error(PARSE + message, field)


# Days not yet calculated


@pytest.mark.parametrize(
    ("delay_hours", "day", "last_second_without"),
    [
        (12, date(2026, 11, 4), datetime(2026, 11, 5, 11, 59, 59, tzinfo=UTC)),
        (0, date(2026, 11, 4), datetime(2026, 11, 4, 23, 59, 59, tzinfo=UTC)),
        (30, date(2026, 11, 3), datetime(2026, 11, 5, 5, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_day_answers_202_until_the_delay_after_its_end_is_over(
    delay_hours: int, day: date, last_second_without: datetime
) -> None:
    options = {"delay_seconds": delay_hours * 3600}
    client = Client(now=last_second_without.timestamp(), options=options)
    paths = ((SUBUSERS_SCORES, {"date": day}), (SCORES, {"from": day, "to": day}))
    for path, query in paths:
        answer = client.get(path, **query)
        assert (answer.status, answer.body) == (202, b"")
        assert answer.headers["content-length"] == "0"
    client.now += 1
    for path, query in paths:
        assert client.get(path, **query).status == 200


def test_today_is_never_calculated() -> None:
    client = Client(options={"delay_seconds": 0})
    assert client.get(SUBUSERS_SCORES, date=TODAY).status == 202


def test_a_range_returns_only_calculated_days() -> None:
    client = Client(now=NOON - 1)
    result = client.get(SCORES, from_=ago(3), to=ago(0)).json["result"]
    assert [item["date"] for item in result] == ["2026-11-02", "2026-11-03"]
    assert client.get(SCORES, from_=ago(1), to=ago(0)).status == 202


# The list of subusers


def test_the_list_includes_subusers_without_a_score() -> None:
    listed = Client().get(SUBUSERS).json
    assert listed[0] == {
        "id": 1343578,
        "username": "shop-de",
        "email": "shop-de@kettlewick.example",
        "disabled": False,
    }
    scores = Client().get(SUBUSERS_SCORES, date=ago(1)).json["result"]
    assert [str(item["id"]) for item in listed] == [item["user_id"] for item in scores]
    names = {str(item["id"]): item["username"] for item in listed}
    assert all(
        "username" not in item or item["username"] == names[item["user_id"]] for item in scores
    )
    assert any("username" not in item for item in scores)


def test_a_page_of_the_list_has_at_most_500_subusers() -> None:
    client = Client(Fleet(accounts=1, subusers=1_200, anchor=TODAY))
    found: list[int] = []
    sizes = []
    while page := client.get(SUBUSERS, limit=1000, offset=len(found)).json:
        found += [item["id"] for item in page]
        sizes.append(len(page))
    assert sizes[:2] == [500, 500]
    assert len(set(found)) == len(found) == sum(sizes)
    assert found == sorted(found)
    assert len(client.get(SUBUSERS).json) == 500


def test_the_list_can_be_filtered_by_username() -> None:
    client = Client()
    assert [item["id"] for item in client.get(SUBUSERS, username="shop-uk").json] == [1343965]
    assert client.get(SUBUSERS, username="shop").json == []
    assert client.get(SUBUSERS, username="shop-uk", offset=1).json == []


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({"limit": "x"}, "limit", '"limit" invalid'),
        ({"limit": "0"}, "limit", '"limit" must be a positive integer'),
        ({"offset": "x"}, "offset", '"offset" invalid'),
        ({"offset": "-1"}, "offset", '"offset" invalid'),
    ],
)
def test_the_list_of_subusers_refuses_wrong_parameters(
    query: dict[str, str], field: str, message: str
) -> None:
    answer = Client().get(SUBUSERS, **query)
    assert answer.status == 400
    assert answer.json == error(PARSE + message, field)


def test_scopes_are_unique_and_include_subusers_read() -> None:
    scopes = Client().get(SCOPES).json["scopes"]
    assert "subusers.read" in scopes
    assert len(set(scopes)) == len(scopes)


# Authentication and on-behalf-of

UNKNOWN_KEY = "The provided authorization grant is invalid, expired, or revoked"


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "authorization required"),
        ("", "authorization required"),
        ("Bearer", "authorization required"),
        ("Basic dXNlcjpwYXNz", "authorization required"),
        (TINY.accounts[0].api_key, "authorization required"),
        ("Bearer SG.wrong", UNKNOWN_KEY),
        ("Bearer \u00e4", UNKNOWN_KEY),
        (f"Bearer {TINY.accounts[0].api_key[:-1]}", UNKNOWN_KEY),
    ],
)
def test_a_missing_or_wrong_key_answers_401(
    path: str, authorization: str | None, message: str
) -> None:
    answer = Client().get(path, {"authorization": authorization})
    assert answer.status == 401
    assert answer.json == error(message)
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_each_key_belongs_to_one_account(position: int) -> None:
    account = DEFAULT.accounts[position]
    key = {"authorization": f"bearer {account.api_key}"}
    (own,) = Client(DEFAULT).get(SCORES, key, from_=ago(2), to=ago(2)).json["result"]
    assert (own["username"], own["user_id"]) == (account.name, str(account.owner.user_id))


@pytest.mark.parametrize("who", ["receipts-pl", "account-id 1344145"])
def test_on_behalf_of_a_subuser_answers_for_that_subuser(who: str) -> None:
    client, header = Client(), {"on-behalf-of": who}
    (own,) = client.get(SCORES, header, from_=ago(2), to=ago(2)).json["result"]
    assert (own["username"], own["user_id"], own["score"]) == ("receipts-pl", "1344145", 4.1)
    assert client.get(SUBUSERS_SCORES, header, date=ago(2)).json == {
        "result": [],
        "_metadata": {"next_params": {"after_key": None}},
    }
    assert client.get(SUBUSERS, header).json == []


def test_a_created_subuser_has_no_days_before_its_creation() -> None:
    header = {"on-behalf-of": "newsletter-fr"}
    result = Client().get(SCORES, header, from_=ago(90), to=ago(1)).json["result"]
    assert 10 <= len(result) < 80
    assert result[-1]["date"] == ago(1).isoformat()
    assert [len(item) for item in result[:8]] == [2] * 7 + [5]


@pytest.mark.parametrize(
    "who",
    ["nobody", "kettlewick", "account-id 1", "account-id", "account-id x", "account-id \u00b2"],
)
def test_on_behalf_of_an_unknown_subuser_answers_404(who: str) -> None:
    answer = Client().get(SCOPES, {"on-behalf-of": who})
    assert answer.status == 404
    assert answer.json == error("no such subuser or customer account", "on-behalf-of")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_missing_accept_header_answers_406(path: str) -> None:
    answer = Client().get(path, {"accept": None})
    assert answer.status == 406
    assert answer.json == error("the Accept header is missing")


@pytest.mark.parametrize("path", ["/", "/v3", "/v3/scopes/", "/v3/subusers/shop-de", "/metrics"])
def test_any_other_path_answers_404(path: str) -> None:
    answer = Client().get(path)
    assert answer.status == 404
    assert answer.json == error("not found")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_any_other_method_answers_405(method: str, path: str) -> None:
    answer = Client().request(method, path)
    assert answer.status == 405
    assert answer.json == error("method not allowed")
    assert "GET" in answer.headers["allow"]


# Rate limit


def rate_limit(answer: Answer) -> tuple[str, str, str]:
    limit, remaining, reset = (
        answer.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset")
    )
    return limit, remaining, reset


def test_requests_over_the_rate_limit_answer_429_until_the_next_minute() -> None:
    client = Client(now=NOON + 15.5, options={"rate_limit_per_minute": 2})
    reset = str(int(NOON + 60))
    first, second, third = (client.get(SCOPES) for _ in range(3))
    assert [first.status, second.status, third.status] == [200, 200, 429]
    assert rate_limit(first) == ("2", "1", reset)
    assert rate_limit(second) == ("2", "0", reset)
    assert rate_limit(third) == ("2", "0", reset)
    assert third.json == error("too many requests")
    client.now = NOON + 59.9
    assert client.get(SCOPES).status == 429
    client.now = NOON + 60
    again = client.get(SCOPES)
    assert again.status == 200
    assert rate_limit(again) == ("2", "1", str(int(NOON + 120)))


def test_the_rate_limit_applies_to_each_key_and_endpoint() -> None:
    client = Client(DEFAULT, options={"rate_limit_per_minute": 1})
    other_key = {"authorization": f"Bearer {DEFAULT.accounts[1].api_key}"}
    statuses = [
        client.get(SCOPES).status,
        client.get(SUBUSERS).status,
        client.get(SCOPES, other_key).status,
        client.get(SCOPES, {"on-behalf-of": "shop-de"}).status,
    ]
    assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("path", "headers", "query", "status"),
    [
        (SUBUSERS_SCORES, {}, {"date": ago(2)}, 200),
        (SUBUSERS_SCORES, {}, {"date": TODAY}, 202),
        (SUBUSERS_SCORES, {}, {}, 400),
        (SCORES, {"on-behalf-of": "nobody"}, {}, 404),
        (SUBUSERS, {"accept": None}, {}, 406),
    ],
)
def test_every_answer_to_a_known_key_has_rate_limit_headers(
    path: str, headers: dict[str, str | None], query: dict[str, Any], status: int
) -> None:
    answer = Client().get(path, headers, **query)
    assert answer.status == status
    assert rate_limit(answer) == ("600", "599", str(int(NOON + 60)))


def test_a_rate_limit_of_0_turns_it_off() -> None:
    client = Client(options={"rate_limit_per_minute": 0})
    answers = [client.get(SCOPES) for _ in range(5)]
    assert {answer.status for answer in answers} == {200}
    assert not [name for name in answers[0].headers if name.startswith("x-ratelimit")]
