"""Kinds of fleet through the shipped rules and inhibitions, in short: fewer subusers, one seed.

`make incidents KIND=all SEEDS="1 2 3"` plays all of them in full.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.incidents.table import Row, list_misses, play_kinds, write_header, write_row
from tests.processes import find_tool

#: The default fleet, rounding, rhythm, slopes, size: a kind of each.
KINDS = ("default", "integers-2d", "weekends-1.0", "declines", "one")
SUBUSERS = 12
SEED = 1


@pytest.fixture(scope="module")
def rows() -> Mapping[str, Row]:
    """Play all of them; `pytest -s` shows the table."""
    tools = find_tool("promtool"), find_tool("prometheus-alertmanager")
    rows = {row.kind: row for row in play_kinds(KINDS, [SEED], *tools, SUBUSERS)}
    print(write_header())
    print(*(write_row(row) for row in rows.values()), sep="\n")
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_reaches_every_target(kind: str, rows: Mapping[str, Row]) -> None:
    assert list_misses(rows[kind]) == []


def test_the_kinds_have_incidents_that_must_be_told(rows: Mapping[str, Row]) -> None:
    assert sum(len(row.required("fall")) for row in rows.values()) >= 8
    assert sum(len(row.required("decline")) for row in rows.values()) >= 8


def test_every_incident_of_the_default_fleet_is_told(rows: Mapping[str, Row]) -> None:
    days: dict[str, list[float]] = {}
    for outcome in rows["default"].outcomes:
        # It is bad from the first day on, and recovers before its usual level is known.
        if outcome.truth.course != "recovery":
            assert outcome.days is not None, outcome.truth.description
            days.setdefault(outcome.truth.course, []).append(outcome.days)
    assert {course: len(found) for course, found in days.items()} == {
        "fall": 5,
        "silence": 2,
        "decline": 1,
    }
    assert max(days["fall"]) <= 2
    assert max(days["silence"]) <= 4
