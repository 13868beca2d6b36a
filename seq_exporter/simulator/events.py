"""Events: a kind's planned losses, in points of the overall score, and the incidents they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from seq_exporter.scores import METRICS
from seq_exporter.simulator.incidents import Incident, Shape
from seq_exporter.simulator.metric_scores import limit_score, weigh
from seq_exporter.simulator.randomness import draw_numbers

#: The history of a fleet: day 0 of an event is so many days before the fleet's anchor day.
HISTORY_DAYS = 89

# Days before or after the anchor day that no history reaches.
_FOREVER = 1_000_000

# How much more than its part in the overall loss the leading metric loses, and the others less.
_LEADING, _FOLLOWING = 1.6, 0.5
_BISECTIONS = 40


class Course(Enum):
    """How an event's loss changes over its days."""

    STEP = "the whole loss from the first day to the last"
    SLOPE = "the loss grows evenly until the last day, and stays"
    LEVEL = "the loss is there before the history begins, and stays"


@dataclass(frozen=True, slots=True)
class Event:
    """A loss of `points` of the overall score; for a LEVEL, the overall score that is left.

    It affects the subusers at `indexes`, and `own_share` (0..1) of it the account's own score.
    `day` counts from the first day of the history. The loss takes `days`; with None, a STEP lasts.
    """

    indexes: tuple[int, ...]
    course: Course
    points: float
    day: int = 0
    days: int | None = None
    own_share: float = 0.0

    @property
    def first(self) -> int:
        """The first day of the loss, in days before the anchor day."""
        return _FOREVER if self.course is Course.LEVEL else HISTORY_DAYS - self.day

    @property
    def last(self) -> int:
        """The last day of the full loss or, for a SLOPE, the first, in days before the anchor."""
        if self.course is Course.SLOPE:
            return self.first - (self.days or 0)
        return -_FOREVER if self.days is None else self.first - self.days + 1


def make_incident(
    event: Event, account: str, subusers: Sequence[str], levels: Sequence[float], seed: str
) -> Incident:
    """Return the event as an incident: `levels` are the metric scores of who loses, without it.

    A metric leads: at random in a STEP, the lowest in the others, so the overall score follows it
    evenly.
    """
    (number,) = draw_numbers(1, seed, "lead", event.day, event.points)
    lead = int(number * len(METRICS))
    points = event.points
    if event.course is not Course.STEP:
        lead = min(range(len(METRICS)), key=lambda position: levels[position])
    if event.course is Course.LEVEL:
        points = weigh(levels) - event.points
    return Incident(
        f"{event.course.value}: {event.points:g} points, first {METRICS[lead]}",
        account,
        tuple(subusers),
        event.first,
        event.last,
        Shape.SLOPE if event.course is Course.SLOPE else Shape.SUDDEN,
        _spread(points, levels, lead),
        own_share=event.own_share,
    )


def _spread(points: float, levels: Sequence[float], lead: int) -> Mapping[str, float]:
    """Return what each metric has to lose for the overall score to lose `points`, if it can."""
    before = weigh(levels)

    def lose(factor: float) -> list[float]:
        parts = (_LEADING if each == lead else _FOLLOWING for each in range(len(METRICS)))
        return [factor * part for part in parts]

    low, high = 0.0, 10.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        after = [limit_score(a - b) for a, b in zip(levels, lose(middle), strict=True)]
        low, high = (middle, high) if before - weigh(after) < points else (low, middle)
    return dict(zip(METRICS, (round(lost, 3) for lost in lose(low)), strict=True))
