"""Alerts and notifications beside the truth: what was found, when, and what was said in vain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from seq_exporter.simulator.fleet import SimulatedAccount
from tests.incidents.notifications import Alertmanager, Notification
from tests.incidents.past import APPEARS_AFTER_HOURS, Past
from tests.incidents.replay import Firing, replay
from tests.incidents.truth import Truth, find_truths

#: The day that incidents are dated from. Some begin just before it: two weeks more are played.
ANCHOR = date(2026, 1, 1)
FIRST, LAST = ANCHOR - timedelta(days=89), ANCHOR + timedelta(days=14)
_WEEK = 7


class Finding(NamedTuple):
    """What became of an incident: days until its alert (None: never), how often it was told."""

    truth: Truth
    alert: str
    days: float | None
    notifications: int

    @property
    def is_in_time(self) -> bool:
        """Whether somebody was told, and in time."""
        return self.days is not None and self.days <= self.truth.within_days


class Judgement(NamedTuple):
    """What was found of one account."""

    findings: Sequence[Finding]
    false_alarms: Sequence[Firing]
    subuser_years: float


def judge(account: SimulatedAccount, promtool: str, alertmanager: str, folder: Path) -> Judgement:
    """Play the account's past through the shipped rules and the shipped Alertmanager's file."""
    firings = replay(Past(account, FIRST, LAST), promtool, folder)
    with Alertmanager(alertmanager, folder) as running:
        notifications = list(running.notify(firings))
    truths = find_truths(account, ANCHOR)
    return Judgement(
        [_find(truth, firings, notifications) for truth in truths],
        [
            firing
            for firing in firings
            if not any(_is_about(firing, truth) for truth in truths)
            and not _has_paused(firing, account)
        ],
        _count_years(account),
    )


def _find(
    truth: Truth, firings: Sequence[Firing], notifications: Sequence[Notification]
) -> Finding:
    right = [
        firing for firing in firings if firing.name in truth.alerts and _is_about(firing, truth)
    ]
    told = [
        notification
        for notification in notifications
        if any(_is_about(firing, truth) for firing in notification.alerts)
    ]
    if not right:
        return Finding(truth, "", None, len(told))
    return Finding(truth, right[0].name, _since(truth, right[0]), len(told))


def _since(truth: Truth, firing: Firing) -> float:
    """Return how many days after its scores showed the incident the alert fired."""
    shown = (truth.shows_on - FIRST).days * 24 + APPEARS_AFTER_HOURS
    return (firing.start - shown) / 24


def _is_about(firing: Firing, truth: Truth) -> bool:
    """Whether the incident is behind the alert: it struck this subuser, or the account itself."""
    subuser = firing.labels.get("subuser")
    began = ANCHOR - timedelta(days=truth.incident.first)
    is_hit = (
        subuser in truth.subusers if subuser else truth.is_of_many or truth.incident.own_share > 0
    )
    return is_hit and began <= _day_of(firing) <= truth.over_on


def _has_paused(firing: Firing, account: SimulatedAccount) -> bool:
    """Whether the alert tells that a subuser has lost its score, and so it is: it hardly sends."""
    if firing.name != "SeqSubuserIneligible":
        return False
    day = _day_of(firing)
    user = account.find_username(firing.labels["subuser"], day)
    if user is None:
        return False
    before = [day - timedelta(days=number) for number in range(1, _WEEK + 3)]
    return not user.score_on(day).is_scored and any(user.score_on(d).is_scored for d in before)


def _day_of(firing: Firing) -> date:
    """Return the day whose scores are shown when the alert begins."""
    return FIRST + timedelta(days=(firing.start - APPEARS_AFTER_HOURS) // 24)


def _count_years(account: SimulatedAccount) -> float:
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    scored = sum(score.is_scored for day in days for score in account.subusers_on(day))
    return scored / 365
