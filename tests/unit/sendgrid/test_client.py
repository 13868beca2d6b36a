"""Pages, 202, retries and the rate limit, and what each status means."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from seq_exporter.config.model import PollSettings
from seq_exporter.config.secret import Secret
from seq_exporter.errors import (
    BadRequest,
    ConnectionFailed,
    Forbidden,
    MalformedResponse,
    NotFound,
    PollError,
    RateLimited,
    ServerFailed,
    TimedOut,
    Unauthorized,
    UnexpectedStatus,
)
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.observer import RateLimit, RequestObserver
from seq_exporter.sendgrid.transport import Endpoint, Transport
from tests.support import (
    BASE_URL,
    KEY,
    SCORES,
    SUBUSERS,
    SUBUSERS_SCORES,
    FakeTime,
    account,
    day,
    item,
)

FOREIGN = "a proxy or a firewall answers instead of SendGrid, see docs/proxies.md"
NO_PERMISSION = "the key lacks the permission: add it, or check on_behalf_of"


class Observer(RequestObserver):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.rate_limits: list[RateLimit] = []

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        self.requests.append((endpoint, code))

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        self.rate_limits.append(rate_limit)


@pytest.fixture
def observer() -> Observer:
    return Observer()


@pytest.fixture
def client(time: FakeTime, observer: Observer) -> SendGrid:
    return make_client(time, observer)


def make_client(time: FakeTime, observer: Observer, **changes: Any) -> SendGrid:
    transport = Transport(
        account(**changes), Secret(KEY), requests.Session(), 30.0, time.clock, observer
    )
    return SendGrid(transport, time.sleep, Anomalies(), PollSettings().most_users)


def page(*user_ids: str, after_key: object = None) -> dict[str, Any]:
    return {
        "result": [item(user_id, f"name-{user_id}", 4) for user_id in user_ids],
        "_metadata": {"next_params": {"after_key": after_key}},
    }


def asked(mock: responses.RequestsMock, parameter: str) -> list[str | None]:
    """Return the value of a query parameter in each request so far."""
    queries = [parse_qs(urlsplit(call.request.url or "").query) for call in mock.calls]
    return [query.get(parameter, [None])[0] for query in queries]


def test_a_request_as_the_vendor_describes_it(
    mock: responses.RequestsMock, time: FakeTime, observer: Observer
) -> None:
    mock.get(SUBUSERS_SCORES, json=page("1"))
    make_client(time, observer, on_behalf_of="account-id 7").fetch_subusers(day(5))
    (call,) = mock.calls
    assert call.request.url == f"{SUBUSERS_SCORES}?date=2026-11-05&limit=1000"
    assert call.request.headers["Authorization"] == f"Bearer {KEY}"
    assert call.request.headers["Accept"] == "application/json"
    assert call.request.headers["on-behalf-of"] == "account-id 7"
    assert call.request.headers["User-Agent"].startswith("seq-exporter/")


def test_pages_are_followed_by_their_cursor(mock: responses.RequestsMock, client: SendGrid) -> None:
    mock.get(SUBUSERS_SCORES, json=page("1", "2", after_key="2"))
    mock.get(SUBUSERS_SCORES, json=page("3", after_key=3))
    mock.get(SUBUSERS_SCORES, json=page("4", after_key=None))
    scores = client.fetch_subusers(day(5))
    assert [score.user_id for score in scores or ()] == ["1", "2", "3", "4"]
    assert asked(mock, "after_key") == [None, "2", "3"]


def test_a_cursor_is_sent_as_it_is(mock: responses.RequestsMock, client: SendGrid) -> None:
    cursors = ["a b&c=d", "é/+%41", "~?#"]
    for number, cursor in enumerate([*cursors, None]):
        mock.get(SUBUSERS_SCORES, json=page(str(number), after_key=cursor))
    assert client.fetch_subusers(day(5))
    assert asked(mock, "after_key") == [None, *cursors]
    keys = [call.request.headers["Authorization"] for call in mock.calls]
    assert keys == [f"Bearer {KEY}"] * 4


def test_a_request_without_parameters_has_no_question_mark(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    mock.get(SUBUSERS, json=[])
    client.transport.get(Endpoint("subusers", "/v3/subusers"), {})
    assert mock.calls[0].request.url == SUBUSERS


@pytest.mark.parametrize(
    "last",
    [
        {"result": [item("2")]},
        {"result": [item("2")], "_metadata": None},
        {"result": [item("2")], "_metadata": {}},
        {"result": [item("2")], "_metadata": {"next_params": None}},
        {"result": [item("2")], "_metadata": {"next_params": {"after_key": ""}}},
        {"result": [item("2")], "_metadata": ""},
        page("1", after_key="99"),  # brings nobody new
        page("2", after_key="1"),  # its own cursor once more
        page(after_key="2"),
    ],
)
def test_pages_end(mock: responses.RequestsMock, client: SendGrid, last: Any) -> None:
    mock.get(SUBUSERS_SCORES, json=page("1", after_key="1"))
    mock.get(SUBUSERS_SCORES, json=last)
    scores = client.fetch_subusers(day(5))
    assert len(mock.calls) == 2
    assert [score.user_id for score in scores or ()][:1] == ["1"]


@pytest.mark.parametrize(
    "metadata",
    [
        "x",
        ["x"],
        1,
        {"next_params": "after_key=2"},
        {"next_params": ["2"]},
        {"next_params": {"after_key": ["2"]}},
        {"next_params": {"after_key": True}},
        {"next_params": {"after_key": 2.5}},
        {"next_params": {"after_key": "9" * 300}},
        {"next_params": {"after_key": int("9" * 300)}},
        {"next_params": {"after_key": "\ud800"}},
    ],
)
def test_a_cursor_that_cannot_be_read_is_no_end(
    mock: responses.RequestsMock, client: SendGrid, metadata: Any
) -> None:
    mock.get(SUBUSERS_SCORES, json={"result": [item("1")], "_metadata": metadata})
    with pytest.raises(MalformedResponse):
        client.fetch_subusers(day(5))


def test_the_same_user_twice_is_one_score(mock: responses.RequestsMock, client: SendGrid) -> None:
    mock.get(SUBUSERS_SCORES, json={"result": [item("1", "a", 4), item("1", "a", 2)]})
    assert [score.overall for score in client.fetch_subusers(day(5)) or ()] == [4.0]


def test_a_day_whose_later_page_is_not_there_is_not_there(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    mock.get(SUBUSERS_SCORES, json=page("1", after_key="1"))
    mock.get(SUBUSERS_SCORES, status=202)
    assert client.fetch_subusers(day(5)) is None


def test_one_item_of_another_day_is_an_anomaly(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    items = [item("1", "a", 4, date="2026-11-01"), item("2", "b", 3, date="2026-11-05")]
    mock.get(SUBUSERS_SCORES, json={"result": items})
    assert [score.overall for score in client.fetch_subusers(day(5)) or ()] == [4.0, 3.0]
    assert client.anomalies.counts == {"date": 1}


def test_a_page_of_another_day_is_an_error(mock: responses.RequestsMock, client: SendGrid) -> None:
    items = [item("1", "a", 4, date="2026-11-01"), item("2", "b", 3, date="2026-11-01")]
    mock.get(SUBUSERS_SCORES, json={"result": items})
    with pytest.raises(MalformedResponse) as caught:
        client.fetch_subusers(day(5))
    assert str(caught.value) == (
        "/v3/engagementquality/subusers/scores answers with scores of 2026-11-01, "
        "not of 2026-11-05: does a cache or proxy ignore the query?"
    )


@pytest.mark.parametrize(
    ("dates", "is_right"),
    [
        ("5", True),
        ("4", False),
        ("4 5", True),
        ("44 5", False),
        ("4 -", False),
        ("4 --", True),  # one odd value
        ("44 --", False),
        ("123", False),
        ("4 55", True),
        ("4 ?", False),  # not a date
        ("4444 5 ----", False),
        ("4444 5 -----", True),
        ("", True),
    ],
)
def test_most_items_decide_whether_a_page_is_of_another_day(
    dates: str, is_right: bool, mock: responses.RequestsMock, client: SendGrid
) -> None:
    dated = [{"date": f"2026-11-0{char}"} if char != "-" else {} for char in dates if char != " "]
    items = [item(str(number), "a", 4, **date) for number, date in enumerate(dated)]
    mock.get(SUBUSERS_SCORES, json={"result": items})
    if is_right:
        assert len(client.fetch_subusers(day(5)) or ()) == len(items)
    else:
        with pytest.raises(MalformedResponse, match="not of 2026-11-05: does a cache"):
            client.fetch_subusers(day(5))
        assert client.anomalies.counts == {}


def test_a_later_page_of_another_day_is_an_error(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    first = page("1", after_key="1")
    first["result"][0]["date"] = "2026-11-05"
    mock.get(SUBUSERS_SCORES, json=first)
    mock.get(SUBUSERS_SCORES, json={"result": [item("2", "b", 3, date="2026-11-01")]})
    with pytest.raises(MalformedResponse, match="scores of 2026-11-01, not of 2026-11-05"):
        client.fetch_subusers(day(5))


@pytest.mark.parametrize("dates", ["34", "4", "4-", "-4", "666", "4?"])
def test_own_scores_of_other_days_are_an_error(
    dates: str, mock: responses.RequestsMock, client: SendGrid
) -> None:
    dated = [{"date": f"2026-11-0{char}"} if char != "-" else {} for char in dates]
    mock.get(SCORES, json={"result": [item("9", "acme", 2, **date) for date in dated]})
    with pytest.raises(MalformedResponse, match="not of 2026-11-05: does a cache"):
        client.fetch_own(day(5))


def test_own_scores_of_other_months_are_an_error(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    items = [item("9", "acme", 2, date=f"2026-09-0{number}") for number in (1, 2)]
    mock.get(SCORES, json={"result": items})
    with pytest.raises(MalformedResponse) as caught:
        client.fetch_own_days(day(1), day(5))
    assert str(caught.value) == (
        "/v3/engagementquality/scores answers with scores of 2026-09-01, not of 2026-11-01 to "
        "2026-11-05: does a cache or proxy ignore the query?"
    )


@pytest.mark.parametrize(
    ("result", "overall", "anomalies"),
    [
        ([item("9", "acme", 4, date="2026-11-05")], 4.0, {}),
        ([item("9", "acme", 4)], 4.0, {}),
        ([item("9", date="2026-11-05")], None, {}),
        ([], None, {}),
        (["?"], None, {"item": 1}),
        ([item("9", "acme", 2, date="2026-11-04"), item("9", "acme", 4, date="2026-11-05")], 4, {}),
        ([item("9", "acme", 2, date="tomorrow")], 2.0, {"date": 1}),
    ],
)
def test_the_own_score_of_a_day(
    mock: responses.RequestsMock,
    client: SendGrid,
    result: list[Any],
    overall: float | None,
    anomalies: dict[str, int],
) -> None:
    mock.get(SCORES, json={"result": result})
    score = client.fetch_own(day(5))
    assert score is not None
    assert score.overall == overall
    assert client.anomalies.counts == anomalies
    assert mock.calls[0].request.url == f"{SCORES}?from=2026-11-05&to=2026-11-05"


def test_an_own_score_that_is_not_calculated(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    mock.get(SCORES, status=202)
    assert client.fetch_own(day(5)) is None


def test_the_own_scores_of_many_days_are_one_request(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    items = [
        item("1", score=3.5, date="2026-11-04"),
        item("1", score=1.0, date="2026-11-04"),  # the first one holds
        item("1", date="2026-11-05"),  # not eligible
        item("1", score=4.0, date="2026-11-09"),  # not asked for
        item("1", score=4.0, date="one day"),
        item("1", score=4.0),
        "nonsense",
    ]
    mock.get(SCORES, json={"result": items})
    found = client.fetch_own_days(day(1), day(5))
    assert {when: score.overall for when, score in found.items()} == {day(4): 3.5, day(5): None}
    assert mock.calls[0].request.url == f"{SCORES}?from=2026-11-01&to=2026-11-05"


def test_own_scores_of_which_none_is_calculated(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    mock.get(SCORES, status=202)
    assert client.fetch_own_days(day(1), day(5)) == {}


def test_a_day_of_pages_without_an_end_is_given_up(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        number = len(mock.calls)
        return 200, {}, json.dumps(page(str(number), after_key=number + 1))

    mock.add_callback(responses.GET, SUBUSERS_SCORES, answer)
    assert client.most_users == 2_000_000  # as docs/reliability.md has it
    with pytest.raises(MalformedResponse, match="has no last page"):
        replace(client, most_users=5000).fetch_subusers(day(5))
    assert len(mock.calls) == 5


def test_usernames_are_read_to_the_first_page_with_none_new(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    mock.get(SUBUSERS, json=[{"id": 1, "username": "a"}, {"id": 2, "username": "b"}])
    mock.get(SUBUSERS, json=[{"id": 3, "username": "c"}, {"id": 4}, "?", {"username": "x" * 257}])
    mock.get(SUBUSERS, json=[])
    pages = [page.users for page in client.read_usernames()]
    assert pages == [{"1": "a", "2": "b"}, {"3": "c"}, {}]
    assert asked(mock, "offset") == ["0", "2", "6"]


def test_a_list_of_usernames_without_an_end_is_given_up(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        offset = parse_qs(urlsplit(request.url or "").query)["offset"][0]
        return 200, {}, json.dumps([{"id": int(offset), "username": "x"}])

    mock.add_callback(responses.GET, SUBUSERS, answer)
    with pytest.raises(MalformedResponse, match="has no last page"):
        list(replace(client, most_users=5000).read_usernames())
    assert len(mock.calls) == 10


def test_a_list_of_usernames_that_alternates_two_pages_ends(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        offset = int(parse_qs(urlsplit(request.url or "").query)["offset"][0])
        return 200, {}, json.dumps([{"id": offset % 2, "username": "x"}])

    mock.add_callback(responses.GET, SUBUSERS, answer)
    list(client.read_usernames())
    assert asked(mock, "offset") == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (
            400,
            {"errors": [{"field": "date", "message": '"date" invalid'}]},
            BadRequest,
            '400 ("date" invalid): SendGrid does not accept the request',
        ),
        (
            401,
            {"errors": [{"field": None, "message": "authorization required"}]},
            Unauthorized,
            "401 (authorization required): SendGrid refuses the key: "
            "is it active, complete and for this region?",
        ),
        (
            403,
            {"errors": [{"field": "null", "message": "access forbidden"}]},
            Forbidden,
            "403 (access forbidden): the key lacks the permission: add it, or check on_behalf_of",
        ),
        (
            403,
            {"errors": [{"message": "Too many bad requests. Temporary block"}]},
            RateLimited,
            "403 (Too many bad requests. Temporary block): blocked temporarily",
        ),
        (
            404,
            {"error": "not found"},
            NotFound,
            "404 (not found): no such user or address: check on_behalf_of and base_url",
        ),
        *(
            (status, body, UnexpectedStatus, f"{status}: {FOREIGN}")
            for status in (400, 401, 403)
            for body in (
                "<!doctype html><title>Blocked</title>",
                "Access denied",
                {"message": "Forbidden"},
                ["errors"],
                "errors",
                7,
                None,
            )
        ),
        (403, {"errors": []}, Forbidden, f"403: {NO_PERMISSION}"),
        (403, {"errors": None}, Forbidden, f"403: {NO_PERMISSION}"),
        (403, {"error": {}}, Forbidden, f"403: {NO_PERMISSION}"),
        (403, "", Forbidden, f"403: {NO_PERMISSION}"),
        (
            404,
            "<html>",
            NotFound,
            "404: no such user or address: check on_behalf_of and base_url",
        ),
        (
            407,
            {"error": "Basic c2VjcmV0 is wrong"},
            UnexpectedStatus,
            "407: a proxy asks for a user and a password: put them into HTTP_PROXY",
        ),
        (
            202,
            " <!doctype html><title>Prove that you are human</title>",
            MalformedResponse,
            f"/v3/engagementquality/subusers/scores answers 202 with a page: {FOREIGN}",
        ),
        (302, "", UnexpectedStatus, "302: redirects are not followed: correct base_url"),
        (204, "", UnexpectedStatus, "204: SendGrid does not document this status"),
        (418, "", UnexpectedStatus, "418: SendGrid does not document this status"),
        (
            200,
            "<html>",
            MalformedResponse,
            "/v3/engagementquality/subusers/scores answers 200 with 6 bytes that are not JSON: "
            "does base_url lead to SendGrid, or to a proxy?",
        ),
        (
            200,
            [],
            MalformedResponse,
            "/v3/engagementquality/subusers/scores answers JSON without a list called result: "
            "does base_url lead to SendGrid?",
        ),
        (
            200,
            {"result": {}},
            MalformedResponse,
            "/v3/engagementquality/subusers/scores answers JSON without a list called result: "
            "does base_url lead to SendGrid?",
        ),
    ],
)
def test_what_each_answer_means(
    mock: responses.RequestsMock,
    client: SendGrid,
    observer: Observer,
    status: int,
    body: Any,
    kind: type[PollError],
    message: str,
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    mock.get(SUBUSERS_SCORES, status=status, body=text)
    with pytest.raises(kind) as caught:
        client.fetch_subusers(day(5))
    assert str(caught.value) == message
    assert observer.requests == [("subusers_scores", str(status))]  # and is not tried again


def test_odd_statuses_make_few_codes(
    mock: responses.RequestsMock, client: SendGrid, observer: Observer
) -> None:
    for status in (*range(200, 202), *range(203, 1000)):
        mock.get(SUBUSERS_SCORES, status=status)
        with pytest.raises(PollError):
            replace(client, pause_after=lambda failures: None).fetch_subusers(day(5))
    codes = {code for _, code in observer.requests}
    assert len(codes) < 70
    assert {"200", "404", "418", "503", "2xx", "4xx", "5xx", "9xx"} <= codes


@pytest.mark.parametrize("length", [8, 56, 69])
def test_a_key_is_hidden_before_its_message_is_cut(
    mock: responses.RequestsMock, time: FakeTime, observer: Observer, length: int
) -> None:
    key = ("k3y" * 23)[:length]
    for start in range(190, 202):
        mock.get(SUBUSERS_SCORES, status=401, json={"error": "x" * start + key + "y" * 99})
        client = make_client(time, observer)
        client = replace(client, transport=replace(client.transport, key=Secret(key)))
        with pytest.raises(Unauthorized) as caught:
            client.fetch_subusers(day(5))
        assert "k3y" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "username", "shown"),
    [
        ("sekrit", "sekrit", "***"),
        ("sekrit", "Bearer sekrit", "Bearer ***"),
        ("sekrit", "sekrit-shop", "sekrit-shop"),
        (KEY, f"\\u0053{KEY[1:]}", "***"),
    ],
)
def test_a_key_in_a_username_is_hidden_however_it_is_spelled(
    mock: responses.RequestsMock,
    time: FakeTime,
    observer: Observer,
    key: str,
    username: str,
    shown: str,
) -> None:
    body = '{"result": [{"user_id": "1", "username": "NAME", "score": 4}]}'.replace(
        "NAME", username
    )
    mock.get(SUBUSERS_SCORES, body=body)
    client = make_client(time, observer)
    client = replace(client, transport=replace(client.transport, key=Secret(key)))
    assert [score.username for score in client.fetch_subusers(day(5)) or ()] == [shown]


@pytest.mark.parametrize(("key", "username"), [(KEY, "shop-***"), ("shop", "shop-shop")])
def test_a_key_in_a_page_is_hidden_unless_it_is_a_word(
    mock: responses.RequestsMock, time: FakeTime, observer: Observer, key: str, username: str
) -> None:
    mock.get(SUBUSERS_SCORES, json={"result": [item("1", f"shop-{key}", 4)]})
    client = make_client(time, observer)
    client = replace(client, transport=replace(client.transport, key=Secret(key)))
    assert [score.username for score in client.fetch_subusers(day(5)) or ()] == [username]


def test_a_key_in_an_answer_is_hidden(mock: responses.RequestsMock, client: SendGrid) -> None:
    mock.get(SUBUSERS_SCORES, status=401, json={"errors": [{"message": f"no: {KEY}"}]})
    with pytest.raises(Unauthorized, match=r"401 \(no: \*\*\*\)"):
        client.fetch_subusers(day(5))


@pytest.mark.parametrize(
    ("failure", "code", "kind"),
    [
        ({"status": 500}, "500", ServerFailed),
        ({"status": 503, "body": "<html>"}, "503", ServerFailed),
        ({"body": requests.ConnectionError()}, "error", ConnectionFailed),
        ({"body": requests.ReadTimeout()}, "error", TimedOut),
        ({"body": requests.ConnectTimeout()}, "error", TimedOut),
        ({"body": requests.exceptions.SSLError()}, "error", ConnectionFailed),
        ({"body": requests.exceptions.ChunkedEncodingError()}, "error", ConnectionFailed),
    ],
)
def test_what_may_pass_is_tried_three_times(
    mock: responses.RequestsMock,
    client: SendGrid,
    observer: Observer,
    time: FakeTime,
    failure: Any,
    code: str,
    kind: type[PollError],
) -> None:
    mock.get(SUBUSERS_SCORES, **failure)
    with pytest.raises(kind):
        client.fetch_subusers(day(5))
    assert observer.requests == [("subusers_scores", code)] * 3
    assert [round(seconds) for seconds in time.sleeps] == [1, 2]


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (
            requests.ConnectionError(ConnectionRefusedError(111, "Connection refused")),
            f"no connection to {BASE_URL}: Connection refused",
        ),
        (requests.ReadTimeout(), f"no complete answer from {BASE_URL} within 30 s"),
    ],
)
def test_a_failure_of_the_network_says_what_to_check(
    failure: Exception, cause: str, mock: responses.RequestsMock, client: SendGrid
) -> None:
    """The log, the status page and every command show this line."""
    mock.get(SUBUSERS_SCORES, body=failure)
    with pytest.raises(PollError) as caught:
        client.fetch_subusers(day(5))
    assert str(caught.value) == f"{cause}; check DNS, the firewall and HTTPS_PROXY"


def test_a_failure_that_passes_costs_nothing(
    mock: responses.RequestsMock, client: SendGrid, time: FakeTime
) -> None:
    mock.get(SUBUSERS_SCORES, status=502)
    mock.get(SUBUSERS_SCORES, json=page("1"))
    assert len(client.fetch_subusers(day(5)) or ()) == 1
    assert len(time.sleeps) == 1


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "Thu, 05 Nov 2026 12:00:20 GMT"}, 20),
        ({"X-RateLimit-Reset": "1793880010"}, 10),
        ({"X-RateLimit-Reset": "40"}, 40),
        ({"Retry-After": "60", "X-RateLimit-Reset": "5"}, 60),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "?"}, 1),
        ({}, 1),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "-5"}, 1),
    ],
)
def test_a_soon_end_of_the_rate_limit_is_waited_for(
    mock: responses.RequestsMock,
    client: SendGrid,
    time: FakeTime,
    headers: dict[str, str],
    slept: int,
) -> None:
    mock.get(SUBUSERS_SCORES, status=429, headers=headers)
    mock.get(SUBUSERS_SCORES, json=page("1"))
    assert len(client.fetch_subusers(day(5)) or ()) == 1
    assert [round(seconds) for seconds in time.sleeps] == [slept]


def test_a_late_end_of_the_rate_limit_gives_the_poll_up(
    mock: responses.RequestsMock, client: SendGrid, time: FakeTime, observer: Observer
) -> None:
    mock.get(SUBUSERS_SCORES, status=429, headers={"X-RateLimit-Reset": "600"})
    with pytest.raises(RateLimited) as caught:
        client.fetch_subusers(day(5))
    assert caught.value.wait_seconds == 600
    assert (time.sleeps, len(observer.requests)) == ([], 1)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    ("retry_after", "slept"),
    [
        ("30", 30),
        ("60", 60),
        ("Thu, 05 Nov 2026 12:00:20 GMT", 20),
        ("0", 1),
        ("-5", 1),
        ("soon", 1),
        ("1e400", 1),
    ],
)
def test_an_outage_is_waited_for_as_long_as_sendgrid_asks(
    status: int,
    retry_after: str,
    slept: int,
    mock: responses.RequestsMock,
    client: SendGrid,
    time: FakeTime,
) -> None:
    mock.get(SUBUSERS_SCORES, status=status, headers={"Retry-After": retry_after})
    mock.get(SUBUSERS_SCORES, json=page("1"))
    assert len(client.fetch_subusers(day(5)) or ()) == 1
    assert [round(seconds) for seconds in time.sleeps] == [slept]


def test_a_long_outage_gives_the_poll_up(
    mock: responses.RequestsMock, client: SendGrid, time: FakeTime, observer: Observer
) -> None:
    mock.get(SUBUSERS_SCORES, status=503, headers={"Retry-After": "600"})
    with pytest.raises(ServerFailed) as caught:
        client.fetch_subusers(day(5))
    assert caught.value.wait_seconds == 600
    assert (time.sleeps, len(observer.requests)) == ([], 1)


@pytest.mark.parametrize("digits", [257, 5000, 100_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_many_digits_costs_one_value(
    digits: int, sign: str, mock: responses.RequestsMock, client: SendGrid
) -> None:
    number = sign + "9" * digits
    odd = f'{{"user_id": "1", "username": "a", "score": {number}}}'
    nobody = f'{{"user_id": {number}, "score": 3}}'
    right = '{"user_id": "2", "username": "b", "score": 4}'
    mock.get(SUBUSERS_SCORES, body=f'{{"result": [{odd}, {nobody}, {right}]}}')
    found = {score.user_id: score.overall for score in client.fetch_subusers(day(5)) or ()}
    assert found == {"1": None, "2": 4.0}
    assert client.anomalies.counts == {"score": 1, "user_id": 1}


def test_an_integer_of_many_digits_in_the_list_of_subusers(
    mock: responses.RequestsMock, client: SendGrid
) -> None:
    many = "9" * 5000
    others = '{"id": true, "username": "c"}, {"id": null, "username": "d"}, {"id": 1.5}'
    mock.get(
        SUBUSERS,
        body=f'[{{"id": {many}, "username": "a"}}, {{"id": 2, "username": "b"}}, {others}]',
    )
    mock.get(SUBUSERS, json=[])
    assert [page.users for page in client.read_usernames()] == [{"2": "b"}, {}]


@pytest.mark.parametrize(
    ("headers", "rate_limit"),
    [
        ({}, RateLimit(None, None, None)),
        (
            {
                "X-RateLimit-Limit": "600",
                "X-RateLimit-Remaining": "599",
                "X-RateLimit-Reset": "1793880060",
            },
            RateLimit(600, 599, 1793880060),
        ),
        ({"X-RateLimit-Reset": "60"}, RateLimit(None, None, 1793880060)),
        ({"X-RateLimit-Limit": "nan", "X-RateLimit-Remaining": "x"}, RateLimit(None, None, None)),
    ],
)
def test_the_rate_limit_is_read_from_every_answer(
    mock: responses.RequestsMock,
    client: SendGrid,
    observer: Observer,
    headers: dict[str, str],
    rate_limit: RateLimit,
) -> None:
    mock.get(SUBUSERS_SCORES, json=page("1"), headers=headers)
    client.fetch_subusers(day(5))
    assert observer.rate_limits == [rate_limit]
