"""Kinds of fleet: how scores vary, when SendGrid publishes them, and who falls, as plain data.

Nobody outside SendGrid knows how real scores vary. Each kind is one way in which they may, applied
on top of the default fleet's scores, so that alerts can be tried on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from seq_exporter.simulator.events import Course, Event


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fleet; a field's default is what the default fleet does.

    `is_whole` rounds every score to an integer; near a rounding border, a latent shift of up to
    `flip` points, drawn again after `flip_days`, flips it. On Saturdays and Sundays, scores are
    `weekend_dip` lower. `noise_sd` is the standard deviation of a daily noise with heavy tails.
    Subusers have a score on `scored_days` of 7 days, drawn at random, or `every_other_day`.

    SendGrid skips 1 to 4 days, now and then, and publishes them together (`has_gaps`), or publishes
    each day `late_hours` (from, to) after it ended. An account has `subusers` subusers, if the
    number is not given. `events` are its incidents, or those of the default fleet if it
    `has_default_incidents`.

    The last fields concern the exporter and not SendGrid: `has_stuck_replica`, an outage of
    `outage_days` days, a new `instance` every `redeploy_days` days.
    """

    description: str
    is_whole: bool = False
    flip: float = 0.0
    flip_days: int = 1
    weekend_dip: float = 0.0
    noise_sd: float = 0.0
    scored_days: int = 7
    every_other_day: bool = False
    has_gaps: bool = False
    late_hours: tuple[float, float] | None = None
    subusers: int = 40
    events: tuple[Event, ...] = ()
    has_default_incidents: bool = False
    has_stuck_replica: bool = False
    outage_days: int = 0
    redeploy_days: int = 0

    @property
    def is_of_sendgrid(self) -> bool:
        """Whether SendGrid's API can show it: the kind is not about the exporter."""
        return not (self.has_stuck_replica or self.outage_days or self.redeploy_days)

    @property
    def changes_scores(self) -> bool:
        """Whether scores differ from those of the default fleet, incidents apart."""
        return bool(self.is_whole or self.weekend_dip or self.noise_sd)


def _steps(
    *points: float, index: int = 0, day: int = 30, days: int | None = None
) -> tuple[Event, ...]:
    """Return steps of one subuser after the other, six days apart: no fleet's fall."""
    return tuple(
        Event((index + number,), Course.STEP, loss, day + 6 * number, days)
        for number, loss in enumerate(points)
    )


def _slopes(*slopes: float, index: int = 0, day: int = 24) -> tuple[Event, ...]:
    """Return declines by so many points a day, each of 1.1 to 2.2 points.

    The slow ones begin with the history: a decline of 0.011 a day takes a hundred days.
    """
    events = []
    for number, slope in enumerate(slopes):
        points = min(max(60 * slope, 1.1), 2.2)
        start = 4 if slope < 0.02 else day + 5 * number
        event = Event((index + number,), Course.SLOPE, points, start, round(points / slope))
        events.append(event)
    return tuple(events)


#: Three falls that last, a small one, one that recovers, two declines: any fleet may have them.
_MIXED = (
    *_steps(1.5, 2, 3),
    *_steps(1, index=3, day=52),
    *_steps(2, index=4, day=60, days=4),
    *_slopes(0.03, 0.1, index=5),
)
_EVERY_SLOPE = _slopes(0.011, 0.015, 0.03, 0.06, 0.1, 0.2, 0.3)
_OWN = (
    Event((), Course.STEP, 1.5, 30, 10, own_share=1),
    Event((), Course.STEP, 2, 70, own_share=1),
)
#: A third of the subusers and the account fall at once; one of them, and another, also alone.
_TOGETHER = (
    Event((*range(1, 10), 12, 13, 15, 16), Course.STEP, 2, 40, 12, own_share=0.8),
    Event((18,), Course.STEP, 1.5, 43),
    Event((1,), Course.STEP, 2, 80),
)
_POOR = (
    # The subusers 11 and 36 are created within the history.
    Event((11,), Course.LEVEL, 1.4),
    Event((36,), Course.LEVEL, 2.2),
    *(
        Event((index,), Course.LEVEL, level)
        for index, level in enumerate((1.2, 1.5, 1.8, 1.9, 2.0, 2.0, 2.1, 2.2))
    ),
)


def _few(subusers: int) -> Kind:
    """Return a fleet so small that the account's own score falls with one subuser's."""
    share = 1 / subusers
    events = (
        Event((0,), Course.STEP, 2, 30, 14, own_share=share),
        Event((0,), Course.STEP, 1.5, 75, own_share=share),
    )
    return Kind(f"subusers: {subusers}", subusers=subusers, events=events)


_WHOLE = Kind("integers", is_whole=True, flip=0.25, noise_sd=0.1)

#: Every kind by its name; `default` is the fleet without any of it.
KINDS: Mapping[str, Kind] = {
    "default": Kind(
        "scores in tenths, punctual, with the history of three companies",
        has_default_incidents=True,
    ),
    "rounded": Kind(
        "the default, every score rounded to an integer", is_whole=True, has_default_incidents=True
    ),
    "calm": Kind("ordinary life, without any incident"),
    "integers": replace(
        _WHOLE, description="integers that flip each day near a rounding border", events=_MIXED
    ),
    "integers-2d": replace(
        _WHOLE, description="integers that flip for 2 days", flip_days=2, events=_MIXED
    ),
    "integers-4d": replace(
        _WHOLE, description="integers that flip for 4 days", flip_days=4, events=_MIXED
    ),
    "integers-calm": replace(_WHOLE, description="integers, without any incident", flip_days=2),
    "integers-own": replace(
        _WHOLE, description="integers, the account's own score only", subusers=0, events=_OWN
    ),
    "integers-declines": replace(
        _WHOLE,
        description="integers, declines of every slope",
        flip_days=2,
        events=_EVERY_SLOPE,
    ),
    "integers-poor": replace(
        _WHOLE, description="integers, poor for ever or since creation", flip_days=2, events=_POOR
    ),
    "weekends-0.3": Kind("weekends lower by 0.3", weekend_dip=0.3, events=_MIXED),
    "weekends-0.6": Kind("weekends lower by 0.6", weekend_dip=0.6, events=_MIXED),
    "weekends-1.0": Kind("weekends lower by 1.0", weekend_dip=1.0, events=_MIXED),
    "weekends-integers": replace(
        _WHOLE, description="integers, weekends lower by 0.3", weekend_dip=0.3, events=_MIXED
    ),
    "noise-0.1": Kind("heavy-tailed noise of sd 0.1", noise_sd=0.1, events=_MIXED),
    "noise-0.3": Kind("heavy-tailed noise of sd 0.3", noise_sd=0.3, events=_MIXED),
    "noise-0.5": Kind("heavy-tailed noise of sd 0.5", noise_sd=0.5, events=_MIXED),
    "flapping-6": Kind("scored on 6 of 7 days", scored_days=6, events=_MIXED),
    "flapping-5": Kind("scored on 5 of 7 days", scored_days=5, events=_MIXED),
    "flapping-4": Kind("scored on 4 of 7 days", scored_days=4, events=_MIXED),
    "every-other-day": Kind("scored every other day", every_other_day=True, events=_MIXED),
    "gaps": Kind("1 to 4 days without scores, published later", has_gaps=True, events=_MIXED),
    "late": Kind("days appear 30 to 70 hours late", late_hours=(30, 70), events=_MIXED),
    "one": _few(1),
    "two": _few(2),
    "three": _few(3),
    "two-thousand": Kind("2,000 subusers", subusers=2000, events=_MIXED),
    "own": Kind("the account's own score only", subusers=0, events=_OWN),
    "declines": Kind("declines of every slope", events=_EVERY_SLOPE),
    "steps": Kind("falls of every size that last", events=_steps(0.75, 1, 1.5, 2, 3)),
    "recoveries": Kind(
        "falls that recover after 1, 2, 4 and 10 days",
        events=(
            *_steps(1.5, 3, day=30, days=1),
            *_steps(1.5, 3, index=2, day=42, days=2),
            *_steps(1.5, 3, index=4, day=54, days=4),
            *_steps(1.5, 2, 3, index=6, day=66, days=10),
        ),
    ),
    "together": Kind("a third of the subusers fall at once", events=_TOGETHER),
    "poor": Kind("poor for ever or since creation, around the threshold of 2", events=_POOR),
    "replicas": Kind(
        "two replicas, one stuck on an old day", has_stuck_replica=True, events=_MIXED
    ),
    "outage": Kind("the exporter is down for 2 days", outage_days=2, events=_MIXED),
    "redeploys": Kind("the instance changes every 3 days", redeploy_days=3, events=_MIXED),
}
DEFAULT = KINDS["default"]
