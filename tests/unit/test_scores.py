"""What follows from an account's scores: their bands, and what the same scores keep."""

from __future__ import annotations

import gc
from dataclasses import replace

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
    counts = tuple((0, 0, 0, 0, 9) for _ in BANDS)
    counted = replace(SCORES, band_counts=counts)
    assert counted.bands == {name: {1: 0, 2: 0, 3: 0, 4: 0, 5: 9} for name in BANDS}
    assert counted == SCORES


def test_many_scores_are_counted_in_batches() -> None:
    values = [1 + number % 41 / 10 for number in range(2_001)]
    scores = {
        str(value): Score(str(value), None, values[value], (5.0,) * 5) for value in range(2_001)
    }
    expected = {band: sum(band <= value < band + 1 for value in values) for band in range(1, 6)}
    bands = SubuserScores(day(4), scores).bands
    assert bands["overall"] == expected
    assert bands["spam_rate"] == {1: 0, 2: 0, 3: 0, 4: 0, 5: 2_001}


def test_the_garbage_collector_looks_at_scores_only_without_msgspec() -> None:
    is_without = Score.__mro__[1].__module__ != "msgspec"
    score = Score("1", "shop-de", 4.9, (1.0, 2.0, None, 4.0, 5.0))
    assert gc.is_tracked(score) is is_without
    assert gc.is_tracked({"shop-de": score}) is is_without


def test_the_same_scores_read_again_keep_what_is_derived_from_them() -> None:
    held = replace(SCORES, band_counts=((1, 2, 3, 4, 5),) * 6).compare({"1": 4.1, "2": 3.5})
    again = SubuserScores(SCORES.day, SCORES.by_label, read_at=9.0).keep_derived(held)
    assert (again.change7, again.band_counts) == (held.change7, held.band_counts)
    assert again.read_at == 9.0


def test_other_scores_keep_nothing() -> None:
    held = replace(SCORES, band_counts=((1, 2, 3, 4, 5),) * 6).compare({"1": 4.1})
    for other in (
        SubuserScores(day(5), SCORES.by_label),
        SubuserScores(day(4), dict(SCORES.by_label)),
    ):
        kept = other.keep_derived(held)
        assert (kept.change7, kept.band_counts) == ((), ())
    assert SCORES.keep_derived(None) is SCORES
