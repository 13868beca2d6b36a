"""The simulated fleet: its scores have a history, which is the same in every process."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.score import Score
from seq_exporter.scores import METRICS
from seq_exporter.simulator.fleet import Fleet, SimulatedAccount, render_config
from seq_exporter.simulator.incidents import INCIDENTS, Incident, Shape

ANCHOR = date(2026, 11, 5)
DEFAULT = Fleet(anchor=ANCHOR)
KETTLEWICK, TALLYFERN, POSTMILL = DEFAULT.accounts


def ago(days: int) -> date:
    return ANCHOR - timedelta(days=days)


def account_of(incident: Incident, fleet: Fleet = DEFAULT) -> SimulatedAccount:
    return next(account for account in fleet.accounts if account.name == incident.account)


def score_of(account: SimulatedAccount, username: str, day: date) -> Score:
    subuser = account.find_username(username, day)
    assert subuser is not None
    return subuser.score_on(day)


def overall_of(account: SimulatedAccount, username: str, day: date) -> float:
    overall = score_of(account, username, day).overall
    assert overall is not None
    return overall


def names_on(account: SimulatedAccount, day: date) -> list[str]:
    return [subuser.username for subuser in account.list_on(day, 0, 1000)]


# Reproducibility


def test_a_day_is_the_same_in_every_process() -> None:
    assert KETTLEWICK.subusers_on(ago(2))[:2] == [
        Score("1814081", "shop-de", 2.8, (1.0, 3.4, 4.3, 4.1, 4.6)),
        Score("1814133", "newsletter-uk", 4.5, (4.3, 4.4, 4.8, 5.0, 4.6)),
    ]
    assert KETTLEWICK.owner.score_on(ago(2)) == Score(
        "1814041", "kettlewick", 4.0, (3.4, 4.5, 4.9, 4.1, 4.2)
    )
    assert KETTLEWICK.api_key.startswith("SG.gxlTa6")


def test_another_seed_gives_another_fleet() -> None:
    other = Fleet(seed=2, anchor=ANCHOR).accounts[0]
    assert other.api_key != KETTLEWICK.api_key
    assert other.owner.user_id != KETTLEWICK.owner.user_id
    assert other.owner.score_on(ago(2)).metrics != KETTLEWICK.owner.score_on(ago(2)).metrics
    assert names_on(other, ago(2)) != []


def test_a_subuser_is_the_same_in_a_larger_fleet() -> None:
    bigger = Fleet(accounts=5, subusers=100, anchor=ANCHOR).accounts[0]
    assert bigger.api_key == KETTLEWICK.api_key
    known = len(KETTLEWICK.subusers_on(ago(2)))
    assert bigger.subusers_on(ago(2))[:known] == KETTLEWICK.subusers_on(ago(2))


# Accounts and subusers


def test_accounts_beyond_the_third_are_numbered() -> None:
    names = [account.name for account in Fleet(accounts=5, subusers=0, anchor=ANCHOR).accounts]
    assert names == ["kettlewick", "tallyfern", "postmill", "account-4", "account-5"]
    assert [account.owner.username for account in DEFAULT.accounts] == names[:3]


def test_keys_have_the_format_of_sendgrid_keys() -> None:
    keys = [account.api_key for account in Fleet(accounts=20, subusers=0, anchor=ANCHOR).accounts]
    assert len(set(keys)) == 20
    for key in keys:
        assert re.fullmatch(r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", key)


def test_usernames_describe_the_mail() -> None:
    assert names_on(KETTLEWICK, ago(0))[:3] == ["shop-de", "newsletter-uk", "outlet-fr"]
    assert names_on(TALLYFERN, ago(0))[:3] == ["billing", "onboarding-eu", "alerts-us"]
    assert names_on(POSTMILL, ago(0))[:3] == ["bakery-leeds", "florist-york", "gym-bath"]


def test_repeated_usernames_are_numbered() -> None:
    many = Fleet(accounts=1, subusers=2_000, anchor=ANCHOR).accounts[0]
    names = [subuser.username for subuser in many.list_on(ago(0), 0, 2_000)]
    assert len(set(names)) == len(names)
    assert "shop-de-2" in names
    assert all(re.fullmatch(r"[a-z]+-[a-z]{2}(-[0-9]+)?", name) for name in names)


@pytest.mark.parametrize("account", DEFAULT.accounts, ids=lambda account: account.name)
def test_user_ids_are_ascending_numbers_with_gaps(account: SimulatedAccount) -> None:
    ids = [int(score.user_id) for score in account.subusers_on(ago(2))]
    steps = {following - number for number, following in pairwise(ids)}
    assert min(steps) > 0
    assert len(steps) > 10
    assert account.owner.user_id < ids[0]


def test_subusers_counts_every_subuser_that_ever_exists() -> None:
    ever = {name for days in range(91) for name in names_on(KETTLEWICK, ago(days))}
    assert len(ever) == 40
    assert len(names_on(Fleet(subusers=10, anchor=ANCHOR).accounts[0], ago(0))) == 10
    assert Fleet(subusers=0, anchor=ANCHOR).accounts[0].subusers_on(ago(0)) == []


@pytest.mark.parametrize("account", DEFAULT.accounts, ids=lambda account: account.name)
def test_some_subusers_are_created_and_some_deleted(account: SimulatedAccount) -> None:
    days = [set(names_on(account, ago(number))) for number in range(90, -1, -1)]
    assert days[-1] - days[0], "no subuser is created"
    assert days[0] - days[-1], "no subuser is deleted"
    for name in set().union(*days):
        changes = sum((name in a) != (name in b) for a, b in pairwise(days))
        assert changes <= 1, f"{name} is created or deleted more than once"


def test_a_created_subuser_has_no_score_for_7_days() -> None:
    (username,) = set(names_on(KETTLEWICK, ago(0))[:12]) - set(names_on(KETTLEWICK, ago(90)))
    created = max(days for days in range(91) if username in names_on(KETTLEWICK, ago(days)))
    scored = [score_of(KETTLEWICK, username, ago(created - age)).is_scored for age in range(9)]
    assert scored == [False] * 7 + [True] * 2


@pytest.mark.parametrize("days", [1, 45, 90])
def test_about_8_in_100_subusers_are_not_eligible(days: int) -> None:
    scores = Fleet(accounts=1, subusers=2_000, anchor=ANCHOR).accounts[0].subusers_on(ago(days))
    silent = [score for score in scores if not score.is_scored]
    assert 0.065 < len(silent) / len(scores) < 0.105
    assert silent[0] == Score(silent[0].user_id)


def test_some_subusers_never_have_a_score_and_some_lack_one_for_weeks() -> None:
    ineligible = {
        subuser.username: [
            not subuser.score_on(ago(days)).is_scored
            for days in range(90, -1, -1)
            if subuser.exists_on(ago(days))
        ]
        for subuser in KETTLEWICK.list_on(ago(0), 0, 40)
    }
    assert all(ineligible["giftcards-at"])  # sends too little mail
    season = ineligible["loyalty-it"]
    changes = sum(a != b for a, b in pairwise(season))
    assert 0.2 < sum(season) / len(season) < 0.8
    assert 1 <= changes <= 4


# Scores


@pytest.mark.parametrize("account", DEFAULT.accounts, ids=lambda account: account.name)
@pytest.mark.parametrize("days", [-40, 0, 1, 3, 44, 90, 1000])
def test_scores_are_from_1_to_5_with_one_decimal(account: SimulatedAccount, days: int) -> None:
    for score in (*account.subusers_on(ago(days)), account.owner.score_on(ago(days))):
        if score.is_scored:
            for value in (score.overall, *score.metrics):
                assert value is not None
                assert 1 <= value <= 5
                assert value == round(value, 1)


def test_the_overall_score_is_a_mean_with_the_lowest_metric_counted_three_times() -> None:
    score = score_of(KETTLEWICK, "shop-de", ago(2))
    assert score.metrics == (1.0, 3.4, 4.3, 4.1, 4.6)
    assert score.overall == round((3 * 1.0 + 3.4 + 4.3 + 4.1 + 4.6) / 7, 1)


def test_without_incidents_scores_drift_but_do_not_jump() -> None:
    account = Fleet(accounts=4, subusers=60, anchor=ANCHOR).accounts[3]
    ranges = []
    for subuser in account.list_on(ago(90), 0, 60):
        scores = [subuser.score_on(ago(days)).overall for days in range(90, -1, -1)]
        values = [value for value in scores if value is not None]
        for value, following in pairwise(scores):
            if value is not None and following is not None:
                assert abs(value - following) <= 0.3
        if len(values) == len(scores):
            ranges.append(max(values) - min(values))
    assert min(ranges) >= 0.1
    assert sum(ranges) / len(ranges) >= 0.3


def test_each_metric_moves_on_its_own() -> None:
    days = [score_of(TALLYFERN, "billing", ago(days)).metrics for days in range(60)]
    series = list(zip(*days, strict=True))
    assert len(set(series)) == len(METRICS)
    assert all(len(set(values)) > 2 for values in series)


def test_subusers_have_different_scores() -> None:
    overall = [score.overall for score in KETTLEWICK.subusers_on(ago(45)) if score.overall]
    assert min(overall) < 3.2
    assert max(overall) > 4.4


def test_the_account_has_no_own_score_while_it_sends_no_mail() -> None:
    scored = [TALLYFERN.owner.score_on(ago(days)).is_scored for days in (77, 76, 70, 63, 62)]
    assert scored == [True, False, False, False, True]
    assert TALLYFERN.owner.score_on(ago(70)) == Score(str(TALLYFERN.owner.user_id))


# Incidents


@pytest.mark.parametrize(
    ("account", "username", "metric", "by_days_ago"),
    [
        (
            KETTLEWICK,
            "loyalty-es",
            "spam_rate",
            {89: (4.6, 4.5), 88: (1.2, 2.9), 60: (3.1, 3.8), 36: (4.3, 4.3)},
        ),
        (
            TALLYFERN,
            "webinars-uk",
            "bounce_classification",
            {48: (4.0, 4.4), 47: (1.0, 2.6), 41: (1.0, 2.6), 40: (1.2, 2.8), 31: (4.3, 4.5)},
        ),
        (
            TALLYFERN,
            "webinars-uk",
            "spam_rate",
            {48: (4.7, 4.4), 47: (1.8, 2.6), 41: (1.4, 2.6), 40: (1.8, 2.8), 31: (5.0, 4.5)},
        ),
        (
            TALLYFERN,
            "onboarding-eu",
            "engagement_recency",
            {45: (4.1, 4.3), 40: (4.1, 4.3), 20: (3.3, 3.7), 10: (2.6, 3.1), 1: (1.6, 2.2)},
        ),
        (
            POSTMILL,
            "hotel-truro",
            "bounce_rate",
            {61: (4.5, 4.4), 60: (1.1, 2.9), 52: (1.2, 3.0), 51: (1.6, 3.1), 39: (4.7, 4.4)},
        ),
        (
            KETTLEWICK,
            "newsletter-uk",
            "bounce_rate",
            {26: (4.6, 4.5), 25: (1.2, 3.0), 16: (1.4, 3.0), 15: (1.8, 3.2), 8: (5.0, 4.6)},
        ),
        (
            KETTLEWICK,
            "shop-de",
            "engagement_recency",
            {5: (4.0, 4.2), 4: (1.0, 2.8), 0: (1.0, 2.8), -10: (1.0, 2.7), -31: (4.7, 4.4)},
        ),
        (
            KETTLEWICK,
            "shop-de",
            "open_rate",
            {5: (4.5, 4.2), 4: (3.5, 2.8), 0: (3.4, 2.8), -10: (3.6, 2.7), -31: (4.4, 4.4)},
        ),
        (
            POSTMILL,
            "bakery-leeds",
            "bounce_classification",
            {4: (4.6, 4.5), 3: (1.1, 3.0), 0: (1.1, 2.9), -3: (1.2, 3.0), -9: (4.5, 4.5)},
        ),
        (
            POSTMILL,
            "brewery-ely",
            "bounce_classification",
            {4: (4.6, 4.5), 3: (1.2, 3.1), 0: (1.1, 3.0), -3: (1.3, 3.0), -9: (4.5, 4.4)},
        ),
    ],
)
def test_an_incident_lowers_scores_on_its_days_and_not_before(
    account: SimulatedAccount,
    username: str,
    metric: str,
    by_days_ago: dict[int, tuple[float, float]],
) -> None:
    scores = {days: score_of(account, username, ago(days)) for days in by_days_ago}
    assert {
        days: (score.metrics[METRICS.index(metric)], score.overall)
        for days, score in scores.items()
    } == by_days_ago


SUDDEN = [incident for incident in INCIDENTS if incident.shape is Shape.SUDDEN]


@given(seed=st.integers(0, 10_000), incident=st.sampled_from(SUDDEN))
def test_a_sudden_incident_costs_a_point_with_any_seed(seed: int, incident: Incident) -> None:
    account = account_of(incident, Fleet(seed=seed, subusers=10, anchor=ANCHOR))
    before, first = ago(incident.first + 1), ago(incident.first)
    hit = [name for name in names_on(account, first) if incident.hits(name)]
    assert hit
    for name in hit:
        assert overall_of(account, name, before) - overall_of(account, name, first) >= 1


def test_one_incident_lowers_many_subusers_and_the_account() -> None:
    scored = [score for score in POSTMILL.subusers_on(ago(4)) if score.overall]
    after = {score.username: score.overall for score in POSTMILL.subusers_on(ago(3))}
    fallen = [
        score.username
        for score in scored
        if score.overall and (now := after.get(score.username)) and score.overall - now >= 1
    ]
    assert len(fallen) > len(scored) / 4
    assert {str(name).split("-")[0] for name in fallen} <= {"bakery", "florist", "gym", "brewery"}
    own = [POSTMILL.owner.score_on(ago(days)).overall for days in (4, 3)]
    assert own == [4.3, 2.9]


def test_a_silent_subuser_loses_its_score() -> None:
    assert score_of(KETTLEWICK, "reviews-at", ago(3)).is_scored
    assert not score_of(KETTLEWICK, "reviews-at", ago(2)).is_scored
    assert not score_of(KETTLEWICK, "reviews-at", ago(0)).is_scored


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.description)
def test_every_incident_affects_a_fleet_of_10_subusers(incident: Incident) -> None:
    account = account_of(incident, Fleet(subusers=10, anchor=ANCHOR))
    for glob in incident.subusers:
        alone = Incident("", incident.account, (glob,), 0, 0, Shape.SUDDEN)
        hit = [name for name in names_on(account, ago(0)) if alone.hits(name)]
        assert hit, f"no subuser matches {glob}"
    assert incident.subusers or incident.own_share
    assert set(incident.drops) <= set(METRICS)
    assert incident.first >= incident.last


@pytest.mark.parametrize(
    ("shape", "strengths"),
    [
        (Shape.SUDDEN, [0, 1, 1, 1, 0.5, 0]),
        (Shape.DECLINE, [0, 0, 0.25, 1, 0.5, 0]),
        (Shape.RECOVERY, [0, 1, 0.5, 0, 0, 0]),
        (Shape.SILENCE, [0, 1, 1, 1, 0, 0]),
    ],
    ids=lambda value: value.name if isinstance(value, Shape) else "",
)
def test_the_shape_determines_the_strength_of_each_day(
    shape: Shape, strengths: list[float]
) -> None:
    incident = Incident("", "kettlewick", (), first=10, last=8, shape=shape, heals_in=1)
    assert [incident.strength_on(days) for days in range(11, 5, -1)] == strengths


# Pages


@pytest.mark.parametrize("limit", [1, 7, 39, 40])
def test_all_pages_together_are_the_whole_day(limit: int) -> None:
    found: list[Score] = []
    after_id, has_more = 0, True
    while has_more:
        page = KETTLEWICK.page_on(ago(2), after_id, limit)
        assert len(page.scores) <= limit
        found += page.scores
        after_id, has_more = int(page.scores[-1].user_id), page.has_more
    assert found == KETTLEWICK.subusers_on(ago(2))


def test_a_page_can_start_between_two_users_and_after_the_last() -> None:
    first, second = KETTLEWICK.subusers_on(ago(2))[:2]
    for after_id in (int(first.user_id), int(second.user_id) - 1):
        assert KETTLEWICK.page_on(ago(2), after_id, 1) == ([second], True)
    assert KETTLEWICK.page_on(ago(2), 10**9, 1) == ([], False)


def calls_in(action: Callable[[], object]) -> int:
    """Return how many calls of Python functions, not C functions, `action` makes."""
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


def test_every_page_of_100000_subusers_costs_the_same() -> None:
    account = Fleet(accounts=1, subusers=100_000, anchor=ANCHOR).accounts[0]
    day = ago(30)
    middle = account.list_on(day, 50_000, 1)[0].user_id
    at_the_start = calls_in(lambda: account.page_on(day, 0, 100))
    in_the_middle = calls_in(lambda: account.page_on(day, middle, 100))
    of_one = calls_in(lambda: account.page_on(day, middle, 1))
    assert 0.8 < in_the_middle / at_the_start < 1.2
    assert of_one < at_the_start / 5
    assert calls_in(lambda: account.list_on(day, 90_000, 100)) < at_the_start


# Lookup


def test_a_subuser_is_found_by_username_and_by_id() -> None:
    for subuser in KETTLEWICK.list_on(ago(0), 0, 40):
        assert KETTLEWICK.find_username(subuser.username, ago(0)) == subuser
        assert KETTLEWICK.find_id(subuser.user_id, ago(0)) == subuser


@pytest.mark.parametrize("user_id", [0, 1814080, 1814082, 10**12])
def test_an_id_in_a_gap_is_not_found(user_id: int) -> None:
    assert KETTLEWICK.find_id(user_id, ago(0)) is None


def test_a_deleted_subuser_is_not_found() -> None:
    (username,) = set(names_on(KETTLEWICK, ago(90))) - set(names_on(KETTLEWICK, ago(0)))
    deleted = KETTLEWICK.find_username(username, ago(90))
    assert deleted is not None
    assert KETTLEWICK.find_username(username, ago(0)) is None
    assert KETTLEWICK.find_id(deleted.user_id, ago(0)) is None
    assert KETTLEWICK.find_username("nobody", ago(0)) is None


# Arguments and configuration


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"accounts": 0}, "a fleet has at least 1 account, not 0"),
        ({"subusers": -1}, "an account has 0 to 1000000 subusers, not -1"),
        ({"subusers": 1_000_001}, "an account has 0 to 1000000 subusers, not 1000001"),
    ],
)
def test_a_fleet_refuses_numbers_out_of_range(numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Fleet(**numbers, anchor=ANCHOR)


def test_the_configuration_has_every_account() -> None:
    text = render_config(DEFAULT, "http://127.0.0.1:8080")
    assert text.startswith(
        "# Accounts of a simulated SendGrid.\naccounts:\n  - name: kettlewick\n    api_key: SG."
    )
    assert yaml.safe_load(text) == {
        "accounts": [
            {
                "name": account.name,
                "api_key": account.api_key,
                "base_url": "http://127.0.0.1:8080",
            }
            for account in DEFAULT.accounts
        ]
    }
