"""Durations as Prometheus writes them."""

from __future__ import annotations

import re

from seq_exporter.clock import DAY_SECONDS

#: Matches every duration, as a regular expression for JSON Schema; `parse_duration` is stricter.
DURATION_PATTERN = "^([0-9]+(ms|[smhdwy]))+$"

_UNIT_SECONDS = {
    "y": 365 * DAY_SECONDS,
    "w": 7 * DAY_SECONDS,
    "d": DAY_SECONDS,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}
_DURATION = re.compile("".join(rf"(?:([0-9]{{1,12}}){unit})?" for unit in _UNIT_SECONDS))


def parse_duration(text: str) -> float:
    """Return the seconds of a Prometheus duration: `90s`, `15m`, `1h30m`, `7d`.

    Raises ValueError with `{value}` in its message, where the caller quotes the text.
    Source: "Time durations" in the documentation of Prometheus' query language.
    """
    match = _DURATION.fullmatch(text)
    if not match or not text:
        raise ValueError("must be a duration such as 90s, 15m, 1h30m or 7d, not {value}")
    pairs = zip(match.groups(), _UNIT_SECONDS.values(), strict=True)
    return sum(int(count) * seconds for count, seconds in pairs if count)


def format_duration(seconds: int) -> str:
    """Return whole seconds as Prometheus writes them: `4m`, `1h30m`, `1d`."""
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, int(_UNIT_SECONDS[unit]))
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
