"""The API: whole answers, their description, and errors."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from seq_exporter import __version__
from seq_exporter.score import Score
from seq_exporter.scores import BANDS, METRICS, SubuserScores
from tests.support import day
from tests.unit.web.test_routes import ACME, POLLED, FakeExporter, client

FLEET = SubuserScores(
    day(4),
    {
        "shop-de": Score("1", "shop-de", 2.8, (1.0, 3.6, 4.2, None, 4.5)),
        "<script>": Score("2", "<script>"),
    },
    missing=("x",),
).compare({"1": 4.1})
EXPORTER = FakeExporter([(replace(ACME, subusers=FLEET), replace(POLLED, failure="500: no"))])
NONE = dict.fromkeys(("overall", *METRICS))


def test_scores() -> None:
    answer = client(EXPORTER).get("/api/v1/scores?limit=2")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "total": 2,
        "limit": 2,
        "offset": 0,
        "scores": [
            {
                "account": "acme",
                "subuser": "shop-de",
                "user_id": "1",
                "date": "2026-11-04",
                "overall": 2.8,
                **dict(zip(METRICS, (1.0, 3.6, 4.2, None, 4.5), strict=True)),
                "change7": -1.3,
            },
            {
                "account": "acme",
                "subuser": "<script>",
                "user_id": "2",
                "date": "2026-11-04",
                **NONE,
                "change7": None,
            },
        ],
    }


def test_status() -> None:
    answer = client(EXPORTER).get("/api/v1/status")
    assert answer.headers["Cache-Control"] == "no-store"
    status = answer.json()
    assert status["version"] == __version__
    (account,) = status["accounts"]
    distribution = account["subusers"].pop("distribution")
    assert distribution["overall"] == {"1": 0, "2": 1, "3": 0, "4": 0, "5": 0}
    assert account.pop("own")["overall"] == 4.5
    assert account == {
        "account": "acme",
        "up": False,
        "error": "500: no",
        "restored": False,
        "last_poll": "2026-11-05T12:00:00Z",
        "last_successful_poll": "2026-11-05T12:00:00Z",
        "next_poll": "2026-11-05T12:15:00Z",
        "subusers": {"date": "2026-11-04", "scored": 1, "ineligible": 1, "missing": 1},
    }


@pytest.mark.parametrize(
    ("path", "errors"),
    [
        ("/api/v1/scores?limit=x&sort=y", 2),
        ("/api/v1/scores?_=1&limit=x", 1),
    ],
)
def test_wrong_parameters_are_refused(path: str, errors: int) -> None:
    answer = client(EXPORTER).get(path)
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == errors


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/api/v1/scores", "/api/v1/status", "/api/v1/openapi.json"]
)
def test_an_unknown_parameter_changes_nothing(path: str) -> None:
    plain, more = (client(EXPORTER).get(path + query) for query in ("", "?_=1&x&page=2&%ff=%00"))
    assert (more.status_code, more.text) == (200, plain.text)


def test_the_status_page_reports_a_mistake_and_shows_the_subusers() -> None:
    answer = client(EXPORTER).get("/?limit=x")
    assert answer.status_code == 400
    assert (
        '<p class="warning" id="limit-mistake" role="alert">'
        "limit must be a whole number from 1 to 1000</p>" in answer.text
    )
    assert ">shop-de</a></th>" in answer.text


def test_the_status_page_escapes_subusers() -> None:
    page = client(EXPORTER).get("/?subuser=%3Cscript%3E").text
    assert "<script" not in page
    assert ">&lt;script&gt;</a></th>" in page
    assert 'name="subuser" value="&lt;script&gt;"' in page


def test_links_keep_the_query() -> None:
    page = client(EXPORTER).get("/?limit=1&offset=0&subuser=s").text
    assert 'rel="next" href="?subuser=s&amp;limit=1&amp;offset=1#subusers"' in page
    link = "?subuser=s&amp;order=descending&amp;limit=1#subusers"
    assert f'aria-sort="ascending"><a href="{link}">Overall</a> ↑' in page
    assert '<input type="hidden" name="limit" value="1">' in page
    assert 'rel="prev"' not in page


def test_links_and_the_form_are_relative() -> None:
    """So the page also works behind a proxy that serves it below a path."""
    page = client(EXPORTER).get("/?limit=1&offset=1").text
    targets = re.findall(r'(?:href|action|src)="([^"]*)"', page)
    assert [target for target in targets if not target.startswith("?")] == [
        *[target for target in targets if target.startswith("https://")],
        "metrics",
        "api/v1/status",
        "api/v1/openapi.json",
        "./#subusers",
        "subuser?account=acme&amp;subuser=%3Cscript%3E",
    ]
    assert len(targets) > 10


def test_characters_that_nobody_sees_are_escapes_on_the_page_and_exact_in_json() -> None:
    unseen = "a\0\x1b[31m\r\n\x7f\x9b\u061c\u200e\u200f\u202e\u2066\u2069\u2028é\\x1b"
    seen = r"a\x00\x1b[31m\r\n\x7f\x9b\u061c\u200e\u200f\u202e\u2066\u2069\u2028é\x1b"
    fleet = SubuserScores(day(4), {unseen: Score("1", unseen, 2.8)})
    exporter = FakeExporter(
        [(replace(ACME, account=unseen, subusers=fleet), replace(POLLED, failure=unseen))]
    )
    page = client(exporter).get("/").text
    assert page.count(f'<th scope="row"><span class="name">{seen}</span></th>') == 1
    assert page.count(f">{seen}</a></th>") == 1
    assert f"<p>{seen}</p>" in page
    assert not set(page) & (set(unseen) - set("a[31mé\\x1b\n"))
    (account,) = client(exporter).get("/api/v1/status").json()["accounts"]
    assert (account["account"], account["error"]) == (unseen, unseen)
    (entry,) = client(exporter).get("/api/v1/scores").json()["scores"]
    assert (entry["account"], entry["subuser"]) == (unseen, unseen)


def test_half_a_surrogate_pair_does_not_break_the_page() -> None:
    exporter = FakeExporter([(replace(ACME, account="a\ud800"), POLLED)])
    assert (
        r'<th scope="row"><span class="name">a\ud800</span></th>' in client(exporter).get("/").text
    )


def test_the_description_names_every_path_and_parameter() -> None:
    described = client(EXPORTER).get("/api/v1/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    assert list(described["paths"]) == ["/api/v1/status", "/api/v1/scores"]
    parameters = described["paths"]["/api/v1/scores"]["get"]["parameters"]
    assert [each["name"] for each in parameters] == [
        "account",
        "subuser",
        "below",
        "sort",
        "order",
        "limit",
        "offset",
    ]
    assert parameters[2]["schema"] == {"type": "number"}
    assert parameters[5] == {
        "name": "limit",
        "in": "query",
        "description": "How many subusers to return.",
        "allowEmptyValue": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
    }


def test_the_description_allows_exactly_the_keys_of_an_answer() -> None:
    schemas = client(EXPORTER).get("/api/v1/openapi.json").json()["components"]["schemas"]
    for schema in schemas.values():
        assert schema["required"] == list(schema["properties"])
        assert schema["additionalProperties"] is False
    scores = ["overall", *METRICS]
    assert schemas["OwnScores"]["required"] == ["date", *scores]
    assert schemas["SubuserEntry"]["required"][-7:] == [*scores, "change7"]
    assert schemas["Distribution"]["required"] == scores
    assert schemas["Bands"]["required"] == [str(band) for band in BANDS]


@pytest.mark.parametrize("path", ["/api/v1/scores", "/api/v1/status", "/api/v1/openapi.json"])
def test_only_reading_is_allowed(path: str) -> None:
    assert client(EXPORTER).post(path).status_code == 405
