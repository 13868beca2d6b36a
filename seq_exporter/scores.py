"""The domain: what SendGrid says about one account and one day. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import NamedTuple

#: The five metrics, in the order in which `Score.metrics` holds their values.
METRICS = ("engagement_recency", "open_rate", "bounce_classification", "bounce_rate", "spam_rate")

#: Every score, overall or of a metric, lies from 1 (poor) to 5 (good).
LOWEST, HIGHEST = 1.0, 5.0

#: SendGrid keeps scores for this many days, and returns as many own scores in one answer.
DAYS_KEPT = 90


class Score(NamedTuple):
    """One user's scores of one day; `None` stands for what SendGrid left out, never 0.

    `overall` is 1..5 or None, `metrics` five such values in the order of METRICS.

    A tuple, as Python's garbage collector takes tuples of plain values out of its rounds: a
    hundred thousand other objects would hold up each scrape that meets one.
    """

    user_id: str
    username: str | None = None
    overall: float | None = None
    metrics: tuple[float | None, ...] = (None,) * len(METRICS)

    @property
    def is_scored(self) -> bool:
        """Whether SendGrid found the user eligible, which shows by its overall score."""
        return self.overall is not None


#: A score lies in the band of its whole part: 4.9 in 4.
BANDS = (1, 2, 3, 4, 5)


def count_bands(scores: Iterable[Score]) -> Mapping[str, Mapping[int, int]]:
    """Return how many of `scores` lie in each band: `{"overall": {1: 0, ...}, "open_rate": ...}`.

    `overall` comes first, then the METRICS; each has all BANDS.
    """
    # The values first, of which there are few, and then their bands; many at once, as a loop over
    # each score would hold up a poll of a large fleet.
    overall: Counter[float | None] = Counter()
    metrics: tuple[Counter[float | None], ...] = tuple(Counter() for _ in METRICS)
    remaining = iter(scores)
    while some := list(islice(remaining, 1000)):
        overall.update([score.overall for score in some])
        columns = zip(*[score.metrics for score in some], strict=True)
        for counter, column in zip(metrics, columns, strict=True):
            counter.update(column)
    bands = {}
    for name, found in zip(("overall", *METRICS), (overall, *metrics), strict=True):
        bands[name] = dict.fromkeys(BANDS, 0)
        for value, count in found.items():
            if value is not None:
                bands[name][int(value)] += count
    return bands


@dataclass(frozen=True, slots=True)
class SubuserScores:
    """The subusers' scores of `day`, by the value of their `subuser` label.

    `missing` are the usernames that the configuration names and SendGrid does not know.
    `has_scores` is False for a day on which nobody in the account had one: such a day is shown
    for want of a better, so that a user sees who is not eligible, and is never held on to.
    `read_at` is when SendGrid said so, in epoch seconds.
    """

    day: date
    by_label: Mapping[str, Score]
    missing: tuple[str, ...] = ()
    has_scores: bool = True
    read_at: float = field(default=0.0, compare=False)

    @property
    def counts(self) -> dict[str, int]:
        """How many subusers are in each state: ineligible, missing, scored."""
        scored = sum(score.is_scored for score in self.by_label.values())
        return {
            "ineligible": len(self.by_label) - scored,
            "missing": len(self.missing),
            "scored": scored,
        }

    @property
    def bands(self) -> Mapping[str, Mapping[int, int]]:
        """How many scores lie in each band, as `count_bands` returns them."""
        return count_bands(self.by_label.values())


@dataclass(frozen=True, slots=True)
class OwnScore:
    """The account's own score of `day`, as SendGrid gave it at `read_at` (epoch seconds).

    A day without a score is held for want of a better, as it is for the subusers.
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
    """All that is published of one account: an immutable whole, replaced, never changed."""

    account: str
    subusers: SubuserScores | None = None
    own: OwnScore | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How an account's polls have gone; times are epoch seconds, None for what was not yet.

    `failure` says in words why the last poll failed; `is_restored` whether what is shown is what
    an earlier process saved, as no poll has succeeded since.
    """

    last_poll: float | None = None
    last_success: float | None = None
    next_poll: float | None = None
    failure: str | None = None
    is_restored: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether a first poll has ended, well or badly, or earlier scores are shown."""
        return self.last_poll is not None or self.is_restored
