"""Which alerts are about an incident, in time, false, or resolved too early: made-up alerts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from tests.incidents.dispatch import Message
from tests.incidents.kinds import Part, list_parts
from tests.incidents.replay import Firing
from tests.incidents.table import TARGETS, Row, Target, list_misses, write_header, write_row
from tests.incidents.timeline import Timeline
from tests.incidents.verdict import Outcome, Verdict, judge

# The first fall, of shop-de: it appears at noon of the day after day 30, and lasts.
FELL = 31 * 24 + 12


@cache
def play(kind: str) -> tuple[Part, Timeline]:
    part = list_parts(kind, 1, 10)[0]
    return part, Timeline(part)


def fires(
    name: str, start: int, days: float = 4, severity: str = "warning", **labels: str
) -> Firing:
    labels = {"account": "kettlewick", "alertname": name, "severity": severity} | labels
    return Firing(start, start + int(24 * days), labels)


def told(*firings: Firing) -> list[Message]:
    """Return a notification of each alert at once, and one when it is resolved."""
    messages = []
    for one in (frozenset({firing}) for firing in firings):
        (firing,) = one
        messages.append(Message(firing.start * 3600, "team", one, frozenset(), one))
        messages.append(Message(firing.end * 3600, "team", frozenset(), one, one))
    return messages


def verdict_on(kind: str, *firings: Firing, messages: Sequence[Message] | None = None) -> Verdict:
    part, timeline = play(kind)
    return judge(part, timeline, firings, told(*firings) if messages is None else messages)


def outcome_of(verdict: Verdict, subuser: str) -> Outcome:
    return next(o for o in verdict.outcomes if subuser in o.truth.subusers)


def test_a_fall_is_told_in_time_within_two_vendor_days() -> None:
    for hours, in_time in ((36, True), (48, True), (54, False)):
        alert = fires("SeqScoreDropped", FELL + hours, subuser="shop-de")
        outcome = outcome_of(verdict_on("steps", alert), "outlet-fr")
        assert not outcome.is_in_time
        verdict = verdict_on("redeploys", alert)
        outcome = outcome_of(verdict, "shop-de")
        assert outcome.is_required
        assert outcome.is_in_time == in_time
        assert outcome.days == hours / 24
        assert outcome.notifications == 2
        assert verdict.false_alarms == []


def test_what_nobody_is_sent_is_not_told() -> None:
    alert = fires("SeqScoreDropped", FELL + 36, subuser="shop-de")
    outcome = outcome_of(verdict_on("redeploys", alert, messages=[]), "shop-de")
    assert (outcome.days, outcome.is_in_time, outcome.notifications) == (None, False, 0)


def test_a_subuser_that_flaps_has_four_scored_days() -> None:
    _, timeline = play("flapping-4")
    days = [hour for day, hour in timeline.list_shown("shop-de") if day >= 30]
    for hours, in_time in ((days[3] + 24, True), (days[3] + 30, False)):
        hours = max(hours, days[0] + 96 + 6 * (not in_time))
        alert = fires("SeqScoreDropped", hours, subuser="shop-de")
        assert outcome_of(verdict_on("flapping-4", alert), "shop-de").is_in_time == in_time


def test_a_decline_is_told_within_14_days_of_its_first_half_point() -> None:
    part, _ = play("declines")
    truth = next(truth for truth in part.truths if "orders-nl" in truth.subusers)
    assert truth.half_day is not None
    half = truth.half_day * 24 + 36
    for hours, in_time in ((half + 14 * 24, True), (half + 14 * 24 + 6, False)):
        alert = fires("SeqScoreDeclining", hours, subuser="orders-nl")
        assert outcome_of(verdict_on("declines", alert), "orders-nl").is_in_time == in_time


@pytest.mark.parametrize(
    ("points", "is_required"), [("shop-de", False), ("newsletter-uk", False), ("outlet-fr", True)]
)
def test_small_falls_need_not_be_told(points: str, is_required: bool) -> None:
    assert outcome_of(verdict_on("steps"), points).is_required == is_required


def test_falls_that_recover_within_days_need_not_be_told_but_may() -> None:
    alert = fires("SeqScoreDropped", 55 * 24 + 12 + 36, subuser="loyalty-es")
    verdict = verdict_on("recoveries", alert)
    assert not outcome_of(verdict, "loyalty-es").is_required
    assert verdict.false_alarms == []


@pytest.mark.parametrize(
    "alert",
    [
        fires("SeqScoreDropped", FELL - 12, subuser="shop-de"),  # before it shows
        fires("SeqScoreDropped", FELL + 36 * 24, subuser="shop-de"),  # the level is the usual one
        fires("SeqScoreDropped", FELL + 36, subuser="reviews-at"),  # somebody else
        fires("SeqAccountScoreDropped", FELL + 36, severity="critical"),  # the account did not fall
        fires("SeqFleetScoreDropped", FELL + 36, severity="critical"),  # it is one subuser
        fires("SeqScorePoor", FELL + 36, subuser="reviews-at"),  # its score is good
        fires("SeqSubuserIneligible", FELL + 36, severity="info", subuser="shop-de"),
        fires("SeqScoresStale", FELL + 36, scope="own"),
        fires("SeqExporterDown", FELL + 36, severity="critical"),
    ],
    ids=lambda alert: alert.name,
)
def test_an_alert_without_a_reason_is_false(alert: Firing) -> None:
    assert verdict_on("redeploys", alert).false_alarms == [alert]


def test_an_alert_that_mutes_others_is_never_false() -> None:
    alert = fires("SeqMuteResolved", FELL - 12, severity="none", of="fall", subuser="shop-de")
    assert verdict_on("redeploys", alert).false_alarms == []


def test_an_outage_is_a_reason_for_alerts_on_the_exporter() -> None:
    alert = fires("SeqExporterDown", 32 * 24 + 6, severity="critical")
    assert verdict_on("outage", alert).false_alarms == []


def test_a_fall_is_resolved_too_early_with_over_half_of_the_loss_there() -> None:
    lasting = fires("SeqScoreDropped", FELL + 36, subuser="shop-de")
    assert outcome_of(verdict_on("redeploys", lasting), "shop-de").resolved_early
    # A fall of four days, over on day 64: it is resolved when that day has appeared.
    for days, is_early in ((2, True), (4, False)):
        over = fires("SeqScoreDropped", 61 * 24 + 12 + 36, days, subuser="loyalty-es")
        assert outcome_of(verdict_on("redeploys", over), "loyalty-es").resolved_early == is_early


def test_a_poor_score_is_a_condition_and_its_reminders_are_counted_by_quarter() -> None:
    poor = [fires("SeqScorePoor", 24 * day, 1, subuser="shop-de") for day in (4, 20, 60, 97)]
    verdict = verdict_on("poor", *poor)
    assert verdict.false_alarms == []
    assert verdict.conditions == {"shop-de": 6}


def test_a_miss_is_a_line_with_the_kind_the_value_and_the_limit() -> None:
    alert = fires("SeqAccountScoreDropped", FELL + 36, severity="critical")
    row = Row("weekends-1.0", [verdict_on("redeploys", alert)])
    years = row.subuser_years
    assert list_misses(row, TARGETS[:1]) == [
        f"weekends-1.0: false criticals: {1 / years:.3g}, not 0"
    ]
    assert list_misses(row, [Target("x", lambda row: 2, 1, {"weekends-1.0": 2})]) == []
    assert len(list_misses(row)) > 2


def test_a_line_of_the_table_fits_a_terminal() -> None:
    row = Row("integers-declines", [verdict_on("declines")] * 3)
    assert max(len(write_header()), len(write_row(row))) <= 80
    assert write_row(row).split()[5] == "0/0/21"
