"""Kinds of fleet: what each does to the scores and their publication, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import correlation, fmean, pstdev

import pytest
from starlette.testclient import TestClient

from seq_exporter.score import Score
from seq_exporter.simulator.api import build_app
from seq_exporter.simulator.events import Course, Event, make_incident
from seq_exporter.simulator.fleet import Fleet, SimulatedAccount
from seq_exporter.simulator.incidents import Shape
from seq_exporter.simulator.kinds import KINDS, Kind
from seq_exporter.simulator.metric_scores import weigh

ANCHOR = date(2026, 11, 5)
DAYS = [ANCHOR - timedelta(days=number) for number in range(89, -1, -1)]


def account_of(kind: Kind, seed: int = 1, subusers: int | None = None) -> SimulatedAccount:
    count = kind.subusers if subusers is None else subusers
    return Fleet(seed, 1, count, anchor=ANCHOR, kind=kind).accounts[0]


def overalls(account: SimulatedAccount, index: int) -> list[float | None]:
    """Return the overall scores of the subuser at an index that exists on all days."""
    return [account.list_on(day, index, 1)[0].score_on(day).overall for day in DAYS]


def known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


@pytest.mark.parametrize("name", KINDS)
def test_the_scores_of_every_kind_are_scores(name: str) -> None:
    kind = KINDS[name]
    account = account_of(kind, subusers=min(kind.subusers, 40))
    assert kind.description
    for day in DAYS[::9]:
        for score in (*account.subusers_on(day), account.owner.score_on(day)):
            if score.is_scored:
                for value in known([score.overall, *score.metrics]):
                    assert 1 <= value <= 5
                    assert value == round(value, 0 if kind.is_whole else 1)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_the_same_whenever_it_is_made(name: str) -> None:
    kind = KINDS[name]
    one, other = (account_of(kind, subusers=min(kind.subusers, 12)) for _ in range(2))
    assert one.incidents == other.incidents
    assert one.subusers_on(DAYS[40]) == other.subusers_on(DAYS[40])


def test_without_a_kind_the_fleet_is_the_default() -> None:
    fleet = Fleet(anchor=ANCHOR)
    same = Fleet(anchor=ANCHOR, kind=KINDS["default"])
    for account, other in zip(fleet.accounts, same.accounts, strict=True):
        assert account.subusers_on(DAYS[-3]) == other.subusers_on(DAYS[-3])
        assert account.incidents == other.incidents
        assert account.incidents


# Scores


def test_rounding_flips_near_the_border_as_long_as_the_kind_holds_a_flip() -> None:
    changes = {}
    for days in (1, 2, 4):
        account = account_of(Kind("", is_whole=True, flip=0.25, flip_days=days), subusers=10)
        scores = [overalls(account, index) for index in range(10)]
        changes[days] = sum(a != b for each in scores for a, b in pairwise(each))
        assert {value for each in scores for value in each} <= {3.0, 4.0, 5.0}
    assert changes[1] > 1.5 * changes[2] > 2 * changes[4] > 10


@pytest.mark.parametrize("name", ["weekends-0.3", "weekends-0.6", "weekends-1.0"])
def test_weekends_are_lower(name: str) -> None:
    dip = KINDS[name].weekend_dip
    account = account_of(Kind("", weekend_dip=dip), subusers=10)
    plain = account_of(KINDS["calm"], subusers=10)
    for day in DAYS[:14]:
        lost = [
            (a.overall or 0) - (b.overall or 0)
            for a, b in zip(plain.subusers_on(day), account.subusers_on(day), strict=True)
        ]
        assert fmean(lost) == pytest.approx(dip if day.weekday() >= 5 else 0, abs=0.06)


@pytest.mark.parametrize("deviation", [0.1, 0.3, 0.5])
def test_noise_has_its_size_and_heavy_tails(deviation: float) -> None:
    account = account_of(Kind("", noise_sd=deviation), subusers=9)
    plain = account_of(KINDS["calm"], subusers=9)
    noise = [
        (score.overall or 0) - (calm.overall or 0)
        for day in DAYS
        for score, calm in zip(account.subusers_on(day), plain.subusers_on(day), strict=True)
        if score.is_scored
    ]
    assert 0.6 * deviation < pstdev(noise) < 1.3 * deviation
    # Of normal noise, 3 in 1,000 draws are that far away.
    far = sum(abs(value - fmean(noise)) > 3 * pstdev(noise) for value in noise)
    assert far > 0.006 * len(noise)


def test_noise_moves_the_overall_score_and_the_metrics_partly_together() -> None:
    account = account_of(Kind("", noise_sd=0.3), subusers=10)
    scores = [account.subusers_on(day)[0] for day in DAYS]
    for metric in range(5):
        together = correlation(
            known([score.overall for score in scores]),
            known([score.metrics[metric] for score in scores]),
        )
        assert 0.2 < together < 0.97


@pytest.mark.parametrize("days", [6, 5, 4])
def test_subusers_are_scored_on_some_days_of_the_week(days: int) -> None:
    account = account_of(Kind("", scored_days=days), subusers=10)
    scored = [score.is_scored for day in DAYS for score in account.subusers_on(day)]
    assert sum(scored) / len(scored) == pytest.approx(days / 7, abs=0.06)
    assert all(account.owner.score_on(day).is_scored for day in DAYS)


def test_subusers_are_scored_every_other_day() -> None:
    account = account_of(KINDS["every-other-day"], subusers=10)
    for index in range(10):
        scored = [value is not None for value in overalls(account, index)]
        assert all(a != b for a, b in pairwise(scored))
    assert len({score.is_scored for score in account.subusers_on(DAYS[0])}) == 2


# Incidents


def loss_on(account: SimulatedAccount, index: int, day: int) -> float:
    """Return what the events take off a subuser's overall score, not rounded."""
    calm = account_of(KINDS["calm"]).list_on(DAYS[day], index, 1)[0]
    user = account.list_on(DAYS[day], index, 1)[0]
    return weigh(calm.levels_on(DAYS[day])) - weigh(user.levels_on(DAYS[day]))


def test_a_step_takes_its_points_and_lasts_or_recovers() -> None:
    account = account_of(KINDS["steps"])
    for index, points in enumerate((0.75, 1, 1.5, 2, 3)):
        assert loss_on(account, index, 29 + 6 * index) == 0
        assert loss_on(account, index, 30 + 6 * index) == pytest.approx(points, abs=0.02)
        assert loss_on(account, index, 89) > 0.5 * points
    account = account_of(KINDS["recoveries"])
    for index, (day, days) in enumerate(
        ((30, 1), (36, 1), (42, 2), (48, 2), (54, 4), (60, 4), (66, 10), (72, 10), (78, 10))
    ):
        lost = [loss_on(account, index, day + number) > 0 for number in (-1, 0, days - 1, days)]
        assert lost == [False, True, True, False]


def test_a_slope_takes_its_points_evenly_and_stays() -> None:
    account = account_of(Kind("", events=(Event((0,), Course.SLOPE, 2, 20, 20),)))
    losses = [loss_on(account, 0, day) for day in (20, 25, 30, 35, 40, 60)]
    assert losses == pytest.approx([0, 0.5, 1, 1.5, 2, 2], abs=0.25)


def test_a_level_is_there_from_the_first_day_on() -> None:
    account = account_of(KINDS["poor"])
    for index, level in enumerate((1.2, 1.5, 1.8, 1.9, 2.0, 2.0, 2.1, 2.2)):
        assert fmean(known(overalls(account, index))) == pytest.approx(level, abs=0.3)


def test_the_metric_that_leads_loses_most() -> None:
    event = Event((0,), Course.STEP, 1.5, 30, 4, own_share=0.5)
    incident = make_incident(event, "acme", ["shop"], (4.5, 4.2, 4.6, 4.4, 4.3), "seed")
    lost = sorted(incident.drops.values())
    assert (incident.account, incident.subusers, incident.own_share) == ("acme", ("shop",), 0.5)
    assert (incident.first, incident.last, incident.shape) == (59, 56, Shape.SUDDEN)
    assert lost[-1] > 2 * lost[-2] > 0


def test_the_account_falls_with_one_of_its_few_subusers() -> None:
    for name, count in (("one", 1), ("two", 2), ("three", 3), ("own", 0)):
        account = account_of(KINDS[name])
        assert len(account.subusers_on(DAYS[0])) == count
        assert all(incident.own_share > 0 for incident in account.incidents)


# Publication


def test_days_of_a_gap_appear_together_after_it() -> None:
    fleet = Fleet(anchor=ANCHOR, kind=KINDS["gaps"])
    late = [fleet.hours_late(day) for day in DAYS]
    assert set(late) == {0, 24, 48, 72, 96}
    assert all(b in (a - 24, 0) or a == 0 for a, b in pairwise(late))
    assert all(Fleet(anchor=ANCHOR).hours_late(day) == 0 for day in DAYS)


def test_late_days_appear_30_to_70_hours_after_their_end_some_together() -> None:
    fleet = Fleet(anchor=ANCHOR, kind=KINDS["late"])
    late = [fleet.hours_late(day) + 12 for day in DAYS]
    assert min(late) >= 30
    assert max(late) <= 70
    together = sum(a == b + 24 for a, b in pairwise(late))
    assert 10 < together < 40


def test_the_api_answers_202_until_a_late_day_appears() -> None:
    fleet = Fleet(accounts=1, subusers=3, anchor=ANCHOR, kind=KINDS["gaps"])
    day = next(day for day in DAYS if fleet.hours_late(day) == 48)
    usual = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=36)
    now = usual.timestamp()
    client = TestClient(build_app(fleet, clock=lambda: now))
    headers = {"Authorization": f"Bearer {fleet.accounts[0].api_key}"}
    path = f"/v3/engagementquality/subusers/scores?date={day}&limit=10"
    statuses = []
    for hours in (0, 47.9, 48):
        now = usual.timestamp() + hours * 3600
        statuses.append(client.get(path, headers=headers).status_code)
    assert statuses == [202, 202, 200]


def test_the_kinds_about_the_exporter_are_not_of_sendgrid() -> None:
    others = {name for name, kind in KINDS.items() if not kind.is_of_sendgrid}
    assert others == {"replicas", "outage", "redeploys"}


def test_a_subuser_without_a_score_has_no_username() -> None:
    account = account_of(KINDS["flapping-4"], subusers=10)
    scores = [score for score in account.subusers_on(DAYS[3]) if not score.is_scored]
    assert scores
    assert all(score == Score(score.user_id) for score in scores)
