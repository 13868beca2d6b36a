"""JSON items in, scores out: liberal with each value, and counting what was not as documented."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeGuard

from seq_exporter.score import Score
from seq_exporter.scores import HIGHEST, LOWEST, METRICS
from seq_exporter.sendgrid.anomalies import Anomalies

# Scores have one decimal, so there are 41 values. With more decimals, they would fill memory.
_MOST_VALUES = 1024

#: Names become labels, which every query and page carries. SendGrid's are a quarter as long.
LONGEST_NAME = 256


class _Values(dict[float | None, float | None]):
    """Values by themselves: half a million scores are few different numbers, kept once each."""

    def __missing__(self, value: float | None) -> float | None:
        if len(self) >= _MOST_VALUES:  # by a few, if several threads add some at once
            self.clear()
        self[value] = value
        return value


#: Shared by all pages and accounts: a lookup by value, as rendering does it, takes half as long if
#: it meets the same object.
VALUES = _Values()


def parse_item(item: object, anomalies: Anomalies) -> Score | None:
    """Return the scores in one item of a `result` list, or None if it names no user.

    A value that is not as documented is left out and counted. An absent or null value is not an
    anomaly: SendGrid leaves values out for users who are not eligible.
    """
    if not isinstance(item, dict):
        anomalies.note("item", "", item)
        return None
    user_id = parse_user_id(item.get("user_id"))
    if user_id is None:
        anomalies.note("user_id", "", item.get("user_id"))
        return None
    overall = _parse_number(item.get("score"), "score", user_id, anomalies)
    return Score(
        user_id=user_id,
        username=_parse_username(item.get("username"), user_id, anomalies),
        overall=overall,
        metrics=_parse_metrics(item.get("metrics"), user_id, anomalies),
    )


def parse_user_id(value: object) -> str | None:
    """Return a user_id, which some endpoints write as a number; None if it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return clean(value) if is_name(value) else None


def parse_date(item: Any) -> date | None:
    """Return the day that an item is for, or None if it has no valid date."""
    try:
        return date.fromisoformat(item["date"])
    except (KeyError, TypeError, ValueError):
        return None


def is_name(value: object) -> TypeGuard[str]:
    """Whether `value` can be a label: text, not empty, and of 256 characters at most."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME


def clean(text: str) -> str:
    r"""Return `text` with each half of a surrogate pair as `?`.

    JSON can hold one (`"\ud800"`), UTF-8 cannot: it would cost the whole page.
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _parse_username(value: object, user_id: str, anomalies: Anomalies) -> str | None:
    if value is None:
        return None
    if not is_name(value):
        anomalies.note("username", user_id, value)
        return None
    return clean(value)


def _parse_metrics(value: object, user_id: str, anomalies: Anomalies) -> tuple[float | None, ...]:
    if value is None:
        return (None,) * len(METRICS)
    if not isinstance(value, dict):
        anomalies.note("metrics", user_id, value)
        return (None,) * len(METRICS)
    return tuple(
        [_parse_number(value.get(metric), "metric", user_id, anomalies) for metric in METRICS]
    )


def _parse_number(value: object, kind: str, user_id: str, anomalies: Anomalies) -> float | None:
    # The exact type, because a bool is an int too. Compared before it is converted: NaN fails here,
    # and so does an integer that is too big for a float.
    if type(value) in (float, int) and LOWEST <= value <= HIGHEST:  # type: ignore[operator]
        return VALUES[float(value)]  # type: ignore[arg-type]
    if value is not None:
        anomalies.note(kind, user_id, value)
    return None
