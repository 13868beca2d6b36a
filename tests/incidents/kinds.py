"""A fleet of a kind as plain data: its daily scores, when each day appears, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

from seq_exporter.score import Score
from seq_exporter.scores import METRICS
from seq_exporter.simulator.events import HISTORY_DAYS
from seq_exporter.simulator.fleet import Fleet, SimulatedAccount
from seq_exporter.simulator.incidents import Incident, Shape
from seq_exporter.simulator.kinds import KINDS, Kind
from seq_exporter.simulator.metric_scores import weigh
from seq_exporter.simulator.users import SimulatedUser

#: The day that incidents are dated from, and the vendor days that are played: day 0 is FIRST.
ANCHOR = date(2026, 1, 1)
FIRST, LAST = ANCHOR - timedelta(days=HISTORY_DAYS), ANCHOR + timedelta(days=14)
DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]

#: The account itself, where others have the name of a subuser.
OWN = ""

# promtool's rule tests take 10,000 samples for a query at most: 40 subusers fit.
_MOST_SUBUSERS = 40
# Of a larger fleet, so many parts are played: the first, which has the incidents, and the last.
_PARTS = 3

_COURSES = {
    Shape.SUDDEN: "fall",
    Shape.SLOPE: "decline",
    Shape.DECLINE: "decline",
    Shape.RECOVERY: "recovery",
    Shape.SILENCE: "silence",
}

#: An overall score and the five metric scores in the order of METRICS; None: not scored.
Row = tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class KindTruth:
    """What happened to some subusers (OWN is the account itself), in vendor days from FIRST.

    `course` is `fall`, `decline`, `recovery` (it begins bad), `silence` (no score) or `poor` (low
    from the first day on). The loss begins on `first_day`, and is over on `until_day`, None if it
    lasts. `half_day` is the first on which half a point of the overall score is lost, or None.
    `lost` is how much the overall score loses at most, `lost_metrics` how much each metric does
    then; both are without noise and rounding, and the most of any of the subusers. `losses` has
    what the same subuser loses on each vendor day, `(overall, *metrics)`.
    """

    subusers: tuple[str, ...]
    course: str
    first_day: int
    until_day: int | None
    half_day: int | None
    lost: float
    lost_metrics: Mapping[str, float]
    description: str
    losses: Sequence[tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class PlainFleet:
    """One account of a kind of fleet.

    `scores["shop-de"][12]` are the scores of vendor day 12, `(overall, *metrics)` as published, or
    None where the subuser has none; `scores[OWN]` are the account's own. Vendor day 0 is `FIRST`,
    whose midnight is hour 0; day `n` appears at `appears_hours[n]` (usually 24 * n + 36).
    """

    account: str
    scores: Mapping[str, Sequence[Row]]
    appears_hours: Sequence[int]
    truths: Sequence[KindTruth]


def list_plain_fleets(kind: str, seed: int, subusers: int | None = None) -> list[PlainFleet]:
    """Return the accounts of a kind of fleet that are played, as plain data for numpy.

    >>> fleet = list_plain_fleets("integers", 1)[0]
    >>> fleet.scores["shop-de"][12]
    (4.0, 5.0, 4.0, 4.0, 5.0, 4.0)
    >>> fleet.truths[0].subusers, fleet.truths[0].first_day, fleet.truths[0].lost
    (('shop-de',), 30, 1.5)

    `subusers` is how many an account has at most, instead of those of the kind. Raises KeyError for
    a kind that is not one of KINDS.
    """
    return [part.describe() for part in list_parts(kind, seed, subusers)]


@dataclass(frozen=True)
class Part:
    """Up to 40 subusers of an account of a kind of fleet, and its own score."""

    kind: Kind
    seed: int
    fleet: Fleet
    account: SimulatedAccount
    start: int

    @cached_property
    def users(self) -> Mapping[str, SimulatedUser]:
        """The users by name, OWN first, whether they exist on all days or on some."""
        found = {OWN: self.account.owner}
        for day in DAYS:
            for user in self._list_on(day):
                found.setdefault(user.username, user)
        return found

    def _list_on(self, day: date) -> Sequence[SimulatedUser]:
        if self.kind.subusers <= _MOST_SUBUSERS:
            return self.account.list_on(day, 0, _MOST_SUBUSERS)
        return self.account.list_on(day, self.start, _MOST_SUBUSERS)

    def appears_hour(self, day: date) -> int:
        """Return the hour, from the midnight of FIRST, at which the scores of `day` appear."""
        return (day - FIRST).days * 24 + 36 + round(self.fleet.hours_late(day))

    @cached_property
    def scores(self) -> Mapping[str, Sequence[Score]]:
        """The scores of each user, by vendor day; of a user who does not exist, without values."""
        return {
            name: [
                user.score_on(day) if user.exists_on(day) else Score(str(user.user_id))
                for day in DAYS
            ]
            for name, user in self.users.items()
        }

    @cached_property
    def truths(self) -> Sequence[KindTruth]:
        """The incidents that strike users of this part."""
        return [truth for each in self.account.incidents if (truth := self._judge(each))]

    def _judge(self, incident: Incident) -> KindTruth | None:
        hit = [
            name
            for name, user in self.users.items()
            if any(each is incident and part >= 0.3 for each, part in user.incidents)
        ]
        if not hit:
            return None
        losses = {name: list(self._list_losses(incident, self.users[name])) for name in hit}
        worst = max(hit, key=lambda name: max(row[0] for row in losses[name]))
        overall = [max(losses[name][day][0] for name in hit) for day in range(len(DAYS))]
        after = HISTORY_DAYS - incident.last + 1 + incident.heals_in
        is_lasting = incident.shape is Shape.SLOPE or after > len(DAYS)
        peak = max(losses[worst])
        return KindTruth(
            tuple(hit),
            "poor" if incident.first > 2 * HISTORY_DAYS else _COURSES[incident.shape],
            max(HISTORY_DAYS - incident.first, 0),
            None if is_lasting else after,
            next((day for day, lost in enumerate(overall) if lost >= 0.5), None),
            round(peak[0], 2),
            {metric: round(lost, 2) for metric, lost in zip(METRICS, peak[1:], strict=True)},
            incident.description,
            losses[worst],
        )

    def _list_losses(self, incident: Incident, user: SimulatedUser) -> Iterator[tuple[float, ...]]:
        others = tuple(part for part in user.incidents if part[0] is not incident)
        spared = replace(user, incidents=others)
        for day in DAYS:
            before, after = spared.levels_on(day), user.levels_on(day)
            lost = (b - a for b, a in zip(before, after, strict=True))
            yield (weigh(before) - weigh(after), *lost)

    def describe(self) -> PlainFleet:
        """Return the part as plain data."""
        rows = {name: [_row(score) for score in scores] for name, scores in self.scores.items()}
        hours = [self.appears_hour(day) for day in DAYS]
        return PlainFleet(self.account.name, rows, hours, self.truths)


def _row(score: Score) -> Row:
    if score.overall is None:
        return None
    return (score.overall, *(value for value in score.metrics if value is not None))


def list_parts(kind_name: str, seed: int, subusers: int | None = None) -> list[Part]:
    """Return what is played of a kind of fleet, with so many subusers if it has not fewer."""
    kind = KINDS[kind_name]
    if subusers is not None:
        kind = replace(kind, subusers=min(subusers, kind.subusers))
    if kind.has_stuck_replica:  # each subuser is there twice
        kind = replace(kind, subusers=min(kind.subusers, _MOST_SUBUSERS // 2))
    accounts = 3 if kind.has_default_incidents else 1
    fleet = Fleet(seed, accounts, kind.subusers, anchor=ANCHOR, kind=kind)
    starts = [0]
    if kind.subusers > _MOST_SUBUSERS:
        step = (kind.subusers - 2 * _MOST_SUBUSERS) // (_PARTS - 1)
        starts = [step * number for number in range(_PARTS)]
    return [
        Part(kind, seed, fleet, account, start) for account in fleet.accounts for start in starts
    ]
