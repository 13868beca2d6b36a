"""Why a sender has the scores that it has: each metric has a cause, which moves by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from seq_exporter.scores import HIGHEST, LOWEST, METRICS
from seq_exporter.simulator.chance import draw

_WAVES = 3
_DRAWS_PER_CAUSE = 1 + 3 * _WAVES


@dataclass(frozen=True, slots=True)
class Cause:
    """What moves one metric; all of it in points of the score but `days`.

    Senders lie around `level`, at most `spread` off. From there each drifts on a few waves, none
    higher than `drift`, that take from `days[0]` to `days[1]` days; each day is off by `jitter`.
    """

    level: float
    spread: float
    drift: float
    days: tuple[float, float]
    jitter: float

    def value_on(self, day: int, base: float, chance: Iterator[float]) -> float:
        """Return the score of a sender whose level is `base`, unbounded, on an ordinal day."""
        shortest, longest = self.days
        value = base
        for _ in range(_WAVES):
            height = self.drift * next(chance)
            period = shortest + (longest - shortest) * next(chance)
            value += height * math.sin(math.tau * (day / period + next(chance)))
        return value


_CAUSES = {
    # Mail to people who have long stopped reading it: lists age, and are cleaned once in a while.
    "engagement_recency": Cause(level=3.7, spread=0.8, drift=0.35, days=(60, 150), jitter=0.05),
    # The appeal of subject lines: campaigns and seasons.
    "open_rate": Cause(level=3.6, spread=0.8, drift=0.2, days=(20, 50), jitter=0.12),
    # Blocks by mailbox providers: reputation is slow.
    "bounce_classification": Cause(level=4.2, spread=0.6, drift=0.3, days=(30, 90), jitter=0.08),
    # List hygiene: what sign-up forms let in.
    "bounce_rate": Cause(level=4.3, spread=0.5, drift=0.25, days=(30, 120), jitter=0.06),
    # Complaints: few people make them, so they jump about.
    "spam_rate": Cause(level=4.2, spread=0.6, drift=0.2, days=(15, 40), jitter=0.12),
}


def metrics_on(
    sender: str, day: date, drops: Sequence[float], *, is_well_run: bool
) -> tuple[float, ...]:
    """Return the five metric scores of `sender`, less the `drops`; both in the order of METRICS.

    They are 1..5 with one decimal. A well-run sender is good in everything but for the drops.
    """
    ordinal = day.toordinal()
    chance = iter(draw(1 + len(METRICS) * _DRAWS_PER_CAUSE, sender))
    jitters = draw(len(METRICS), sender, ordinal)
    # Most senders are a little better than the levels say, and a few much worse.
    quality = 0.4 - 1.4 * next(chance) ** 3
    scores = []
    for metric, drop, jitter in zip(METRICS, drops, jitters, strict=True):
        cause = _CAUSES[metric]
        luck = next(chance)
        if is_well_run:
            base = 4.2 + 0.5 * luck
        else:
            base = min(cause.level + quality + cause.spread * (2 * luck - 1), 4.8)
        value = cause.value_on(ordinal, base, chance) + cause.jitter * (2 * jitter - 1)
        scores.append(round(min(max(value - drop, LOWEST), HIGHEST), 1))
    return tuple(scores)


def overall_of(metrics: Sequence[float]) -> float:
    """Return the overall score: the mean of the metrics, in which the worst counts threefold.

    One bad habit is enough to be filtered, so that one bad metric shows in the overall score.
    """
    return round((sum(metrics) + 2 * min(metrics)) / (len(metrics) + 2), 1)
