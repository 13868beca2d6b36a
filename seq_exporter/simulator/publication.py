"""When SendGrid publishes the days of a kind of fleet: punctually, late, or several at once."""

from __future__ import annotations

from datetime import date

from seq_exporter.simulator.kinds import Kind
from seq_exporter.simulator.randomness import draw_numbers

# A gap begins after so many days; with the longest one, of 4 days, it ends within them.
_DAYS_FOR_A_GAP = 12
_LONGEST_GAP_DAYS = 4
_USUAL_HOURS = 12
_BATCH_DAYS = 2


def hours_late(kind: Kind, seed: int, day: date) -> float:
    """Return how many hours later than usual, 12 hours after its end, `day` is published.

    A day of a gap appears together with the first day after the gap.
    """
    ordinal = day.toordinal()
    if kind.has_gaps:
        return 24.0 * _days_left_in_gap(seed, ordinal)
    if kind.late_hours:
        return _lateness(kind.late_hours, seed, ordinal) - _USUAL_HOURS
    return 0.0


def _days_left_in_gap(seed: int, ordinal: int) -> int:
    """Return how many days after `ordinal` the gap ends that it is in, or 0."""
    block, position = divmod(ordinal, _DAYS_FOR_A_GAP)
    length, start = draw_numbers(2, seed, "gap", block)
    days = 1 + int(_LONGEST_GAP_DAYS * length)
    first = int((_DAYS_FOR_A_GAP - days) * start)
    return max(first + days - position, 0) if position >= first else 0


def _lateness(hours: tuple[float, float], seed: int, ordinal: int) -> float:
    """Return how many hours after its end the day is published, alone or with the next."""
    earliest, latest = hours
    block, position = divmod(ordinal, _BATCH_DAYS)
    together, number = draw_numbers(2, seed, "late", block)
    if together < 0.5:  # both days at the hour of the later one
        last = earliest + (latest - 24 - earliest) * number
        return round(last + 24 * (_BATCH_DAYS - 1 - position))
    (number,) = draw_numbers(1, seed, "late", block, position)
    return round(earliest + (latest - earliest) * number)
