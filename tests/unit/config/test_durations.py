"""Durations: those of Prometheus, and no others."""

from __future__ import annotations

import pytest

from seq_exporter.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5400),
        ("7d", 604_800),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("1d2h3m4s5ms", 93_784.005),
    ],
)
def test_durations_are_those_of_prometheus(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "1.5h", "-1h", "1h1h", "1s1m", "1H", "٣s"])
def test_other_texts_are_not_durations(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration such as"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (240, "4m"), (5400, "1h30m"), (86_400, "1d"), (93_784, "1d2h3m4s")],
)
def test_durations_are_written_as_they_are_read(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds
