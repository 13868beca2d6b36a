"""Metric scores and overall scores: each metric of a sender moves on its own from day to day."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from seq_exporter.scores import HIGHEST, LOWEST, METRICS
from seq_exporter.simulator.randomness import draw_numbers

_WAVES = 3
_NUMBERS_PER_METRIC = 1 + 3 * _WAVES


@dataclass(frozen=True, slots=True)
class MetricModel:
    """How the scores of one metric vary; all values but `period_days` are points of the score.

    Each sender has a base score, at most `spread` from `level`. Its score moves around the base
    on a few sine waves: none is higher than `amplitude`, and each takes between the shortest and
    the longest of `period_days`. Each day also differs by up to `jitter`.
    """

    level: float
    spread: float
    amplitude: float
    period_days: tuple[float, float]
    jitter: float

    def score_on(self, ordinal: int, base: float, numbers: Iterator[float]) -> float:
        """Return the score without jitter, not yet limited to 1..5, on the day `ordinal`.

        `base` is the sender's base score, `numbers` its random numbers, of which three are taken
        for each wave.
        """
        shortest, longest = self.period_days
        score = base
        for _ in range(_WAVES):
            height = self.amplitude * next(numbers)
            period = shortest + (longest - shortest) * next(numbers)
            score += height * math.sin(math.tau * (ordinal / period + next(numbers)))
        return score


_MODELS = {
    # Mail to people who stopped reading it long ago: lists age, and are cleaned now and then.
    "engagement_recency": MetricModel(
        level=3.7, spread=0.8, amplitude=0.35, period_days=(60, 150), jitter=0.05
    ),
    # The appeal of subject lines: follows campaigns and seasons.
    "open_rate": MetricModel(
        level=3.6, spread=0.8, amplitude=0.2, period_days=(20, 50), jitter=0.12
    ),
    # Blocks by mailbox providers: reputation changes slowly.
    "bounce_classification": MetricModel(
        level=4.2, spread=0.6, amplitude=0.3, period_days=(30, 90), jitter=0.08
    ),
    # List hygiene: depends on the addresses that sign-up forms accept.
    "bounce_rate": MetricModel(
        level=4.3, spread=0.5, amplitude=0.25, period_days=(30, 120), jitter=0.06
    ),
    # Complaints: few people make them, so the score jumps.
    "spam_rate": MetricModel(
        level=4.2, spread=0.6, amplitude=0.2, period_days=(15, 40), jitter=0.12
    ),
}


def metric_scores_on(
    seed: str, day: date, drops: Sequence[float], *, is_good_sender: bool
) -> tuple[float, ...]:
    """Return the five metric scores of the sender of `seed`: 1..5 with one decimal.

    `drops` are the points that incidents take off each; both are in the order of METRICS. The
    scores of a good sender are good in every metric, except for the drops.
    """
    latent = latent_scores_on(seed, day, is_good_sender=is_good_sender)
    return tuple(
        round(limit_score(score - drop), 1) for score, drop in zip(latent, drops, strict=True)
    )


def latent_scores_on(seed: str, day: date, *, is_good_sender: bool) -> list[float]:
    """Return the five metric scores before incidents, limits and rounding."""
    ordinal = day.toordinal()
    numbers = iter(draw_numbers(1 + len(METRICS) * _NUMBERS_PER_METRIC, seed))
    jitters = draw_numbers(len(METRICS), seed, ordinal)
    # Most senders are a little better than the level of each metric, and a few are much worse.
    quality = 0.4 - 1.4 * next(numbers) ** 3
    scores = []
    for metric, jitter in zip(METRICS, jitters, strict=True):
        model = _MODELS[metric]
        offset = next(numbers)
        if is_good_sender:
            base = 4.2 + 0.5 * offset
        else:
            base = min(model.level + quality + model.spread * (2 * offset - 1), 4.8)
        scores.append(model.score_on(ordinal, base, numbers) + model.jitter * (2 * jitter - 1))
    return scores


def limit_score(score: float) -> float:
    """Return the score, or the limit of 1..5 that it is beyond."""
    return min(max(score, LOWEST), HIGHEST)


def overall_score(metric_scores: Sequence[float]) -> float:
    """Return the overall score, 1..5 with one decimal, of the metric scores."""
    return round(weigh(metric_scores), 1)


def weigh(metric_scores: Sequence[float]) -> float:
    """Return the mean of the metric scores, with the lowest counted three times, not rounded.

    One bad practice is enough for mail to be filtered, so one low metric lowers the overall score.
    """
    total = sum(metric_scores) + 2 * min(metric_scores)
    return total / (len(metric_scores) + 2)
