"""The series of a kind of fleet, as the exporter publishes them and as its failures change them."""

from __future__ import annotations

import re

from seq_exporter.clock import midnight
from seq_exporter.commands.backfill.history import list_published_days
from seq_exporter.publish.families import FAMILIES
from seq_exporter.scores import METRICS
from seq_exporter.simulator.kinds import KINDS
from tests.incidents.kinds import DAYS, FIRST, OWN, list_parts, list_plain_fleets
from tests.incidents.replay import Hours
from tests.incidents.timeline import HOURS, Timeline

DATE = "sendgrid_seq_score_date_timestamp_seconds"


def play(kind: str, subusers: int = 3) -> Timeline:
    return Timeline(list_parts(kind, 1, subusers)[0])


def find(timeline: Timeline, *parts: str) -> list[Hours]:
    """Return the series whose text has all of the parts."""
    return [hours for series, hours in timeline.series.items() if all(p in series for p in parts)]


def test_the_days_of_the_default_fleet_are_shown_as_a_backfill_would() -> None:
    part = list_parts("default", 1)[0]
    scored = {day: part.scores[OWN][number].is_scored for number, day in enumerate(DAYS)}
    until = midnight(FIRST) + HOURS * 3600
    published = list_published_days(scored, delay_seconds=12 * 3600, lookback_days=7, until=until)
    expected: list[int | None] = [None] * HOURS
    for shown in published:
        start, end = ((moment - midnight(FIRST)) // 3600 for moment in (shown.start, shown.end))
        expected[start:end] = [(shown.day - FIRST).days] * (end - start)
    assert list(Timeline(part).shown["own"]) == expected


def test_series_and_their_labels_are_those_of_the_exporter() -> None:
    known = {family.name: set(family.labels) for family in FAMILIES}
    for series in play("default").series:
        name, _, labels = series.partition("{")
        if name in known:
            added = {"instance", "job"}
            assert set(re.findall(r"(\w+)=", labels)) == known[name] | added, series
    assert len(find(play("default"), "sendgrid_seq_metric_score{")) == 3 * len(METRICS)


def test_the_days_of_a_gap_are_shown_late_and_skipped() -> None:
    timeline = play("gaps")
    (dates,) = find(timeline, DATE, 'scope="subusers"')
    shown = {int(date // 86400) for date in dates if date is not None}
    skipped = set(range(min(shown), max(shown))) - shown
    assert 10 < len(skipped) < 50
    for hour, date in enumerate(dates[48:], 48):
        assert date is not None
        assert hour - 24 * date / 86400 <= 36 + 24 * 5


def test_a_stuck_replica_shows_an_old_day_and_withdraws_it() -> None:
    timeline = play("replicas")
    (good,), (stuck,) = (find(timeline, DATE, f'"{name}:10737"', '"own"') for name in "ab")
    (up,) = find(timeline, "seq_exporter_account_up", '"b:10737"')
    (failures,) = find(timeline, "seq_exporter_poll_failures_total", '"b:10737"')
    first = up.index(0)
    assert first == 28 * 24
    assert failures[first - 1] == 0
    assert (failures[first + 1] or 0) > (failures[first] or 0)
    assert {stuck[hour] for hour in range(first, first + 5 * 24)} == {good[first - 1]}
    assert stuck[up.index(1, first)] == good[up.index(1, first)]
    assert None in stuck[first : up.index(1, first)]


def test_an_outage_leaves_no_samples_but_up() -> None:
    timeline = play("outage")
    outage = slice(32 * 24, 34 * 24)
    assert len(find(timeline, "up{instance")) == 1
    for series, hours in timeline.series.items():
        assert set(hours[outage]) == ({0} if series.startswith("up{") else {None}), series
    assert timeline.shown_day(OWN, 33 * 24) is None
    assert timeline.shown_day(OWN, 34 * 24) == 32


def test_after_a_redeploy_another_instance_shows_the_same_scores() -> None:
    timeline = play("redeploys")
    scores = find(timeline, "sendgrid_seq_account_score{")
    assert len(scores) == -(-HOURS // (KINDS["redeploys"].redeploy_days * 24 + 5))
    for hour in range(48, HOURS):
        assert sum(hours[hour] is not None for hours in scores) == 1


def test_plain_fleets_have_the_scores_the_hours_and_the_truth() -> None:
    (fleet,) = list_plain_fleets("late", 1, subusers=10)
    assert {len(rows) for rows in fleet.scores.values()} == {len(fleet.appears_hours)} == {104}
    assert all(54 <= hour - 24 * day <= 94 for day, hour in enumerate(fleet.appears_hours))
    fall = fleet.truths[0]
    assert (fall.subusers, fall.course, fall.first_day, fall.until_day) == (
        ("shop-de",),
        "fall",
        30,
        None,
    )
    assert fall.lost >= 1.5
    assert max(row[0] for row in fall.losses[:30]) == 0
    before, after = fleet.scores["shop-de"][29], fleet.scores["shop-de"][30]
    assert before is not None
    assert after is not None
    assert 1 < before[0] - after[0] < 2
