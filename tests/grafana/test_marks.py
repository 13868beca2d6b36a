"""What the marks of alerts in graphs say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from grafana.queries import CHOICES, Choice, fill, load_dashboards
from tests.support import GIVE_UP_SECONDS

BOARDS = load_dashboards()


def test_marks_of_the_fleet_name_accounts(base: str) -> None:
    accounts = {"kettlewick", "postmill", "tallyfern"}
    assert {*list_marks(base, "seq-fleet", {})} == {f"SeqAccountPoor: {each}" for each in accounts}


def test_marks_of_a_subuser_name_the_metric(base: str) -> None:
    fallen = ask(base, 'ALERTS{alertname="SeqFell"}')[0]["metric"]
    choices = {"owner": fallen["account"], "subuser": fallen["subuser"]}
    (mark,) = list_marks(base, "seq-subuser", choices)
    assert mark == f"SeqFell: {fallen['account']} {fallen['subuser']} open_rate"


def list_marks(base: str, dashboard: str, choices: Mapping[str, Choice]) -> Iterator[str]:
    """Yield the texts of a dashboard's marks."""
    for marks in BOARDS[dashboard]["annotations"]["list"]:
        text = f"{marks['titleFormat']}: {marks['textFormat']}"
        for series in ask(base, fill(marks["expr"], {**CHOICES, **choices})):
            yield write(text, series["metric"])


def write(text: str, labels: Mapping[str, str]) -> str:
    """Fill in labels as Grafana does: it writes the name of one that is missing."""
    filled = re.sub(r"{{(\w+)}}", lambda label: labels.get(label[1], label[1]), text)
    return " ".join(filled.split())


def ask(base: str, expression: str) -> list[Any]:
    """Return the series that Prometheus finds now."""
    asked = {"query": expression}
    answer = requests.get(f"{base}/api/v1/query", asked, timeout=GIVE_UP_SECONDS).json()
    found: list[Any] = answer["data"]["result"]
    return found
