"""Two roads to a page: decoded as a whole, or parsed item by item. Both lead to the same scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.config.model import PollSettings
from seq_exporter.config.secret import Secret
from seq_exporter.errors import PollError
from seq_exporter.score import Score
from seq_exporter.scores import METRICS
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.documented import decode_scores, decode_usernames
from seq_exporter.sendgrid.observer import RequestObserver
from seq_exporter.sendgrid.pages import Decode
from seq_exporter.sendgrid.parsing import parse_item
from seq_exporter.sendgrid.transport import Endpoint, Transport
from tests.support import KEY, SUBUSERS, SUBUSERS_SCORES, FakeTime, account, day, examples

TODAY = day(5)
VALUES = dict(zip(METRICS, (4, 1, 2.5, 4, 5), strict=True))
ITEM = {"user_id": "180", "username": "shop", "date": "2026-11-05", "score": 3.4, "metrics": VALUES}
SUBUSER = {"id": 180, "username": "shop", "email": "a@example.com", "disabled": False}


class ItemByItem(Transport):
    """Never has a page decoded as a whole."""

    def get(
        self, endpoint: Endpoint, params: Mapping[str, str], decode: Decode | None = None
    ) -> Any | None:
        return super().get(endpoint, params)


class Read(NamedTuple):
    """What became of a page, or the error, and what was counted."""

    users: Sequence[Score] | Mapping[str, str]
    user_ids: list[str]
    has_unreadable: bool
    following: str | int | None
    error: str
    counts: Mapping[str, int]
    examples: Mapping[str, str]


def read(road: type[Transport], url: str, body: bytes) -> Read:
    """Return the first page of a list, or what is wrong with it."""
    time = FakeTime()
    transport = road(
        account(), Secret(KEY), requests.Session(), 30.0, time.clock, RequestObserver()
    )
    client = SendGrid(transport, time.sleep, Anomalies(), PollSettings().most_users)
    pages: Any = client.read_scores(TODAY) if url == SUBUSERS_SCORES else client.read_usernames()
    noted = client.anomalies
    with responses.RequestsMock() as mock:
        mock.get(url, body=body)
        try:
            page = next(iter(pages))
        except PollError as err:
            return Read([], [], False, None, repr(err), noted.counts, noted.examples)
    return Read(
        page.users,
        list(page.user_ids),
        page.has_unreadable,
        page.following,
        "",
        noted.counts,
        noted.examples,
    )


def check_roads(url: str, body: bytes) -> None:
    """Check that a body is the same by both roads, also in the types of its values."""
    quick, slow = (read(road, url, body) for road in (Transport, ItemByItem))
    assert quick == slow
    assert repr(quick) == repr(slow)


def scores_page(*items: str) -> bytes:
    return f'{{"result": [{", ".join(items)}]}}'.encode()


def item(**texts: str) -> str:
    """Return an item as text, with `texts` for some of its values."""
    made = {name: json.dumps(value) for name, value in ITEM.items()} | texts
    return "{" + ", ".join(f'"{name}": {text}' for name, text in made.items()) + "}"


@pytest.mark.parametrize(
    ("body", "scores", "cursor"),
    [
        ({"result": []}, [], None),
        ({"result": [ITEM]}, [Score("180", "shop", 3.4, (4.0, 1.0, 2.5, 4.0, 5.0))], None),
        ({"result": [{"user_id": "1", "date": "2026-11-05"}]}, [Score("1")], None),
        ({"result": [{"user_id": "1"}], "_metadata": {}}, [Score("1")], None),
        (
            {"result": [{"user_id": "1", "username": None, "score": None, "metrics": None}]},
            [Score("1")],
            None,
        ),
        (
            {"result": [{"user_id": "1", "score": 2, "metrics": {"spam_rate": 5}}]},
            [Score("1", None, 2.0, (None, None, None, None, 5.0))],
            None,
        ),
        (
            {"result": [{**ITEM, "new": {"key": [1e400]}}], "_metadata": {"next_params": None}},
            [Score("180", "shop", 3.4, (4.0, 1.0, 2.5, 4.0, 5.0))],
            None,
        ),
        (
            {"result": [{"user_id": "1", "username": "é \N{PILE OF POO} \\ \n"}]},
            [Score("1", "é \N{PILE OF POO} \\ \n")],
            None,
        ),
        ({"result": [], "_metadata": {"next_params": {"after_key": "7"}}}, [], "7"),
    ],
)
def test_scores_as_documented_are_decoded(
    body: Any, scores: list[Score], cursor: str | None
) -> None:
    decoded = decode_scores(TODAY, json.dumps(body).replace("Infinity", "1e400"))
    assert decoded
    assert repr(decoded.page.users) == repr(scores)
    assert decoded.page.following == cursor
    check_roads(SUBUSERS_SCORES, json.dumps(body).encode())


def test_equal_values_of_all_pages_are_one_object() -> None:
    body = {"result": [{"user_id": "1", "score": 4.2}, {"user_id": "2", "score": 4.2}]}
    pages = [decode_scores(TODAY, json.dumps(body)) for _ in range(2)]
    scores = [score for decoded in pages if decoded for score in decoded.page.users]
    scores.append(parse_item({"user_id": "3", "score": float("4.2")}, Anomalies()))
    assert [score.overall is scores[0].overall for score in scores] == [True] * 5


def test_names_as_documented_are_decoded() -> None:
    body = json.dumps([SUBUSER, {"id": 181, "username": "é"}])
    decoded = decode_usernames(500, body)
    assert decoded
    assert decoded.page.users == {"180": "shop", "181": "é"}
    assert decoded.page.following == 502
    check_roads(SUBUSERS, body.encode())


def test_no_text_of_a_decoded_page_is_as_long_as_a_key() -> None:
    for length, is_decoded in ((64, True), (65, False)):
        name = "x" * length
        for body in (
            {"result": [{"user_id": name}]},
            {"result": [{"user_id": "1", "username": name}]},
            {"result": [], "_metadata": {"next_params": {"after_key": name}}},
        ):
            assert bool(decode_scores(TODAY, json.dumps(body))) == is_decoded
        assert bool(decode_usernames(0, json.dumps([{"id": 1, "username": name}]))) == is_decoded
    assert len(KEY) > 64


ODD_VALUES = [
    *("NaN", "Infinity", "-Infinity", "true", "false", "null", '"4"', '""', "[]", "{}", "-0", "0"),
    *("0.99", "5.01", "6", "-1", "1e400", "1e-400", "4e0", "0.4E+1", "5.00000000000000000000001"),
    *("9" * 300, "9" * 5000, "9" * 5000 + "e-4999", "04", "4.", ".4", "+4", "4x", "nul", "", "é"),
    *(r'"\ud800"', r'"\udc00\ud83d"', r'"\ud83dA"', r'"\ud83d\ude00"', r'"\q"', r'"\u12"'),
    *('"2026-11-05"', '"20261105"', '"2026-11-04"', '"2026-W45-4"', '"never"', '"\x01"'),
    *(
        '"' + "x" * 64 + '"',
        '"' + "x" * 65 + '"',
        '"' + "x" * 256 + '"',
        '"' + "x" * 257 + '"',
        '"' + "\N{PILE OF POO}" * 256 + '"',
    ),
    *("[" * 100 + "]" * 100, "[" * 100_000, '{"open_rate": 4, "open_rate": 9}', f'"{KEY}"', "12.0"),
    *('{"open_rate": 9, "open_rate": 4}', '{"open_rate": "4"}', r'"a\u0000b"', r'"a\"b\\c\nd"'),
    *('"180"', "180", "18446744073709551616", "9223372036854775808", "-5", '"a%53b"', '"a&#83;b"'),
]
NAMES = ("user_id", "username", "date", "score", "metrics", "new", '"', "", "user_\\u0069d")


@pytest.mark.parametrize("value", ODD_VALUES)
def test_an_odd_value_is_the_same_by_both_roads(value: str) -> None:
    for name in NAMES:
        check_roads(SUBUSERS_SCORES, scores_page(item(), item(**{name: value}), item()))
    metrics = f'{{"bounce_rate": 4, "open_rate": {value}}}'
    check_roads(SUBUSERS_SCORES, scores_page(item(metrics=metrics), value))
    for text in (f'{{"id": {value}, "username": "a"}}', f'{{"id": 1, "username": {value}}}', value):
        check_roads(SUBUSERS, f"[{text}]".encode())


@pytest.mark.parametrize(
    "metadata",
    [
        *("1", "[]", '""', '{"next_params": 1}', '{"next_params": {"after_key": 7}}'),
        *('{"next_params": {"after_key": ""}}', '{"next_params": {"after_key": [1]}}'),
        *('{"next_params": []}', '{"next_params": {"after_key": "\\ud800"}}'),
        f'{{"next_params": {{"after_key": "{KEY}"}}}}',
    ],
)
def test_an_odd_cursor_is_the_same_by_both_roads(metadata: str) -> None:
    check_roads(SUBUSERS_SCORES, f'{{"result": [{item()}], "_metadata": {metadata}}}'.encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.decode().encode("utf-16"),
        lambda body: body.replace(b"shop", b"\xff"),
        lambda body: body.replace(b'"shop"', b'"shop", "new": "\xff"'),
        lambda body: body.replace(b"shop", b"sh\x00p"),
        lambda body: body.replace(b"shop", b"\xed\xa0\x80"),
        lambda body: body + b"x",
        lambda body: body + b"\x0c",
        lambda body: b" \t\r\n" + body + b" \t\r\n",
        lambda body: body[:-1],
        lambda body: body.replace(b"}", b",}"),
        lambda body: body.replace(b'"', b"'"),
        lambda body: b"",
        lambda body: b"null",
        lambda body: b"<html>",
        lambda body: b"[" + body + b"]",
        lambda body: body.replace(b"result", b"results"),
        lambda body: body.replace(b'"180"', b'"181"'),
    ],
)
def test_a_body_that_is_odd_as_a_whole_is_the_same_by_both_roads(change: Any) -> None:
    check_roads(SUBUSERS_SCORES, change(scores_page(item(), item(user_id='"1"'))))
    check_roads(SUBUSERS, change(json.dumps([SUBUSER, SUBUSER]).encode()))


# JSON as text: members in any order and twice, numbers and texts in any spelling.
TEXTS = st.sampled_from(ODD_VALUES) | st.one_of(
    st.floats(1, 5).map(repr), st.integers(0, 6).map(str), st.text().map(json.dumps)
)


def objects(names: Sequence[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.tuples(st.sampled_from(names).map(json.dumps), values).map(": ".join)
    return st.lists(members, max_size=8).map(lambda texts: "{" + ", ".join(texts) + "}")


ITEMS = objects([*ITEM, "new"], TEXTS | objects(METRICS, TEXTS)) | st.builds(
    item, score=TEXTS, username=TEXTS
)


@given(st.lists(ITEMS | TEXTS, max_size=4))
@examples(2)
def test_any_page_of_scores_is_the_same_by_both_roads(items: list[str]) -> None:
    check_roads(SUBUSERS_SCORES, scores_page(*items))


@given(st.lists(objects(["id", "username", "email"], TEXTS) | TEXTS, max_size=4))
def test_any_page_of_names_is_the_same_by_both_roads(items: list[str]) -> None:
    check_roads(SUBUSERS, f"[{', '.join(items)}]".encode())


@given(st.binary() | st.text().map(str.encode))
def test_any_body_is_the_same_by_both_roads(body: bytes) -> None:
    for url in (SUBUSERS_SCORES, SUBUSERS):
        check_roads(url, body)


@given(st.data())
def test_a_page_with_any_bytes_changed_is_the_same_by_both_roads(data: st.DataObject) -> None:
    body = bytearray(scores_page(item(), item(username='"sh\\u00f6p \\\\"')))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check_roads(SUBUSERS_SCORES, bytes(body))
