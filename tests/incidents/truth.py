"""Which alert each planted incident calls for, and since when its scores show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from seq_exporter.scores import Score
from seq_exporter.simulator.fleet import SimulatedAccount
from seq_exporter.simulator.incidents import INCIDENTS, Incident, Shape
from seq_exporter.simulator.users import SimulatedUser

#: How much lower than without the incident a person would call fallen; slowly, and at once.
_DECLINED = 0.5
_FELL = 1.0
#: How long after an incident an alert may still be about it: the week before is the reference for
#: the days after it, and a level that is left again looks like a decline.
ECHO_DAYS = 14

_CALLED_FOR = {
    Shape.SUDDEN: {"SeqScoreDropped", "SeqMetricScoreDropped"},
    Shape.DECLINE: {"SeqScoreDeclining", "SeqScoreDecliningLongTerm"},
    # It began before the history does: nothing says what was usual.
    Shape.RECOVERY: {"SeqScorePoor", "SeqMetricScorePoor"},
    Shape.SILENCE: {"SeqSubuserIneligible", "SeqAccountIneligible"},
}
_MANY = 3


class Truth(NamedTuple):
    """An incident, the day whose scores show it first, and what should be said of it."""

    incident: Incident
    shows_on: date
    over_on: date
    subusers: frozenset[str]
    is_of_many: bool
    alerts: frozenset[str]
    within_days: int


def find_truths(account: SimulatedAccount, anchor: date) -> list[Truth]:
    """Return the incidents of `account`; `anchor` is the day that they are dated from."""
    return [_judge(each, account, anchor) for each in INCIDENTS if each.account == account.name]


def _judge(incident: Incident, account: SimulatedAccount, anchor: date) -> Truth:
    first, last = (anchor - timedelta(days=ago) for ago in (incident.first, incident.last))
    there = account.list_on(first, 0, len(account.subusers_on(first)))
    hit = [user for user in there if incident.hits(user.username)]
    slow = incident.shape is Shape.DECLINE
    is_of_many = len(hit) >= _MANY
    named = {"SeqFleetScoreDropped"} if is_of_many else _CALLED_FOR[incident.shape]
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return Truth(
        incident,
        next(day for day in days if _shows(incident, hit or [account.owner], day)),
        last + timedelta(days=incident.heals_in + ECHO_DAYS),
        frozenset(user.username for user in hit),
        is_of_many,
        frozenset(named),
        14 if slow else 2,
    )


def _shows(incident: Incident, users: list[SimulatedUser], day: date) -> bool:
    points = _DECLINED if incident.shape is Shape.DECLINE else _FELL
    return any(points <= _loss(incident, user, day) for user in users)


def _loss(incident: Incident, user: SimulatedUser, day: date) -> float:
    """Return by how much the incident lowers the user's scores: overall, or of a few the worst."""
    others = tuple(part for part in user.incidents if part[0] is not incident)
    real, without = user.score_on(day), replace(user, incidents=others).score_on(day)
    if incident.shape is Shape.SILENCE:
        return 5.0 * (without.is_scored and not real.is_scored)
    return max(_differences(without, real), default=0.0)


def _differences(without: Score, real: Score) -> Iterator[float]:
    if without.overall is not None and real.overall is not None:
        yield round(without.overall - real.overall, 2)
