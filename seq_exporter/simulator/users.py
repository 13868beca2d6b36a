"""One simulated user, an account or a subuser: whether it exists and its score, on any day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from seq_exporter.scores import METRICS, Score
from seq_exporter.simulator.incidents import Incident, Shape
from seq_exporter.simulator.lifecycle import Lifecycle, exists, is_eligible
from seq_exporter.simulator.metric_scores import metric_scores_on, overall_score


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """An account itself or one of its subusers; `seed` determines its random numbers.

    `incidents` are those that affect it, each with the part (0..1) of its drops that applies.
    `anchor` is the day that the fleet's history is dated from.
    """

    user_id: int
    username: str
    email: str
    seed: str
    lifecycle: Lifecycle
    is_good_sender: bool
    anchor: date
    incidents: tuple[tuple[Incident, float], ...]

    def exists_on(self, day: date) -> bool:
        """Return whether the user exists on `day`: is created and not yet deleted."""
        return exists(self.lifecycle, self.seed, self._days_ago(day))

    def score_on(self, day: date) -> Score:
        """Return the user's score; without username and values if it is not eligible on `day`."""
        days_ago = self._days_ago(day)
        drops = dict.fromkeys(METRICS, 0.0)
        for incident, part in self.incidents:
            strength = part * incident.strength_on(days_ago)
            if strength and incident.shape is Shape.SILENCE:
                return Score(str(self.user_id))
            for metric, points in incident.drops.items():
                drops[metric] += strength * points
        if not is_eligible(self.lifecycle, self.seed, day, days_ago):
            return Score(str(self.user_id))
        metrics = metric_scores_on(
            self.seed, day, tuple(drops.values()), is_good_sender=self.is_good_sender
        )
        return Score(str(self.user_id), self.username, overall_score(metrics), metrics)

    def _days_ago(self, day: date) -> int:
        return (self.anchor - day).days
