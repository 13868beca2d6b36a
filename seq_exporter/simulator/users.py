"""One user of SendGrid, an account or a subuser: whether it is there, and its score on any day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from seq_exporter.scores import METRICS, Score
from seq_exporter.simulator.cast import Role, is_rated, is_there
from seq_exporter.simulator.causes import metrics_on, overall_of
from seq_exporter.simulator.incidents import Incident, Shape


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """An account itself or one of its subusers; `sender` is what its chance is drawn for.

    `incidents` are those that happen to it, each with the part (0..1) that it feels.
    """

    user_id: int
    username: str
    email: str
    sender: str
    role: Role
    is_well_run: bool
    anchor: date
    incidents: tuple[tuple[Incident, float], ...]

    def is_there_on(self, day: date) -> bool:
        """Whether the user exists on `day`: created, and not deleted yet."""
        return is_there(self.role, self.sender, self._days_ago(day))

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
        if not is_rated(self.role, self.sender, day, days_ago):
            return Score(str(self.user_id))
        metrics = metrics_on(self.sender, day, tuple(drops.values()), is_well_run=self.is_well_run)
        return Score(str(self.user_id), self.username, overall_of(metrics), metrics)

    def _days_ago(self, day: date) -> int:
        return (self.anchor - day).days
