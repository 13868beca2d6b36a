"""How the scores of a kind of fleet differ from those of the default fleet, day by day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from seq_exporter.scores import METRICS
from seq_exporter.simulator.kinds import Kind
from seq_exporter.simulator.metric_scores import limit_score, weigh
from seq_exporter.simulator.randomness import draw_numbers

# What all scores of a user have in common, what each metric has alone, and the overall score alone:
# with these parts, the noise of each has the standard deviation of the kind, about.
_COMMON, _METRIC, _OVERALL = 0.8, 0.6, 0.5

_FREEDOM = 3


def vary_scores(
    kind: Kind, seed: str, day: date, levels: Sequence[float]
) -> tuple[float, tuple[float, ...]]:
    """Return the overall score and the metric scores that SendGrid publishes for `levels`."""
    dip = kind.weekend_dip if day.weekday() >= 5 else 0.0
    common, alone, *noises = _draw_noise(kind, seed, day)
    metrics = [
        limit_score(level - dip + _COMMON * common + _METRIC * noise)
        for level, noise in zip(levels, noises, strict=True)
    ]
    overall = limit_score(weigh(metrics) + _OVERALL * alone)
    if not kind.is_whole:
        return round(overall, 1), tuple(round(score, 1) for score in metrics)
    flips = _draw_flips(kind, seed, day)
    rounded = [
        float(round(limit_score(score + flip)))
        for score, flip in zip((overall, *metrics), flips, strict=True)
    ]
    return rounded[0], tuple(rounded[1:])


def flaps(kind: Kind, seed: str, day: date) -> bool:
    """Return whether a user who is eligible has no score on `day`, as its kind of fleet has it."""
    if kind.every_other_day:
        (phase,) = draw_numbers(1, seed, "phase")
        return (day.toordinal() + int(2 * phase)) % 2 == 0
    if kind.scored_days >= 7:
        return False
    (number,) = draw_numbers(1, seed, "flap", day.toordinal())
    return number >= kind.scored_days / 7


def _draw_noise(kind: Kind, seed: str, day: date) -> list[float]:
    """Return noise that all scores have in common, that of the overall score, of each metric."""
    count = 2 + len(METRICS)
    if not kind.noise_sd:
        return [0.0] * count
    size = 2 * (1 + _FREEDOM)
    numbers = draw_numbers(count * size, seed, "noise", day.toordinal())
    starts = range(0, len(numbers), size)
    return [kind.noise_sd * _student(numbers[start : start + size]) for start in starts]


def _student(numbers: Sequence[float]) -> float:
    """Return a draw of Student's t with 3 degrees of freedom, scaled to a deviation of 1."""
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    # A draw is a multiple of 1/65536, and may be 0, which has no logarithm.
    normal, *rest = (
        math.sqrt(-2 * math.log(a + 1 / 131072)) * math.cos(math.tau * b) for a, b in pairs
    )
    return normal / math.sqrt(sum(each**2 for each in rest) + 1e-9)


def _draw_flips(kind: Kind, seed: str, day: date) -> list[float]:
    """Return by how much the overall score and each metric are shifted before they are rounded."""
    (phase,) = draw_numbers(1, seed, "flip phase")
    block = (day.toordinal() + int(phase * kind.flip_days)) // kind.flip_days
    numbers = draw_numbers(1 + len(METRICS), seed, "flip", block)
    return [kind.flip * (2 * number - 1) for number in numbers]
