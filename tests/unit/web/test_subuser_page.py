"""The page of a subuser: its sentences, its pictures, and its links."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.testclient import TestClient

from seq_exporter.explain.evidence import Evidence, Others
from seq_exporter.score import Score
from seq_exporter.scores import Health, Snapshot, SubuserScores
from seq_exporter.web.routes import build_app
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings
from seq_exporter.web.subuser_page import Choice, Refusal, SubuserPage, choose_subuser
from seq_exporter.web.templates import link_subuser
from tests.support import TODAY, day
from tests.unit.web.test_routes import NOON, POLLED, FakeExporter

GOOD = (4.2, 4.1, 4.5, 4.2, 4.2, 4.6)
FALLEN = (2.8, 1.0, 3.4, 4.2, 4.2, 4.6)
MANY = Others(TODAY - timedelta(days=4), 5, 3, {"a": 1.5, "b": 1.4, "c": 1.2})

#: Names that a URL, HTML or a shell would change.
ODD_NAMES = (
    "it's",
    'say "hi"',
    "a+b",
    "a&b=c",
    "a#b",
    "100%",
    "%41",
    "a/b",
    "büro-日本",
    " leading",
    "trailing ",
    "<b>bold</b>",
    "--flag",
    "a\u202eb",
    "line\nbreak",
)


def evidence(*levels: tuple[int, Sequence[float] | None], **changes: object) -> Evidence:
    """Make a month of levels, each of so many days, up to TODAY."""
    scores = [values for count, values in levels for _ in range(count)]
    first = TODAY - timedelta(days=len(scores) - 1)
    days: Mapping[date, Score] = {
        first + timedelta(days=number): Score("1", "shop", values[0], tuple(values[1:]))
        if values
        else Score("1", "shop")
        for number, values in enumerate(scores)
    }
    return replace(Evidence("acme", "shop", TODAY, days, asked_at=NOON), **changes)  # type: ignore[arg-type]


def texts(html: str, start: str = "<body>") -> list[str]:
    """Return the texts that a reader sees, without those of the table of days."""
    shown = html.partition(start)[2].partition("<details>")
    shown_html = shown[0] + shown[2].partition("</details>")[2]
    shown_html = re.sub("<title>.*?</title>", "", shown_html)
    parts = re.sub(r"<(?!/?(?:a|span|code)\b)[^>]*>", "\n", shown_html)
    lines = (unescape(re.sub("<[^>]*>", " ", line)) for line in parts.splitlines())
    return [" ".join(line.split()) for line in lines if line.strip()]


def test_a_fall() -> None:
    found = evidence((26, GOOD), (4, FALLEN), others=MANY)
    assert texts(SubuserPage().render(found)) == [
        "All subusers",
        "What the scores mean",
        "shop",
        "2.8",
        "The overall score fell from 4.2 to 2.8 on 2026-11-02.",
        "Overall score of 2026-11-05. Account acme.",
        *("Score", "Now", "Change", "Since", "2026-10-07 2026-11-05"),
        *("overall", "2.8", "▼1.4", "2026-11-02"),
        *("engagement_recency", "1.0", "▼3.1", "2026-11-02"),
        *("open_rate", "3.4", "▼1.1", "2026-11-02"),
        *("bounce_classification", "4.2"),
        *("bounce_rate", "4.2"),
        *("spam_rate", "4.6"),
        "What happened",
        "engagement_recency fell from 4.1 to 1.0 on 2026-11-02.",
        "open_rate fell from 4.5 to 3.4 on 2026-11-02.",
        "The other metrics have changed by less than 0.5.",
        "Of 5 other subusers with a score, 3 fell by 0.5 or more since 2026-11-01: "
        "a by 1.5, b by 1.4, c by 1.2.",
        "Look for what they share: an IP pool, a domain, a template, a DNS record.",
        "What helps",
        "A low engagement_recency means that much of the mail goes to people who have not opened "
        "or clicked anything for a long time. Send one last message to people who have been "
        "silent for half a year and ask whether they want to stay, then stop writing to those who "
        "do not answer.",
        "Where to look",
        "In SendGrid, switch to shop.",
        "Open Stats, Overview, from 2026-10-30 on: what was sent that was not sent before?",
        "docs/remedies.md#engagement_recency has the steps for this metric.",
        "docs/runbooks/SeqFleetScoreDropped.md is the runbook of its alert.",
        "SendGrid was asked at 2026-11-05 12:00:00 UTC.",
        "In a terminal: seq-exporter explain --account=acme shop",
    ]


def test_the_picture_has_a_bar_for_each_day_in_the_colour_of_its_score() -> None:
    html = SubuserPage().render(evidence((1, GOOD), (1, None), (1, FALLEN)))
    (svg,) = re.findall(r'<svg [^>]*aria-label="engagement_recency.*?</svg>', html)
    assert svg == (
        '<svg role="img" viewBox="0 0 300 40" preserveAspectRatio="none" '
        'aria-label="engagement_recency: 4.1 on 2026-11-03, 1.0 on 2026-11-05">'
        '<rect class="band4" x="270" y="8.1" width="10" height="31.9">'
        "<title>2026-11-03: 4.1</title></rect>"
        '<rect class="band1" x="290" y="36.0" width="10" height="4.0">'
        "<title>2026-11-05: 1.0</title></rect></svg>"
    )


def test_the_scores_of_each_day_are_in_a_table_too() -> None:
    html = SubuserPage().render(evidence((29, GOOD), (1, None)))
    rows = texts(html.partition("<details>")[2], "<tbody>")[: 30 * 7]
    assert rows[:7] == ["2026-11-05", *["none"] * 6]
    assert rows[7:14] == ["2026-11-04", *map(str, GOOD)]
    assert rows[-7] == "2026-10-07"


@pytest.mark.parametrize(
    ("found", "verdict", "runbook"),
    [
        (
            evidence((26, GOOD), (4, FALLEN)),
            "The overall score fell from 4.2 to 2.8 on 2026-11-02.",
            "SeqScoreDropped",
        ),
        (
            evidence(*((1, [4.5 - 0.05 * number] * 6) for number in range(30))),
            "The overall score has fallen from 4.5 to 3.1 since 2026-10-14.",
            "SeqScoreDeclining",
        ),
        (
            evidence((30, [1.5] * 6)),
            "The overall score has changed by less than 0.5 in 30 days. It is poor.",
            "SeqScorePoor",
        ),
        (
            evidence((26, GOOD), (4, (4.0, 4.1, 4.5, 4.2, 4.2, 2.0))),
            "The overall score has changed by less than 0.5 in 30 days.",
            "SeqMetricScoreDropped",
        ),
        (
            evidence((30, (4.0, 4.1, 4.5, 4.2, 4.2, 1.5))),
            "The overall score has changed by less than 0.5 in 30 days.",
            "SeqMetricScorePoor",
        ),
        (evidence((30, GOOD)), "The overall score has changed by less than 0.5 in 30 days.", ""),
        # In floating point, 4.2 - 3.7 is a little less than 0.5.
        (
            evidence((14, GOOD), (1, (3.7, *GOOD[1:])), (15, GOOD)),
            "The overall score has no lasting change in 30 days: it was between 3.7 and 4.2, and "
            "is 4.2 now.",
            "",
        ),
        (
            evidence(*((1, [4.6 - 0.02 * number] * 6) for number in range(29)), (1, [3.4] * 6)),
            "The overall score has no lasting change in 30 days: it was between 3.4 and 4.6, and "
            "is 3.4 now.",
            "",
        ),
        (
            evidence((4, FALLEN), (26, GOOD)),
            "The overall score rose from 2.8 to 4.2 on 2026-10-11.",
            "",
        ),
        (
            evidence((20, GOOD), (10, None)),
            "It has had no score since 2026-10-27: open tracking is off, or fewer than 1,000 "
            "messages were sent in 30 days.",
            "SeqSubuserIneligible",
        ),
        (
            evidence((1, None), gap="polls fail"),
            "It has had no score on 2026-11-05: open tracking is off, or fewer than 1,000 "
            "messages were sent in 30 days.",
            "SeqSubuserIneligible",
        ),
        (evidence((1, GOOD), gap="polls fail"), "Only 2026-11-05 is known: polls fail", ""),
        (
            evidence((10, GOOD), gap="polls fail"),
            "The overall score has changed by less than 0.5 in 10 days.",
            "",
        ),
    ],
)
def test_the_verdict_and_the_runbook(found: Evidence, verdict: str, runbook: str) -> None:
    html = SubuserPage().render(found)
    shown = texts(html, '<div class="verdict">')
    assert shown[1] == verdict
    assert re.findall(r"docs/runbooks/(\w+)\.md", html) == ([runbook] if runbook else [])


def test_what_is_not_known_is_said() -> None:
    found = evidence((25, GOOD), (4, FALLEN), gap="polls fail: 401 <b>\u202e", asked_at=None)
    shown = texts(SubuserPage().render(found))
    assert r"Some days are not known: polls fail: 401 <b>\u202e" in shown
    assert "Shown without a request to SendGrid." in shown


def test_metrics_that_wobble_have_no_lasting_change() -> None:
    wobbly = (4.2, 3.5, 4.5, 4.2, 4.2, 4.6)
    html = SubuserPage().render(evidence((14, GOOD), (1, wobbly), (15, GOOD)))
    assert "The five metrics have no lasting change." in texts(html)


def test_a_whole_month_lacks_nothing() -> None:
    found = evidence((26, GOOD), (4, FALLEN), gap="polls fail")
    assert "SendGrid was not asked again: polls fail" in texts(SubuserPage().render(found))


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (2.8, "The overall score fell from 4.2 to 2.8 between 2026-10-27 and 2026-11-04."),
        (
            None,
            "It has had no score on 2026-11-05 (its last known score is from 2026-10-27): open "
            "tracking is off, or fewer than 1,000 messages were sent in 30 days.",
        ),
    ],
)
def test_days_that_nobody_knows_are_no_days_without_a_change(
    newest: float | None, said: str
) -> None:
    unknown = (None,) * 5
    found = evidence((21, (4.2, *unknown)), (7, (0.0,)), (2, (newest, *unknown)), gap="polls fail")  # type: ignore[arg-type]
    days = {day: score for day, score in found.days.items() if score.overall != 0.0}
    shown = texts(SubuserPage().render(replace(found, days=days)), '<div class="verdict">')
    assert shown[1] == said


def test_of_saved_days_only_the_overall_score_is_told() -> None:
    """Nothing is said of the metrics, which are known on one day."""
    unknown = (None,) * 5
    saved = evidence((26, (4.2, *unknown)), (3, (2.8, *unknown)), (1, FALLEN), gap="polls fail")  # type: ignore[arg-type]
    shown = texts(SubuserPage().render(saved))
    assert shown[4] == "The overall score fell from 4.2 to 2.8 on 2026-11-02."
    happened = shown.index("What happened")
    assert shown[happened + 1 : happened + 3] == [
        "Of some days, only the overall score is known: polls fail",
        "What helps",
    ]


def test_the_documentation_is_linked_if_its_address_is_known() -> None:
    html = SubuserPage(lambda: "https://example.com/docs").render(evidence((26, GOOD), (4, FALLEN)))
    for name in ("remedies.md#engagement_recency", "runbooks/SeqScoreDropped.md"):
        assert f'<a href="https://example.com/docs/{name}">docs/{name}</a>' in html


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_found_by_its_link(name: str) -> None:
    fleet = SubuserScores(day(4), {name: Score("1", name, 4.0)})
    exporter = Explaining([(Snapshot(f"of {name}", fleet), POLLED)])
    client = TestClient(build_app(exporter, ReloadableSettings(WebSettings)))
    (link,) = re.findall(
        r'<a class="name" rel="nofollow" href="(subuser\?[^"]*)"', client.get("/").text
    )
    assert client.get(f"/{unescape(link)}").status_code == 200
    assert exporter.explained == [(f"of {name}", name, True)]
    assert unescape(link) == link_subuser(f"of {name}", name)
    assert dict(parse_qsl(urlsplit(unescape(link)).query)) == {
        "account": f"of {name}",
        "subuser": name,
    }


@dataclass
class Explaining(FakeExporter):
    """An exporter that explains every subuser, and writes down who was asked for."""

    explained: list[tuple[str, str, bool]] = field(default_factory=list)

    async def explain(self, account: str, subuser: str, *, may_ask: bool) -> Evidence | None:
        self.explained.append((account, subuser, may_ask))
        return replace(evidence((1, GOOD)), account=account, subuser=subuser)


def fleet(*names: str, missing: tuple[str, ...] = ()) -> SubuserScores:
    return SubuserScores(
        day(4), {name: Score(str(number), name, 4.0) for number, name in enumerate(names)}, missing
    )


ACCOUNTS = [
    (Snapshot("acme", fleet("shop", "shop-de", missing=("shop-fr",))), POLLED),
    (Snapshot("globex", fleet("shop", "only")), POLLED),
    (Snapshot("new"), Health()),
    (Snapshot("refused"), replace(POLLED, failure="401: SendGrid refuses the key")),
    (Snapshot("own"), POLLED),
]
SEARCH = "Search the subusers"


@pytest.mark.parametrize(
    ("account", "subuser", "expected"),
    [
        ("acme", "shop", Choice("acme", "shop")),
        ("", "only", Choice("globex", "only")),
        (
            "acme",
            "",
            Refusal(400, "The parameter subuser is missing: choose a subuser from the list."),
        ),
        (
            "Acme",
            "shop",
            Refusal(404, "No account is named 'Acme': use a name of the configuration."),
        ),
        (
            "",
            "shop",
            Refusal(
                300,
                "2 accounts have a subuser 'shop': choose one.",
                [
                    ("acme", "subuser?account=acme&subuser=shop"),
                    ("globex", "subuser?account=globex&subuser=shop"),
                ],
            ),
        ),
        (
            "",
            "nobody",
            Refusal(
                404,
                "No account has a subuser 'nobody' now. "
                "The subusers of 3 of 5 accounts are not known.",
                [(SEARCH, "./?subuser=nobody#subusers")],
            ),
        ),
        (
            "acme",
            "shop-d",
            Refusal(
                404,
                "Account acme has no subuser 'shop-d' now: it was renamed or removed, or "
                "`subusers` in the configuration leaves it out. "
                "docs/runbooks/SeqSubuserVanished.md has the steps.",
                [
                    ("Did you mean shop-de?", "subuser?account=acme&subuser=shop-de"),
                    ("Did you mean shop?", "subuser?account=acme&subuser=shop"),
                    (SEARCH, "./?subuser=shop-d#subusers"),
                ],
            ),
        ),
        (
            "acme",
            "shop-fr",
            Refusal(
                404,
                "The configuration of account acme names 'shop-fr', and SendGrid knows no such "
                "subuser: correct the name, or ask who removed it. "
                "docs/runbooks/SeqSubuserMissing.md has the steps.",
            ),
        ),
        (
            "new",
            "shop",
            Refusal(
                503,
                "The subusers of account new are not known yet: its first poll has not ended. "
                "Reload this page in a minute.",
            ),
        ),
        (
            "refused",
            "shop",
            Refusal(
                503,
                "The subusers of account refused are not known: 401: SendGrid refuses the key",
            ),
        ),
        (
            "own",
            "shop",
            Refusal(
                404,
                "No subusers of account own are known: its configuration asks for none, or "
                "SendGrid has calculated no scores of theirs yet.",
            ),
        ),
    ],
)
def test_whose_page_is_asked_for(account: str, subuser: str, expected: Choice | Refusal) -> None:
    assert choose_subuser(ACCOUNTS, {"account": account, "subuser": subuser}) == expected


@pytest.mark.parametrize(
    ("query", "status", "title"),
    [
        ("", 400, "Which subuser?"),
        ("?subuser=shop", 300, "Which account?"),
        ("?subuser=nobody", 404, "Not found"),
        ("?account=new&subuser=a", 503, "Not known now"),
    ],
)
def test_a_page_of_nobody_asks_for_nothing(query: str, status: int, title: str) -> None:
    exporter = Explaining(ACCOUNTS)
    client = TestClient(build_app(exporter, ReloadableSettings(WebSettings)))
    answer = client.get(f"/subuser{query}")
    assert (answer.status_code, exporter.explained) == (status, [])
    assert texts(answer.text)[1] == title


def test_an_endless_name_is_cut() -> None:
    found = choose_subuser(ACCOUNTS, {"account": "acme", "subuser": "x" * 9000})
    assert isinstance(found, Refusal)
    assert len(found.sentence) < 500
    assert all(len(link) < 300 for _, link in found.links)


@pytest.mark.parametrize(
    ("method", "headers", "status", "may_ask"),
    [
        ("GET", {}, 200, [True]),
        ("HEAD", {}, 200, [False]),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}, 503, []),
        ("GET", {"Purpose": "prefetch"}, 503, []),
        ("GET", {"X-Moz": "prefetch"}, 503, []),
        ("GET", {"Sec-Fetch-Dest": "document"}, 200, [True]),
        ("GET", {"Sec-Fetch-Dest": "image"}, 503, []),
        ("GET", {"Sec-Fetch-Dest": "empty"}, 503, []),
        ("GET", {"Accept": "image/avif,image/webp,*/*;q=0.8"}, 503, []),
        ("GET", {"Accept": "text/html,image/avif,*/*;q=0.8"}, 200, [True]),
    ],
)
def test_only_a_view_may_cost_requests(
    method: str, headers: dict[str, str], status: int, may_ask: list[bool]
) -> None:
    exporter = Explaining(ACCOUNTS)
    client = TestClient(build_app(exporter, ReloadableSettings(WebSettings)))
    answer = client.request(method, "/subuser?account=acme&subuser=shop", headers=headers)
    assert answer.status_code == status
    assert [asked for *_, asked in exporter.explained] == may_ask


def test_a_page_is_not_kept_indexed_or_framed() -> None:
    client = TestClient(build_app(Explaining(ACCOUNTS), ReloadableSettings(WebSettings)))
    answer = client.get("/subuser?account=acme&subuser=shop")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "script" not in answer.text


def test_an_account_that_is_removed_meanwhile() -> None:
    client = TestClient(build_app(FakeExporter(ACCOUNTS), ReloadableSettings(WebSettings)))
    answer = client.get("/subuser?account=acme&subuser=shop")
    assert answer.status_code == 503
    said = "The accounts are changing, or the exporter stops: reload this page."
    assert texts(answer.text)[2] == said
