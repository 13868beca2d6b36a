"""Whatever JSON comes in, the page that goes out is whole, parses, and holds no series twice."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import responses
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from seq_exporter.config.model import SubuserSelection
from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.scores import METRICS
from tests.support import SCORES, SUBUSERS, SUBUSERS_SCORES, FakeTime, examples
from tests.unit.serve.poller_harness import PollerHarness

NAMES = st.sampled_from(
    ["1", "2", "a", "b", "1 (2)", "", "\n", '"', "\\", "\0", "}", "#", "\u202e"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def mostly(good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return what is good four times out of five; else hardly any page would hold a score."""
    return st.sampled_from([good] * 4 + [odd]).flatmap(lambda chosen: chosen)


VALUES = mostly(st.floats(1, 5), st.integers(-1, 6) | JSON)
IDS = mostly(NAMES, JSON)
METRIC_SCORES = st.fixed_dictionaries({}, optional=dict.fromkeys(METRICS, VALUES))
ITEMS = st.fixed_dictionaries(
    {"user_id": IDS, "score": VALUES},
    optional={"username": IDS, "date": JSON, "metrics": mostly(METRIC_SCORES, JSON)},
)
CURSORS = st.fixed_dictionaries({"next_params": st.fixed_dictionaries({"after_key": IDS})})
PAGES = st.fixed_dictionaries(
    {"result": mostly(st.lists(mostly(ITEMS, JSON), max_size=4), JSON)},
    optional={"_metadata": mostly(CURSORS, JSON)},
)
LISTS = st.lists(st.fixed_dictionaries({"id": IDS, "username": IDS}), max_size=4)
SELECTIONS = st.sampled_from(
    [
        SubuserSelection(include=("*",)),
        SubuserSelection(names=frozenset({"a", "x"})),
        SubuserSelection(include=("*",), exclude=("a",)),
        None,
    ]
)


def answer_in_turn(mock: responses.RequestsMock, url: str, pages: Sequence[Any]) -> None:
    """Answer with each of `pages`; with the last of them again and again."""
    for page in pages:
        with contextlib.suppress(ValueError):  # a number that JSON cannot write
            mock.get(url, body=json.dumps(page), content_type="application/json")


ANSWERS = st.tuples(
    st.lists(mostly(PAGES, JSON), min_size=1, max_size=4),
    mostly(PAGES, JSON),
    mostly(LISTS, JSON),
    SELECTIONS,
)


#: A list that never ends is given up after a few pages, not after thousands.
FEW_USERS = {"most_users": 10_000}


def poll(answers: tuple[list[Any], Any, Any, SubuserSelection | None]) -> PollerHarness:
    """Return what has polled a SendGrid that gives these answers."""
    pages, own, names, selection = answers
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        answer_in_turn(mock, SUBUSERS_SCORES, pages)
        answer_in_turn(mock, SCORES, [own])
        answer_in_turn(mock, SUBUSERS, [names])
        harness = PollerHarness(FakeTime(), subusers=selection, settings=FEW_USERS)
        harness.poll()
    return harness


@examples(0.2, thorough=1)  # most of the time goes into making them
@given(ANSWERS)
def test_any_answers(answers: tuple[list[Any], Any, Any, SubuserSelection | None]) -> None:
    harness = poll(answers)
    assert harness.value("poll_failures_total", reason="internal") == 0
    failed = sum(
        harness.value("poll_failures_total", reason=reason) or 0 for reason in POLL_FAILURE_REASONS
    )
    assert harness.value("account_up") == (not failed)
    check_page(harness.page)


def check_page(page: str) -> None:
    series = set()
    families = list(text_string_to_metric_families(page))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        for sample in family.samples:
            found = sample.name, *sorted(sample.labels.items())
            assert found not in series
            series.add(found)
            if sample.name.endswith("_score"):
                assert 1 <= sample.value <= 5
    list(parse_openmetrics(f"{page}# EOF\n"))  # type: ignore[no-untyped-call]
