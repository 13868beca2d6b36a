"""The status page: what it shows of each account and subuser, its colours, and wrong entries."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from grafana.source import colours as dashboards
from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.score import Score
from seq_exporter.scores import Health, Snapshot, SubuserScores
from seq_exporter.web.listing import Query
from seq_exporter.web.status_page import StatusPage
from tests.support import ROOT, day
from tests.unit.web.test_routes import ACME, POLLED, FakeExporter, client

DOCS = "https://example.com/docs"
FAILED = replace(POLLED, failure="401: SendGrid refuses the key", reason="unauthorized")


def render(*accounts: tuple[Snapshot, Health], docs_url: str | None = None, **query: Any) -> str:
    return StatusPage(lambda: docs_url).render(accounts, Query(**query))


def fleet(account: str, by_label: dict[str, Score], **week_before: float) -> Snapshot:
    return Snapshot(account, SubuserScores(day(4), by_label).compare(week_before))


def rows(page: str, table: str) -> list[list[str]]:
    """Return the HTML of the cells in each row of a table, its attributes of a cell before it."""
    body = page.partition(f'<table class="{table}">')[2].partition("</table>")[0]
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)
    return [re.findall(r"<(?:td|th)\s?([^>]*>.*?)</(?:td|th)>", row, re.S) for row in found]


def texts(page: str, table: str) -> list[list[str]]:
    """Return the text of each cell, as a wide window shows it."""
    page = re.sub(r'<span class="name phone dim">.*?</span>', "", page)
    return [
        [re.sub(r"<[^>]*>", "", cell.partition(">")[2]).strip() for cell in row]
        for row in rows(page, table)
    ]


ONE = fleet(
    "acme",
    {
        "shop-de": Score("1", "shop-de", 2.8, (1.0, 3.6, 4.2, None, 4.5)),
        "shop-fr": Score("2", "shop-fr", 4.0, (4.0,) * 5),
        "shop-it": Score("3", "shop-it"),
    },
)
TWO = fleet("globex", {"florist": Score("9", "florist", 3.5, (3.5,) * 5)})


def test_each_account() -> None:
    fleet = SubuserScores(
        day(4),
        {"a": Score("1", "a", 4.0), "b": Score("2", "b", 3.0), "c": Score("3", "c")},
        missing=("x", "y", "z", "w"),
    )
    page = render((replace(ACME, subusers=fleet), POLLED))
    assert rows(page, "accounts")[1] == [
        'scope="row"><span class="name">acme</span>',
        ">up",
        ">2026-11-04",
        'class="number">4.5',
        'class="number">2',
        'class="number">1',
        'class="number poor">4',
        '><svg role="img" width="100" height="12" viewBox="0 0 100 12" '
        'aria-label="0 in band 1, 0 in band 2, 1 in band 3, 1 in band 4, 0 in band 5">'
        '<rect class="band3" x="0.0" width="50.0" height="12"/>'
        '<rect class="band4" x="50.0" width="50.0" height="12"/></svg>',
        ">2026-11-05 12:00:00",
        ">2026-11-05 12:15:00",
    ]


@pytest.mark.parametrize(
    ("health", "state", "reason"),
    [
        (Health(), '<span class="dim">first poll in progress</span>', None),
        (
            Health(is_restored=True),
            '<span class="dim">restored, first poll in progress</span>',
            None,
        ),
        (POLLED, "up", None),
        (
            replace(POLLED, failure="500", is_restored=True, last_success=None),
            '<span class="badge bad">failing</span>',
            'colspan="10"><p>500</p>\n<p class="dim">Last successful poll: none yet. '
            "These scores were saved before the last start.</p>",
        ),
        (
            FAILED,
            '<span class="badge bad">failing</span>',
            'colspan="10"><p>401: SendGrid refuses the key</p>\n'
            '<p class="dim">Last successful poll: 2026-11-05 12:00:00.</p>',
        ),
    ],
)
def test_the_state_of_an_account(health: Health, state: str, reason: str | None) -> None:
    account, *more = rows(render((ACME, health)), "accounts")[1:]
    assert account[1] == f">{state}"
    assert more == ([] if reason is None else [[reason]])


def test_an_account_without_scores() -> None:
    assert texts(render((Snapshot("acme"), Health())), "accounts")[1] == [
        "acme",
        "first poll in progress",
        "none yet",
        *[""] * 7,
    ]


def test_an_accounts_newest_day() -> None:
    snapshot = replace(ACME, subusers=SubuserScores(day(3), {}))
    assert texts(render((snapshot, POLLED)), "accounts")[1][2] == "2026-11-04"


@pytest.mark.parametrize(
    ("healths", "summary", "order"),
    [
        ([POLLED], "1 account: 1 up.", "b"),
        ([POLLED, POLLED], "2 accounts: 2 up.", "ba"),
        ([POLLED, FAILED], "2 accounts: 1 up, 1 failing.", "ab"),
        ([Health(), FAILED, POLLED], "3 accounts: 1 up, 1 failing, 1 not polled yet.", "abc"),
        ([Health(is_restored=True)], "1 account: 1 not polled yet.", "b"),
        ([], "No accounts.", ""),
    ],
)
def test_failing_accounts_come_first(healths: list[Health], summary: str, order: str) -> None:
    page = render(*zip(map(Snapshot, "bac"), healths, strict=False))
    assert f"<p>{summary}</p>" in page
    names = [row[0] for row in texts(page, "accounts")[1:] if len(row) > 1]
    assert "".join(names) == order


def test_of_many_accounts_a_hundred_are_shown() -> None:
    page = render(*((Snapshot(f"a{number}"), POLLED) for number in range(150)))
    assert len(rows(page, "accounts")) == 1 + 100
    assert "<p>50 more accounts are in the" in page


@pytest.mark.parametrize("reason", POLL_FAILURE_REASONS)
def test_a_failure_links_to_its_runbook(reason: str) -> None:
    page = render((ACME, replace(FAILED, reason=reason)), docs_url=f"{DOCS}/")
    (link,) = re.findall(r'<a class="whole" href="([^"]*)">What to do</a>', page)
    runbook = ROOT / "docs" / link.removeprefix(f"{DOCS}/")
    named = re.findall(r"`(\w+)`", runbook.read_text(encoding="utf-8"))
    assert reason in named or runbook.stem in ("SeqRateLimited", "SeqTooManySeries")


def test_it_links_to_the_documentation_if_its_url_is_known() -> None:
    page = render((ACME, FAILED), docs_url=DOCS)
    for target, text in ((DOCS, "Documentation"), (f"{DOCS}/remedies.md", "What raises them")):
        assert f'<a href="{target}">{text}</a>' in page
    assert (ROOT / "docs" / "remedies.md").exists()
    without = render((ACME, FAILED))
    assert "Documentation" not in without
    assert "What raises them" not in without
    assert "What to do" not in without


def test_names_and_errors_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    page = render((Snapshot(evil), replace(FAILED, failure=f"500 ({evil})")))
    assert "<script" not in page
    assert f"<p>500 ({evil.replace('<', '&lt;').replace('>', '&gt;')})</p>" in page


def test_characters_that_nobody_sees_are_shown() -> None:
    failure = "500 (\x1b]0;title\x07, \u202eevil)"
    page = render((Snapshot("ac\u200bme"), replace(FAILED, failure=failure)))
    assert texts(page, "accounts")[1][0] == r"ac\u200bme"
    assert r"<p>500 (\x1b]0;title\x07, \u202eevil)</p>" in page


def test_subusers_of_one_account() -> None:
    assert texts(render((ONE, POLLED)), "scores") == [
        [
            "Subuser",
            "Overall ↑",
            "Engagement recency",
            "Open rate",
            "Bounce classification",
            "Bounce rate",
            "Spam rate",
        ],
        ["shop-de", "2.8", "1.0", "3.6", "4.2", "none", "4.5"],
        ["shop-fr", "4.0", "4.0", "4.0", "4.0", "4.0", "4.0"],
        ["shop-it", *["none"] * 6],
    ]
    assert 'name="account"' not in render((ONE, POLLED))


def test_subusers_of_several_accounts_with_a_history() -> None:
    compared = replace(ONE, subusers=ONE.subusers and ONE.subusers.compare({"1": 4.2, "3": 3.0}))
    page = render((compared, POLLED), (TWO, POLLED))
    assert [row[:4] for row in texts(page, "scores")] == [
        ["Subuser", "Account", "Overall ↑", "7-day change"],
        ["shop-de", "acme", "2.8", "▼1.4"],
        ["florist", "globex", "3.5", "none"],
        ["shop-fr", "acme", "4.0", "none"],
        ["shop-it", "acme", "none", "none"],
    ]
    assert '<option value="change7">7-day change</option>' in page
    assert '<span class="name phone dim">globex</span>' in page
    assert 'name="account"' in page


def test_without_a_history_no_change_is_shown() -> None:
    page = render((ONE, POLLED), (TWO, POLLED), sort="change7", order="descending")
    assert "change" not in page.partition("<body>")[2]


@pytest.mark.parametrize(
    ("score", "colour"),
    [(1.0, " bad"), (1.9, " bad"), (2.0, " poor"), (2.9, " poor"), (3.0, ""), (5.0, "")],
)
def test_the_colour_of_a_score(score: float, colour: str) -> None:
    page = render((fleet("acme", {"a": Score("1", "a", score)}), POLLED))
    assert rows(page, "scores")[1][1] == f'class="number{colour}">{score}'


@pytest.mark.parametrize(
    ("before", "cell"),
    [
        (5.0, 'class="number bad">▼2.0'),
        (4.0, 'class="number bad">▼1.0'),
        (3.96, 'class="number bad">▼1.0'),
        (3.9, 'class="number poor">▼0.9'),
        (3.5, 'class="number poor">▼0.5'),
        (3.4, 'class="number">▼0.4'),
        (3.04, 'class="number">='),
        (3.0, 'class="number">='),
        (2.6, 'class="number">▲0.4'),
        (2.5, 'class="number good">▲0.5'),
        (1.0, 'class="number good">▲2.0'),
    ],
)
def test_the_colour_of_a_change(before: float, cell: str) -> None:
    page = render((fleet("acme", {"a": Score("1", "a", 3.0)}, **{"1": before}), POLLED))
    assert rows(page, "scores")[1][2] == cell


def test_an_account_links_to_its_subusers() -> None:
    page = render((ONE, POLLED), (replace(TWO, account="A&B ü"), POLLED))
    assert 'href="?account=acme#subusers">acme</a>' in page
    assert 'href="?account=A%26B+%C3%BC#subusers">A&amp;B ü</a>' in page


@pytest.mark.parametrize(
    ("query", "found", "more"),
    [
        ({}, "3 subusers.", []),
        ({"limit": 2}, "3 subusers, showing 1 to 2.", ["Next"]),
        ({"limit": 2, "offset": 2}, "3 subusers, showing 3 to 3.", ["Previous"]),
        ({"limit": 1, "offset": 1}, "3 subusers, showing 2 to 2.", ["Previous", "Next"]),
        ({"offset": 9}, "3 subusers, none from 10 on.", ["Previous"]),
        ({"subuser": "it"}, "1 subuser.", ["Show all"]),
        ({"below": 1}, "No subuser matches.", ["Show all"]),
        ({"account": "globex"}, "No subuser matches.", ["Show all"]),
    ],
)
def test_how_many_are_found(query: dict[str, Any], found: str, more: list[str]) -> None:
    page = render((ONE, POLLED), **query)
    line = page.partition('<p class="found">')[2].partition("</p>")[0]
    assert re.findall(r">([^<>\n]+)<", line) == [found, *more]


@pytest.mark.parametrize(
    ("query", "previous"),
    [
        ({"limit": 2, "offset": 2}, ["?limit=2#subusers"]),
        ({"limit": 1, "offset": 900}, ["?limit=1&amp;offset=2#subusers"]),
        ({"offset": 900}, ["?#subusers"]),
        ({"subuser": "nobody", "offset": 50}, []),
    ],
)
def test_from_beyond_the_end_the_previous_page_is_the_last(
    query: dict[str, Any], previous: list[str]
) -> None:
    page = render((ONE, POLLED), **query)
    assert sorted(set(re.findall('rel="prev" href="([^"]*)"', page))) == previous


@pytest.mark.parametrize("snapshot", [ACME, replace(ACME, subusers=SubuserScores(day(4), {}))])
def test_without_subusers_there_is_no_search(snapshot: Snapshot) -> None:
    assert "<form" not in render((snapshot, POLLED))


@pytest.mark.parametrize(
    ("url", "box", "sentence"),
    [
        (
            "/?below=3,5",
            'name="below" value="3,5" inputmode="decimal"',
            "below must be a number, such as 3 or 3.5",
        ),
        (
            f"/?subuser={'x' * 201}",
            f'name="subuser" value="{"x" * 201}" type="search" maxlength="200"',
            "subuser must be at most 200 characters long",
        ),
        (
            f"/?account=%3Cb%3E{'x' * 201}",
            f'name="account" value="&lt;b&gt;{"x" * 201}" type="search" maxlength="200"',
            "account must be at most 200 characters long",
        ),
    ],
)
def test_a_wrong_entry_is_kept_and_explained(url: str, box: str, sentence: str) -> None:
    answer = client(FakeExporter([(ONE, POLLED)])).get(url)
    name = sentence.split()[0]
    assert answer.status_code == 400
    assert f'<input {box} aria-invalid="true" aria-describedby="{name}-mistake">' in answer.text
    assert f'id="{name}-mistake" role="alert">{sentence}</p>' in answer.text
    assert answer.text.count('role="alert"') == 1


@pytest.mark.parametrize("url", ["/?sort=x", "/?order=up", "/?limit=0", "/?offset=-1"])
def test_a_wrong_parameter_without_a_box_is_explained_above(url: str) -> None:
    answer = client(FakeExporter([(ONE, POLLED)])).get(url)
    above = answer.text.partition("<form")[0]
    assert (answer.status_code, above.count('role="alert"')) == (400, 1)


def test_a_right_entry_is_kept_too() -> None:
    url = "/?subuser=shop&below=3.5&sort=open_rate&order=desc"
    page = client(FakeExporter([(ONE, POLLED)])).get(url).text
    assert 'name="subuser" value="shop"' in page
    assert 'name="below" value="3.5"' in page
    assert '<option value="open_rate" selected>' in page
    assert '<option value="descending" selected>' in page
    assert "aria-invalid=" not in page.partition("<body>")[2]


STYLE = (ROOT / "seq_exporter" / "web" / "style.css").read_text(encoding="utf-8")


def read_colours(theme: str) -> dict[str, tuple[float, ...]]:
    """Return the red, green and blue of each colour, 0 to 1; a tint is over the page."""
    light, dark = re.findall(r":root \{([^}]*)\}", STYLE)
    found = dict(re.findall(r"--([\w-]+): ([^;]+);", light + (dark if theme == "dark" else "")))
    page = read_hex(found["page"])
    return {name: read_colour(text, page) for name, text in found.items()}


def read_hex(text: str) -> tuple[float, ...]:
    digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
    return tuple(value / 255 for value in bytes.fromhex(digits))


def read_colour(text: str, page: tuple[float, ...]) -> tuple[float, ...]:
    if text.startswith("#"):
        return read_hex(text)
    *parts, percent = map(int, re.findall(r"\d+", text))
    opacity = percent / 100
    return tuple(
        opacity * part / 255 + (1 - opacity) * under
        for part, under in zip(parts, page, strict=True)
    )


def luminance(colour: tuple[float, ...]) -> float:
    """Return the relative luminance of the Web Content Accessibility Guidelines."""
    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(theme: str) -> None:
    colours = read_colours(theme) | {"white": (1.0, 1.0, 1.0)}
    texts = [
        *(
            (text, under)
            for text in ("ink", "dim", "link", "warning")
            for under in ("page", "soft")
        ),
        *(("ink", tint) for tint in ("poor-tint", "good-tint")),
        ("white", "bad"),
    ]
    for pair in texts:
        low, high = sorted(luminance(colours[name]) for name in pair)
        assert (high + 0.05) / (low + 0.05) >= 4.5, pair


def test_the_colours_are_those_of_the_dashboards() -> None:
    for name in ("bad", "poor", "fair", "good"):
        assert f"--{name}: {getattr(dashboards, name.upper()).lower()};" in STYLE
