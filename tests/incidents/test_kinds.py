"""Kinds of fleet through the shipped rules and inhibitions, in short: fewer subusers, one seed.

`make incidents KIND=all SEEDS="1 2 3"` plays all of them in full.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.incidents.table import TARGETS, Row, list_misses, play_kinds, write_header, write_row
from tests.processes import find_tool

#: One of each: rounding, rhythm, noise, eligibility, publication, slopes, sizes, conditions.
KINDS = (
    "integers-2d",
    "weekends-1.0",
    "noise-0.5",
    "flapping-4",
    "late",
    "declines",
    "one",
    "poor",
)
SUBUSERS = 16
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
    assert list_misses(rows[kind], TARGETS) == []


def test_the_kinds_have_incidents_that_must_be_told(rows: Mapping[str, Row]) -> None:
    assert sum(len(row.required("fall")) for row in rows.values()) >= 15
    assert sum(len(row.required("decline")) for row in rows.values()) >= 10
