"""When a score has changed, and by how much. Pure: imports nothing of the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from statistics import median_low

#: A smaller change is no news: from day to day, scores move by tenths.
LEAST_CHANGE = 0.5

#: The level before a change needs so many days. After it, one will do: today's fall is news.
LEAST_BEFORE = 3

# A change is sudden if three days show most of it.
_DAYS_OF_CHANGE, _MOST_OF_CHANGE = 3, 0.6

# Two levels describe a month better than one if they leave at most so much of the scatter: half is
# left of an even decline, and nearly all of noise and of an integer at a rounding border.
_MOST_SCATTER_LEFT = 0.6

# One day away from a level is noise.
_LEAST_DAYS_AWAY = 2

# In a month that drifts, the last 3 or 2 days count if they stand out from the 7 days before.
_DAYS_OF_NEWS, _DAYS_BEFORE_NEWS = (3, 2), 7

_EPSILON = 1e-9  # in floating point, 4.2 - 3.7 is a little less than 0.5


@dataclass(frozen=True, slots=True)
class Trend:
    """A score's change from the level `before` to the level `after`; both are medians of days.

    The lower median, which is a score that occurred: between two scores, it would be rounded to a
    change that the levels do not show.

    `day` is the first day of the new level or, if the change was not sudden, the day on which it
    began. `now` is the newest score: half of a loss, or all of it, may be back by now.
    """

    before: float
    after: float
    now: float
    day: date
    is_sudden: bool

    @property
    def change(self) -> float:
        """How much higher the new level is; negative for a loss."""
        return round(self.after - self.before, 1)

    @property
    def is_over(self) -> bool:
        """Whether over half of the change is undone."""
        return abs(self.now - self.before) < abs(self.change) / 2


def is_news(before: float, after: float) -> bool:
    """Whether a score has changed by LEAST_CHANGE or more."""
    return abs(after - before) >= LEAST_CHANGE - _EPSILON


def find_trend(scores: Mapping[date, float | None]) -> Trend | None:
    """Return the largest change within `scores`, by day; None if there is none of half a point.

    Days without a score do not count. The change is where two levels describe the days best: the
    sum of the distances from the median before and the median after is least there. If the days
    have one level, it is a time of some days away from it; or else, what the last days have lost or
    gained since the week before.
    """
    days = sorted(day for day, score in scores.items() if score is not None)
    values = [score for day in days if (score := scores[day]) is not None]
    return _find_change(days, values) or _find_excursion(days, values) or _find_news(days, values)


def _find_change(days: Sequence[date], values: Sequence[float]) -> Trend | None:
    """Return the change from one level to another, sudden or not, None if there is none."""
    splits = range(LEAST_BEFORE, len(values))
    if not splits:
        return None
    scatter = {at: _distance(values[:at]) + _distance(values[at:]) for at in splits}
    split = min(splits, key=lambda at: scatter[at])
    before, after = median_low(values[:split]), median_low(values[split:])
    if not is_news(before, after) or scatter[split] > _MOST_SCATTER_LEFT * _distance(values):
        return None
    jump = median_low(values[split : split + _DAYS_OF_CHANGE]) - median_low(
        values[max(split - _DAYS_OF_CHANGE, 0) : split]
    )
    if jump / (after - before) >= _MOST_OF_CHANGE:
        return Trend(before, after, values[-1], days[split], is_sudden=True)
    first, last = median_low(values[:LEAST_BEFORE]), median_low(values[-LEAST_BEFORE:])
    lowest, highest = min(first, last) - LEAST_CHANGE, max(first, last) + LEAST_CHANGE
    if not is_news(first, last) or min(values) < lowest or max(values) > highest:
        return None  # it went away, and came back
    begun = _find_begin(values, first, last)
    return Trend(first, last, values[-1], days[begun], is_sudden=False)


def _find_excursion(days: Sequence[date], values: Sequence[float]) -> Trend | None:
    """Return the longest time of several days away from the level of the month."""
    if len(values) <= LEAST_BEFORE:
        return None
    level = median_low(values)
    longest: list[int] = []
    for side, group in groupby(range(len(values)), lambda at: _side(values[at], level)):
        found = list(group)
        if side and len(found) > len(longest):
            longest = found
    if len(longest) < _LEAST_DAYS_AWAY or longest[-1] == len(values) - 1 or longest[0] == 0:
        return None
    away, rest = (
        values[longest[0] : longest[-1] + 1],
        [*values[: longest[0]], *values[longest[-1] + 1 :]],
    )
    if _distance(away) + _distance(rest) > _MOST_SCATTER_LEFT * _distance(values):
        return None
    before = median_low(values[: longest[0]])
    return Trend(before, median_low(away), values[-1], days[longest[0]], is_sudden=True)


def _find_news(days: Sequence[date], values: Sequence[float]) -> Trend | None:
    """Return the change of the last days, if it is twice as large as the scatter before it."""
    for count in _DAYS_OF_NEWS:
        recent, newest = values[-_DAYS_BEFORE_NEWS - count : -count], values[-count:]
        if len(recent) < _DAYS_BEFORE_NEWS:
            continue
        before, after = median_low(recent), median_low(newest)
        side = _side(after, before)
        scatter = max(abs(value - before) for value in recent)
        is_clear = scatter <= abs(after - before) / 2
        if side and is_clear and all(_side(value, before) == side for value in newest):
            return Trend(before, after, values[-1], days[-count], is_sudden=True)
    return None


def _side(value: float, level: float) -> int:
    """Return 1 above the level, -1 below, and 0 near it."""
    return 0 if not is_news(level, value) else 1 if value > level else -1


def _distance(values: Sequence[float]) -> float:
    """Return how far the values are from their median, together."""
    level = median_low(values)
    return sum(abs(value - level) for value in values)


def _find_begin(values: Sequence[float], first: float, last: float) -> int:
    """Return the index after the last value that is still at the first level, within a fifth."""
    near = abs(last - first) / 5
    still = [index for index, value in enumerate(values) if abs(value - first) <= near]
    return min(still[-1] + 1, len(values) - 1)
