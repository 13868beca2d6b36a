"""What is known about one account: its scores of one day, and how its polls have gone.

Pure data: no I/O, no clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq_exporter.score import Score

#: The five metrics, in the order in which `Score.metrics` holds their values.
METRICS = ("engagement_recency", "open_rate", "bounce_classification", "bounce_rate", "spam_rate")

#: Every score, overall or of a metric, is from 1 (poor) to 5 (good).
LOWEST, HIGHEST = 1.0, 5.0

#: The band of a score is its whole part: 4.9 is in band 4.
BANDS = (1, 2, 3, 4, 5)

#: How many scores are in each band: `{"overall": {1: 0, ...}, "open_rate": ...}`.
Bands = Mapping[str, Mapping[int, int]]

#: The same without names, in the order of METRICS after `overall`, and of BANDS. It takes a third
#: of the memory, and there may be thousands of accounts.
BandCounts = tuple[tuple[int, ...], ...]

#: One value for each of some subusers: their overall scores, or their scores in a metric.
Column = Sequence[float | None]

#: SendGrid keeps scores for this many days, and returns as many own scores in one response.
DAYS_KEPT = 90


def share(score: Score, known: Mapping[str, Score]) -> Score:
    """Return the equal score in `known`, by user_id, or `score` if there is none.

    Unchanged scores are not kept twice then: reading a day again takes no memory, and leaves
    nothing to free, which would delay a scrape.
    """
    same = known.get(score.user_id)
    return same if same == score else score


def subtract(now: float | None, then: float | None) -> float | None:
    """Return how much higher a score is `now`; None if one of the two is missing."""
    # In floating point, 4.1 - 3.1 is a little less than 1.
    return None if now is None or then is None else round(now - then, 2)


class ScoreColumns:
    """The scores of some subusers as columns, which are made when they are asked for."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._scores = scores

    @cached_property
    def overall(self) -> Column:
        """The overall scores."""
        return [score.overall for score in self._scores]

    @cached_property
    def metrics(self) -> Sequence[Column]:
        """A column for each of METRICS."""
        rows = [score.metrics for score in self._scores]
        # Without a subuser, `zip` makes no columns at all.
        return list(zip(*rows, strict=True)) or [()] * len(METRICS)


class BandCounter:
    """Counts how many scores are in each band, of subusers that come in batches."""

    def __init__(self) -> None:
        # Count the values first, which are few, and then their bands.
        self._values = tuple(Counter[float | None]() for _ in ("overall", *METRICS))

    def add(self, columns: ScoreColumns) -> None:
        """Count a batch.

        Of hundreds: a call for each subuser would hold up the poll of a large fleet.
        """
        for counter, column in zip(self._values, (columns.overall, *columns.metrics), strict=True):
            counter.update(column)

    @property
    def counts(self) -> BandCounts:
        """How many scores are in each band so far."""
        return tuple(map(_add_to_bands, self._values))


def count_bands(scores: Iterable[Score]) -> Bands:
    """Return how many of `scores` are in each band."""
    counter = BandCounter()
    remaining = iter(scores)
    while some := list(islice(remaining, 1000)):
        counter.add(ScoreColumns(some))
    return _name_bands(counter.counts)


def _add_to_bands(values: Mapping[float | None, int]) -> tuple[int, ...]:
    """Return how many scores are in each of BANDS, of how many there are with each value."""
    bands = dict.fromkeys(BANDS, 0)
    for value, count in values.items():
        if value is not None:
            bands[int(value)] += count
    return tuple(bands.values())


def _name_bands(counts: BandCounts) -> Bands:
    named = zip(("overall", *METRICS), counts, strict=True)
    return {name: dict(zip(BANDS, each, strict=True)) for name, each in named}


@dataclass(frozen=True, slots=True)
class SubuserScores:
    """The subusers' scores of `day`, by the value of their `subuser` label.

    `missing` are usernames from the configuration that SendGrid does not know. `has_scores` is
    False for a day on which no subuser has a score: such a day is published if there is no better
    one, to show which subusers are not eligible, but the next poll does not count it as held.
    `read_at` is when SendGrid returned the scores, in epoch seconds, and `users` of how many users,
    selected or not; 0 if an earlier version saved them.

    `change7` is by how much each overall score has changed from 7 days before, in the order of
    `by_label`, None where either score is missing. It is empty while no score of that day is known.

    `band_counts` has the numbers in `bands` once the scores have been rendered, which counts them.
    """

    day: date
    by_label: Mapping[str, Score]
    missing: tuple[str, ...] = ()
    has_scores: bool = True
    read_at: float = field(default=0.0, compare=False)
    users: int = field(default=0, compare=False)
    change7: tuple[float | None, ...] = field(default=(), compare=False)
    band_counts: BandCounts = field(default=(), compare=False, repr=False)

    def compare(self, week_before: Mapping[str, float]) -> SubuserScores:
        """Return these scores with `change7`, from the overall scores of 7 days before.

        `week_before` has them by user_id: a subuser may have got another name.
        """
        if not week_before:
            return replace(self, change7=())
        scores = self.by_label.values()
        changes = [subtract(score.overall, week_before.get(score.user_id)) for score in scores]
        # Few differ: kept once each, a hundred thousand take less than a megabyte.
        same = {change: change for change in changes}
        change7 = tuple(map(same.__getitem__, changes)) if same.keys() - {None} else ()
        return replace(self, change7=change7)

    def keep_derived(self, held: SubuserScores | None) -> SubuserScores:
        """Return these scores with what was derived from `held`, if `held` has the same scores."""
        if held and held.day == self.day and held.by_label is self.by_label:
            return replace(self, change7=held.change7, band_counts=held.band_counts)
        return self

    @property
    def overall_by_user(self) -> Mapping[str, float]:
        """The overall scores of those who have one, by user_id."""
        scores = self.by_label.values()
        return {each.user_id: each.overall for each in scores if each.overall is not None}

    @property
    def counts(self) -> dict[str, int]:
        """How many subusers are in each state: ineligible, missing, scored."""
        ineligible = [score.overall for score in self.by_label.values()].count(None)
        return {
            "ineligible": ineligible,
            "missing": len(self.missing),
            "scored": len(self.by_label) - ineligible,
        }

    @property
    def bands(self) -> Bands:
        """How many scores are in each band."""
        if self.band_counts:
            return _name_bands(self.band_counts)
        return count_bands(self.by_label.values())


@dataclass(frozen=True, slots=True)
class OwnScore:
    """The account's own score of `day`, as SendGrid returned it at `read_at` (epoch seconds).

    As for subusers, a day without a score is published only if there is no better one.
    """

    day: date
    score: Score
    read_at: float = field(default=0.0, compare=False)

    @property
    def has_scores(self) -> bool:
        """Whether SendGrid found the account eligible on the day."""
        return self.score.is_scored


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All published scores of one account: an immutable whole, replaced and never changed."""

    account: str
    subusers: SubuserScores | None = None
    own: OwnScore | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How an account's polls have gone; times are epoch seconds, None before the first one.

    `failure` says why the last poll failed, and `reason` in one word, as the metrics have it.
    `is_restored` is True while the published scores are those that an earlier process saved: no
    poll has succeeded since.
    """

    last_poll: float | None = None
    last_success: float | None = None
    next_poll: float | None = None
    failure: str | None = None
    reason: str | None = None
    is_restored: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether a first poll has ended, well or badly, or restored scores are published."""
        return self.last_poll is not None or self.is_restored
