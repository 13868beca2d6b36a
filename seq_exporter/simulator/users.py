"""One simulated user, an account or a subuser: whether it exists and its score, on any day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from seq_exporter.score import Score
from seq_exporter.scores import METRICS
from seq_exporter.simulator.incidents import Incident, Shape
from seq_exporter.simulator.kinds import DEFAULT, Kind
from seq_exporter.simulator.metric_scores import (
    latent_scores_on,
    limit_score,
    metric_scores_on,
    overall_score,
)
from seq_exporter.simulator.randomness import draw_numbers
from seq_exporter.simulator.variation import flaps, vary_scores

#: The first subusers of each account, this many, exist on every day, are eligible for a score and
#: send good mail, so incidents always have subusers to affect.
GOOD_SENDERS = 10

# A new subuser has to send for some days before it is eligible.
_DAYS_UNTIL_ELIGIBLE = 7


class Lifecycle(Enum):
    """What happens to a subuser in the 90 days that SendGrid keeps."""

    STEADY = "exists and is eligible on every day"
    CREATED = "is created on one of the days"
    DELETED = "is deleted on one of the days"
    SEASONAL = "is eligible for some weeks, then ineligible for as many"
    QUIET = "is never eligible: it sends too little mail"


# By index and not at random, so even a small fleet has each of them.
_LIFECYCLES_OF_25 = {
    11: Lifecycle.CREATED,
    14: Lifecycle.SEASONAL,
    17: Lifecycle.QUIET,
    20: Lifecycle.DELETED,
    23: Lifecycle.SEASONAL,
}


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """An account itself or one of its subusers; `seed` determines its random numbers.

    `incidents` are those that affect it, each with the part (0..1) of its drops that applies.
    `anchor` is the day that the fleet's history is dated from, `kind` how its scores vary.
    """

    user_id: int
    username: str
    email: str
    seed: str
    lifecycle: Lifecycle
    is_good_sender: bool
    anchor: date
    incidents: tuple[tuple[Incident, float], ...]
    kind: Kind = DEFAULT

    def exists_on(self, day: date) -> bool:
        """Return whether the user exists on `day`: is created and not yet deleted."""
        return exists(self.lifecycle, self.seed, self._days_ago(day))

    def score_on(self, day: date) -> Score:
        """Return the user's score; without username and values if it is not eligible on `day`."""
        if not self.is_eligible_on(day) or flaps(self.kind, self.seed, day):
            return Score(str(self.user_id))
        if self.kind.changes_scores:
            overall, metrics = vary_scores(self.kind, self.seed, day, self.levels_on(day))
        else:
            metrics = metric_scores_on(
                self.seed, day, self._drops_on(day), is_good_sender=self.is_good_sender
            )
            overall = overall_score(metrics)
        return Score(str(self.user_id), self.username, overall, metrics)

    def levels_on(self, day: date) -> tuple[float, ...]:
        """Return the five metric scores, neither rounded nor varied as the kind of fleet does."""
        latent = latent_scores_on(self.seed, day, is_good_sender=self.is_good_sender)
        return tuple(
            limit_score(score - drop)
            for score, drop in zip(latent, self._drops_on(day), strict=True)
        )

    def is_eligible_on(self, day: date) -> bool:
        """Return whether the user, if it exists, sends enough mail for a score on `day`."""
        days_ago = self._days_ago(day)
        if any(
            incident.shape is Shape.SILENCE and part * incident.strength_on(days_ago)
            for incident, part in self.incidents
        ):
            return False
        return self._is_in_season(day)

    def _drops_on(self, day: date) -> tuple[float, ...]:
        """Return the points that incidents take off each metric."""
        days_ago = self._days_ago(day)
        drops = dict.fromkeys(METRICS, 0.0)
        for incident, part in self.incidents:
            strength = part * incident.strength_on(days_ago)
            for metric, points in incident.drops.items():
                drops[metric] += strength * points
        return tuple(drops.values())

    def _is_in_season(self, day: date) -> bool:
        """Return whether the user's lifecycle makes it eligible on `day`."""
        if self.lifecycle is Lifecycle.SEASONAL:
            length, phase = draw_numbers(2, self.seed, "season")
            return (day.toordinal() / (50 + 50 * length) + phase) % 1 < 0.5
        if self.lifecycle is Lifecycle.CREATED:
            return self._days_ago(day) <= _changed_days_ago(self.seed) - _DAYS_UNTIL_ELIGIBLE
        return self.lifecycle is not Lifecycle.QUIET

    def _days_ago(self, day: date) -> int:
        return (self.anchor - day).days


def lifecycle_of(index: int) -> Lifecycle:
    """Return the lifecycle of an account's subuser at `index`.

    On any day, 8 in 100 subusers have no score.
    """
    if index < GOOD_SENDERS:
        return Lifecycle.STEADY
    return _LIFECYCLES_OF_25.get(index % 25, Lifecycle.STEADY)


def exists(lifecycle: Lifecycle, seed: str, days_ago: int) -> bool:
    """Return whether the subuser of `seed` exists `days_ago` days before the fleet's anchor day."""
    if lifecycle is Lifecycle.CREATED:
        return days_ago <= _changed_days_ago(seed)
    if lifecycle is Lifecycle.DELETED:
        return days_ago > _changed_days_ago(seed)
    return True


def _changed_days_ago(seed: str) -> int:
    """Return how many days before the anchor day a subuser is created or deleted: 10 to 79."""
    (number,) = draw_numbers(1, seed, "turning point")
    return 10 + int(70 * number)
