"""Where the links of the dashboards lead, with names that hold any character."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from grafana.queries import load_dashboards
from tests.grafana.conftest import RELEASES, Asked, Panel, show_panels

ODD = ("it's", 'a"b', "a+b (eu)", "back\\slash", "o'brien & co", "100%", "a#b?c=d/e", "${x}", "ünï")
#: What a link keeps: the model fills it in.
KEPT = {"var-datasource": ["prom"], "var-job": ["seq", "alone"], "from": ["now-90d"], "to": ["now"]}
VARIABLES = {
    name: {variable["name"] for variable in dashboard["templating"]["list"]}
    for name, dashboard in load_dashboards().items()
}


@pytest.fixture(scope="module", params=RELEASES)
def odd_panels(request: pytest.FixtureRequest, asked: list[Asked]) -> list[Panel]:
    """Return the panels of the fleet, in which names of accounts and subusers are odd."""
    odd: list[Asked] = [
        (case, queries, [[rename(series) for series in answer] for answer in answers])
        for case, queries, answers in asked
        if case == "fleet"
    ]
    return show_panels(request.param, odd)


def rename(series: Any) -> Any:
    """Return a series with odd names, the same ones for the same names."""
    labels = series["metric"]
    odd = {key: make_odd(labels[key]) for key in ("account", "subuser") if key in labels}
    return {**series, "metric": {**labels, **odd}}


def make_odd(name: str) -> str:
    return f"{ODD[sum(name.encode()) % len(ODD)]} {name}" if name else ""


def test_each_cell_leads_to_its_account_and_subuser(odd_panels: list[Panel]) -> None:
    tables: set[tuple[str, str]] = set()
    for panel in odd_panels:
        for column, row, link in list_links(panel):
            address = urlsplit(link["href"])
            uid = address.path.removeprefix("/d/")
            wanted = {"account"} if uid == "seq-fleet" else {"account", "subuser"}
            chosen = {f"var-{label}": [row[label]] for label in wanted if row[label]}
            assert parse_qs(address.query, strict_parsing=True) == KEPT | chosen, str(panel)
            assert address.fragment == ""
            assert link["title"].endswith(f" {row[column]}")
            assert wanted <= VARIABLES[uid]
            tables.add((panel.json["title"], uid))
    fleet, subuser = "seq-fleet", "seq-subuser"
    assert tables == {
        ("Accounts", fleet),
        ("Own scores", fleet),
        ("Alerts that fire now", fleet),
        ("Alerts that fire now", subuser),
        ("Every subuser", subuser),
        ("Fell most in 30 days", subuser),
        ("Fell most in 7 days", subuser),
        ("Lowest scores now", subuser),
        ("Rose most in 30 days", subuser),
        ("Rose most in 7 days", subuser),
    }


def list_links(panel: Panel) -> Iterator[tuple[str, dict[str, str], Any]]:
    """Yield the links of a panel: the label of the column, the labels of the row, and the link."""
    fields = {field["rawName"]: field for field in panel.shown["fields"]}
    for label, field in fields.items():
        for number, links in enumerate(field["links"]):
            row = {name: read(fields, name, number) for name in ("account", "subuser")}
            if row[label]:  # an alert may be about neither
                yield from ((label, row, link) for link in links)


def read(fields: dict[str, Any], name: str, row: int) -> str:
    """Return a label as it was sent, or nothing where a row has none."""
    return str(fields[name]["cells"][row]["value"] or "") if name in fields else ""


def test_the_links_at_the_top_choose_what_the_dashboards_have() -> None:
    for name, dashboard in load_dashboards().items():
        to_all, *more = dashboard["links"]
        assert (to_all["type"], to_all["includeVars"], to_all["keepTime"]) == (
            "dashboards",
            True,
            True,
        )
        for link in more:
            check_top_link(name, link["url"])


def check_top_link(name: str, url: str) -> None:
    address = urlsplit(url)
    used = re.findall(r"\$\{(\w+):(?:queryparam|percentencode)\}", url)
    assert set(used) <= VARIABLES[name]
    chosen: Sequence[str] = re.findall(r"var-(\w+)=\$\{\w+:percentencode\}", url)
    assert {*chosen, "datasource", "job"} <= VARIABLES[address.path.removeprefix("/d/")]


def test_a_subuser_leads_back_to_its_fleet() -> None:
    _, back = load_dashboards()["seq-subuser"]["links"]
    assert back["url"].endswith("&var-account=${owner:percentencode}")
    assert back["url"].startswith("/d/seq-fleet?")
