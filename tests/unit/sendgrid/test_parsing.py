"""Items: what is taken, what is left out, and what is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.score import Score
from seq_exporter.scores import METRICS
from seq_exporter.sendgrid.anomalies import ANOMALY_KINDS, Anomalies
from seq_exporter.sendgrid.parsing import VALUES, clean, parse_item

GOOD = {
    "engagement_recency": 4,
    "open_rate": 1,
    "bounce_classification": 2.5,
    "bounce_rate": 4,
    "spam_rate": 5,
}
NONE = (None,) * 5


def test_a_whole_item() -> None:
    anomalies = Anomalies()
    item = {"user_id": "180", "username": "a", "date": "2026-11-05", "score": 3, "metrics": GOOD}
    assert parse_item(item, anomalies) == Score("180", "a", 3.0, (4.0, 1.0, 2.5, 4.0, 5.0))
    assert not anomalies.counts


@pytest.mark.parametrize(
    ("item", "score"),
    [
        ({"user_id": "1"}, Score("1")),
        ({"user_id": 1}, Score("1")),
        ({"user_id": "1", "username": None, "score": None, "metrics": None}, Score("1")),
        ({"user_id": "1", "score": 2}, Score("1", None, 2.0, NONE)),
        (
            {"user_id": "1", "metrics": {"open_rate": 2}},
            Score("1", None, None, (None, 2.0, None, None, None)),
        ),
        ({"user_id": "1", "score": 1, "seventh": "?"}, Score("1", None, 1.0, NONE)),
    ],
)
def test_what_is_absent_is_no_anomaly(item: Any, score: Score) -> None:
    anomalies = Anomalies()
    assert parse_item(item, anomalies) == score
    assert not anomalies.counts


@pytest.mark.parametrize("item", [None, 1, "a", [], True])
def test_an_item_that_is_no_object_is_left_out(item: Any) -> None:
    anomalies = Anomalies()
    assert parse_item(item, anomalies) is None
    assert anomalies.counts == {"item": 1}


@pytest.mark.parametrize("user_id", [None, "", True, 1.5, [], {}])
def test_an_item_without_a_user_is_left_out(user_id: Any) -> None:
    anomalies = Anomalies()
    assert parse_item({"user_id": user_id, "score": 4}, anomalies) is None
    assert anomalies.counts == {"user_id": 1}


@pytest.mark.parametrize(
    "value",
    ["4", "", True, [], {}, 0, 0.99, 5.01, 6, -1, 9000, 10**400, float("nan"), float("inf")],
)
def test_a_wrong_value_costs_itself_alone(value: Any) -> None:
    anomalies = Anomalies()
    item = {
        "user_id": "1",
        "username": "a",
        "score": value,
        "metrics": {**GOOD, "open_rate": value},
    }
    assert parse_item(item, anomalies) == Score("1", "a", None, (4.0, None, 2.5, 4.0, 5.0))
    assert anomalies.counts == {"score": 1, "metric": 1}


@pytest.mark.parametrize("username", ["", 7, True, [], {}])
def test_a_wrong_username_costs_the_name_alone(username: Any) -> None:
    anomalies = Anomalies()
    found = parse_item({"user_id": "1", "username": username, "score": 4}, anomalies)
    assert found == Score("1", None, 4.0, NONE)
    assert anomalies.counts == {"username": 1}


@pytest.mark.parametrize("metrics", ["a", 1, [], True])
def test_metrics_that_are_no_object(metrics: Any) -> None:
    anomalies = Anomalies()
    found = parse_item({"user_id": "1", "score": 4, "metrics": metrics}, anomalies)
    assert found == Score("1", None, 4.0, NONE)
    assert anomalies.counts == {"metrics": 1}


def test_the_first_of_each_kind_is_the_example() -> None:
    anomalies = Anomalies()
    for user_id, score in (("1", "x" * 10_000), ("2", 9)):
        parse_item({"user_id": user_id, "score": score}, anomalies)
    assert anomalies.counts == {"score": 2}
    assert anomalies.examples == {"score": f"user_id '1': '{'x' * 60}'"}


def test_what_no_page_can_hold_is_replaced() -> None:
    assert clean(json.loads(r'"a\ud800b"')) == "a?b"
    assert clean('\N{PILE OF POO} "q" \\ \n') == '\N{PILE OF POO} "q" \\ \n'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
ITEMS = JSON | st.fixed_dictionaries(
    {"user_id": JSON, "username": JSON, "score": JSON},
    optional={"metrics": JSON | st.fixed_dictionaries(dict.fromkeys(METRICS, JSON))},
)


@given(ITEMS)
def test_no_item_whatever_breaks_it(item: Any) -> None:
    anomalies = Anomalies()
    score = parse_item(item, anomalies)
    assert set(anomalies.counts) <= set(ANOMALY_KINDS)
    if score:
        for value in (score.overall, *score.metrics):
            assert value is None or 1 <= value <= 5


def test_values_are_not_kept_without_end() -> None:
    for number in range(5_000):
        value = 1 + number / 10_000
        assert parse_item({"user_id": "1", "score": value}, Anomalies()) == Score("1", None, value)
    assert 0 < len(VALUES) <= 1024
