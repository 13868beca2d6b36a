"""The alerts and notifications of a part of a fleet beside its truth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from seq_exporter.scores import METRICS
from seq_exporter.simulator.kinds import Kind
from tests.incidents.dispatch import Message, dispatch
from tests.incidents.kinds import DAYS, OWN, KindTruth, Part
from tests.incidents.notifications import Alertmanager
from tests.incidents.replay import Firing, replay
from tests.incidents.timeline import Timeline, list_outages

#: What has to be told: falls of so many points that last so long, declines of so many.
CLEAR_FALL_POINTS = 1.5
LASTING_DAYS = 10
DECLINE_POINTS = 1.0
#: A planned loss moves a little with the waves of its subuser's scores.
_SLACK = 0.05

# A fall has to be told within so many scored days, a decline within so many days.
_FALL_DAYS, _FALL_DAYS_FLAPPING, _DECLINE_DAYS = 2, 4, 14

# How long after an incident an alert may still be about it: the two weeks before are the reference
# for the days after it, and a level that is left again looks like a decline.
_ECHO_DAYS = 14
# After so many days, a level that lasts is the usual one of the week before.
_NEW_LEVEL_DAYS = 7
_QUARTER_DAYS = 91
# An alert on a poor score is about the fall that led to it, and later about a lasting condition.
_NEWS_DAYS = 14
# The rules' threshold and a tenth: whether 2.0 or 2.1 is poor is no difference.
_POOR = 2.1
_USUAL_HOURS = 12
# A notification waits so long for others of its group.
_GROUP_WAIT_HOURS = 1 / 60

_IS_ON_SCORES = re.compile(r"Seq(Score(?!sStale)|MetricScore|FleetScore|AccountScore)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an incident: days until somebody was told (None: never), how often.

    `is_required` says whether it has to be told, `is_in_time` whether it was, in time.
    `resolved_early` is True if it was reported resolved with over half of the loss still there.
    """

    truth: KindTruth
    is_required: bool
    is_in_time: bool
    days: float | None
    notifications: int
    resolved_early: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a part of a fleet; `conditions` counts notifications in the worst quarter.

    `conditions["shop-de"]` are those on the lasting poor score of a subuser.
    """

    outcomes: Sequence[Outcome]
    false_alarms: Sequence[Firing]
    conditions: Counter[str]
    subuser_years: float


def judge_part(part: Part, promtool: str, alertmanager: str, folder: Path) -> Verdict:
    """Play a part of a fleet through the shipped rules and the shipped file of Alertmanager."""
    timeline = Timeline(part)
    firings = replay(timeline, promtool, folder)
    with Alertmanager(alertmanager, folder) as running:
        messages = dispatch(running, firings, timeline.hours)
    return judge(part, timeline, firings, messages)


def judge(
    part: Part, timeline: Timeline, firings: Sequence[Firing], messages: Sequence[Message]
) -> Verdict:
    """Return what the alerts and notifications of a part of a fleet are worth."""
    return _Judge(part, timeline).judge(firings, messages)


class _Judge:
    def __init__(self, part: Part, timeline: Timeline) -> None:
        self._part = part
        self._timeline = timeline

    def judge(self, firings: Sequence[Firing], messages: Sequence[Message]) -> Verdict:
        scored = sum(score.is_scored for scores in self._part.scores.values() for score in scores)
        return Verdict(
            [self._follow(truth, messages) for truth in self._part.truths],
            [firing for firing in firings if not self._is_right(firing)],
            self._count_conditions(messages),
            scored / 365,
        )

    # One incident

    def _follow(self, truth: KindTruth, messages: Sequence[Message]) -> Outcome:
        about = [m for m in messages if any(self._is_news(f, truth) for f in m.causes)]
        told = [m for m in about if any(self._is_news(f, truth) for f in m.firing)]
        deadline = self._find_deadline(truth)
        shown = self._first_hour(truth)
        days = (told[0].hour - shown) / 24 if told and shown is not None else None
        return Outcome(
            truth,
            deadline is not None,
            bool(deadline is not None and told and told[0].hour <= deadline + _GROUP_WAIT_HOURS),
            days,
            len(about),
            any(self._is_early(f, truth, m.hour) for m in messages for f in m.resolved),
        )

    def _find_deadline(self, truth: KindTruth) -> float | None:
        """Return the hour by which somebody has to be told, None if nobody has to be."""
        hours = self._shown_hours(truth, truth.first_day)
        if not hours:
            return None
        if truth.course == "decline":
            if truth.lost < DECLINE_POINTS - _SLACK or truth.half_day is None:
                return None
            hours = self._shown_hours(truth, truth.half_day)
            deadline = hours[0] + 24 * _DECLINE_DAYS if hours else None
        elif truth.course == "fall":
            end = truth.until_day or len(DAYS)
            is_short = truth.until_day is not None and end - truth.first_day < LASTING_DAYS
            if is_short or truth.lost < CLEAR_FALL_POINTS - _SLACK:
                return None
            days = _FALL_DAYS_FLAPPING if _is_flapping(self._part.kind) else _FALL_DAYS
            if len(hours) < days:
                return None
            # A day and not two after the last of the scored days that it takes to see the fall,
            # of which some appear late, or not at all, if several appear at once.
            deadline = max(hours[0] + 24 * days, hours[days - 1] + 24)
        else:
            return None
        return deadline if deadline is not None and deadline < self._timeline.hours else None

    def _first_hour(self, truth: KindTruth) -> int | None:
        """Return when the incident shows first, None if it does not."""
        if truth.course == "silence":
            return self._part.appears_hour(DAYS[truth.first_day])
        return min(self._shown_hours(truth, truth.first_day), default=None)

    def _shown_hours(self, truth: KindTruth, since_day: int) -> list[int]:
        """Return when the scored days of who was hit appeared, from `since_day` on.

        Of several, it is the one whose scores appear first.
        """
        found = [
            [hour for day, hour in self._timeline.list_shown(name) if day >= since_day]
            for name in truth.subusers
        ]
        return min((hours for hours in found if hours), default=[])

    def _is_about(self, firing: Firing, truth: KindTruth) -> bool:
        """Whether the incident can be behind the alert."""
        is_on_scores = bool(_IS_ON_SCORES.match(firing.name))
        if truth.course == "poor":
            return firing.labels.get("subuser") in truth.subusers and "Poor" in firing.name
        if is_on_scores == (truth.course == "silence"):
            return False
        subuser = firing.labels.get("subuser")
        is_hit = (
            subuser in truth.subusers
            if subuser
            else OWN in truth.subusers or (len(truth.subusers) > 2 and "Fleet" in firing.name)
        )
        shown = self._first_hour(truth)
        if not is_hit or shown is None:
            return False
        return shown <= firing.start <= self._find_end(firing, truth)

    def _find_end(self, firing: Firing, truth: KindTruth) -> int:
        """Return the last hour at which such an alert that begins may be about the incident.

        A score that has fallen for good is the usual one after some time: only what compares it
        with months before is about the fall then.
        """
        until = truth.until_day
        if until is None and not (truth.course == "silence" or "Declin" in firing.name):
            whole = max(row[0] for row in truth.losses)
            reached = next(n for n, row in enumerate(truth.losses) if row[0] >= 0.9 * whole)
            is_fall = truth.course == "fall"
            until = (truth.first_day if is_fall else reached) + _NEW_LEVEL_DAYS
        shown = [] if until is None else self._shown_hours(truth, until)
        return (shown[0] if shown else self._timeline.hours) + 24 * _ECHO_DAYS

    def _is_news(self, firing: Firing, truth: KindTruth) -> bool:
        """Whether the alert is about the incident, and not about the condition it left."""
        if not self._is_about(firing, truth):
            return False
        if truth.course == "poor":
            return True
        shown = self._first_hour(truth)
        is_late = shown is not None and firing.start > shown + 24 * _NEWS_DAYS
        return not ("Poor" in firing.name and is_late)

    def _is_early(self, firing: Firing, truth: KindTruth, hour: float) -> bool:
        """Whether a fall is reported resolved while over half of its loss is still there."""
        if truth.course != "fall" or "Dropped" not in firing.name:
            return False
        if not self._is_about(firing, truth):
            return False
        name = firing.labels.get("subuser") or truth.subusers[0]
        day = self._timeline.shown_day(name, int(hour))
        if day is None:
            return False
        metric = firing.labels.get("metric")
        column = 1 + METRICS.index(metric) if metric else 0
        whole = max(row[column] for row in truth.losses)
        return whole >= 0.5 and truth.losses[day][column] > whole / 2

    # What is told besides

    def _is_right(self, firing: Firing) -> bool:
        if firing.labels["severity"] == "none":
            return True  # it mutes others, and reaches nobody
        if any(self._is_about(firing, truth) for truth in self._part.truths):
            return True
        if _IS_ON_SCORES.match(firing.name):
            return self._is_condition(firing)
        subuser = firing.labels.get("subuser")
        if subuser:
            return self._is_away(subuser, firing.start)
        return self._is_operational(firing)

    def _is_condition(self, firing: Firing) -> bool:
        """Whether the alert is on a poor score that was poor most of the week before or after."""
        if "Poor" not in firing.name:
            return False
        name = firing.labels.get("subuser", OWN)
        metric = firing.labels.get("metric")
        shown = self._timeline.list_shown(name)
        before = [day for day, hour in shown if hour <= firing.start][-7:]
        after = [day for day, hour in shown if hour >= firing.start][:7]
        for days in (before, after):
            scores = [self._part.scores[name][day] for day in days]
            values = [s.metrics[METRICS.index(metric)] if metric else s.overall for s in scores]
            known = [value for value in values if value is not None]
            if known and median(known) <= _POOR:
                return True
        return False

    def _is_away(self, name: str, hour: int) -> bool:
        """Whether a subuser has lost its score for longer, or does not exist any more."""
        day = self._timeline.shown_day(name, hour)
        user = self._part.users[name]
        before = [] if day is None else range(max(day - 9, 0), day + 1)
        return any(
            not user.exists_on(DAYS[each]) or not user.is_eligible_on(DAYS[each]) for each in before
        )

    def _is_operational(self, firing: Firing) -> bool:
        """Whether SendGrid or an exporter fails, as an alert on neither scores nor users tells."""
        kind = self._part.kind
        outages = list_outages(kind)
        if any(start <= firing.start <= end + 24 for start, end in outages):
            return True
        if kind.has_stuck_replica:
            return "Stale" not in firing.name or firing.labels["severity"] != "critical"
        if "Stale" in firing.name or "Ineligible" in firing.name:
            scope = firing.labels.get("scope", "own")
            day = self._timeline.shown[scope][firing.start]
            usual = max(kind.late_hours) if kind.late_hours else _USUAL_HOURS
            return day is None or firing.start - 24 * day > 72 + usual
        return False

    def _count_conditions(self, messages: Sequence[Message]) -> Counter[str]:
        """Count the notifications on each subuser's lasting poor score, in its worst quarter."""
        hours: dict[str, set[float]] = {}
        truths = [truth for truth in self._part.truths if truth.course != "poor"]
        for message in messages:
            for firing in message.causes:
                if "Poor" in firing.name and not any(self._is_news(firing, t) for t in truths):
                    hours.setdefault(firing.labels.get("subuser", OWN), set()).add(message.hour)
        quarter = 24 * _QUARTER_DAYS
        return Counter(
            {
                name: max(sum(a <= b < a + quarter for b in found) for a in found)
                for name, found in hours.items()
            }
        )


def _is_flapping(kind: Kind) -> bool:
    return kind.scored_days < 7 or kind.every_other_day
