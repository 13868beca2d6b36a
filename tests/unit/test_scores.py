"""What follows from an account's scores: their bands, and what the same scores keep."""

from __future__ import annotations

from seq_exporter.score import Score
from seq_exporter.scores import METRICS, SubuserScores
from tests.support import day

SCORES = SubuserScores(
    day(4),
    {
        "shop-de": Score("1", "shop-de", 4.9, (1.0, 2.0, None, 4.0, 5.0)),
        "shop-fr": Score("2", "shop-fr", 3.0, (1.9, 2.9, 3.9, 4.9, 5.0)),
        "shop-it": Score("3", "shop-it"),
    },
)
BANDS = {
    "overall": {1: 0, 2: 0, 3: 1, 4: 1, 5: 0},
    "engagement_recency": {1: 2, 2: 0, 3: 0, 4: 0, 5: 0},
    "open_rate": {1: 0, 2: 2, 3: 0, 4: 0, 5: 0},
    "bounce_classification": {1: 0, 2: 0, 3: 1, 4: 0, 5: 0},
    "bounce_rate": {1: 0, 2: 0, 3: 0, 4: 2, 5: 0},
    "spam_rate": {1: 0, 2: 0, 3: 0, 4: 0, 5: 2},
}


def test_a_score_has_each_metric() -> None:
    assert len(Score("1").metrics) == len(METRICS)


def test_a_band_has_the_scores_with_its_whole_part() -> None:
    assert SCORES.bands == BANDS
    assert list(SCORES.bands) == list(BANDS)


def test_bands_are_counted_once() -> None:
    others = {name: {**counts, 5: 9} for name, counts in BANDS.items()}
    counted = SCORES.with_bands(others)
    assert counted.bands == others
    assert counted == SCORES


def test_the_same_scores_read_again_keep_what_is_derived_from_them() -> None:
    held = SCORES.with_bands(BANDS).compare({"1": 4.1, "2": 3.5})
    again = SubuserScores(SCORES.day, SCORES.by_label, read_at=9.0).keep_derived(held)
    assert (again.change7, again.counted, again.read_at) == (held.change7, held.counted, 9.0)


def test_other_scores_keep_nothing() -> None:
    held = SCORES.with_bands(BANDS).compare({"1": 4.1})
    for other in (
        SubuserScores(day(5), SCORES.by_label),
        SubuserScores(day(4), dict(SCORES.by_label)),
    ):
        kept = other.keep_derived(held)
        assert (kept.change7, kept.counted) == ((), ())
    assert SCORES.keep_derived(None) is SCORES
