"""A quarter of a year of two pretend fleets through the shipped rules and inhibitions."""

from __future__ import annotations

import pytest

from tests.incidents.play import MOST_NOTIFICATIONS, YEARS_FOR_A_FALSE_ALARM, Summary, play
from tests.incidents.report import print_summary
from tests.processes import find_tool


@pytest.fixture(scope="module")
def summary() -> Summary:
    """Play both; `pytest -s` shows what was found."""
    summary = play([1, 3], find_tool("promtool"), find_tool("prometheus-alertmanager"))
    print_summary(summary)
    return summary


def test_every_incident_is_told_of_in_time(summary: Summary) -> None:
    assert len(summary.findings) == 2 * 9
    assert [finding for finding in summary.findings if not finding.is_in_time] == []


def test_none_is_told_of_too_often(summary: Summary) -> None:
    told = [finding.notifications for finding in summary.findings]
    assert max(told) <= MOST_NOTIFICATIONS
    assert min(told) > 0


def test_alarms_are_hardly_ever_false(summary: Summary) -> None:
    # With fewer years, none would be too few to tell.
    assert summary.subuser_years > YEARS_FOR_A_FALSE_ALARM
    assert len(summary.false_alarms) <= summary.subuser_years / YEARS_FOR_A_FALSE_ALARM
