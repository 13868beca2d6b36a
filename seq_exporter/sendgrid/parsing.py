"""JSON items in, scores out: liberal with each value, and counting every liberty taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, TypeGuard

from seq_exporter.scores import HIGHEST, LOWEST, METRICS, Score

#: Every value of the label `kind`: what about an item was not as SendGrid documents it.
ANOMALY_KINDS = (
    "item",  # no JSON object
    "user_id",  # absent, no text or too long: the item cannot be told apart, and is left out
    "username",  # no text, or too long
    "duplicate_username",  # two users of one name: the second goes by its user_id
    "date",  # no date, or not the day asked for
    "score",  # no number from 1 to 5
    "metrics",  # no JSON object
    "metric",  # no number from 1 to 5
)


# Names become labels, and every query and page carries these. SendGrid's are a quarter as long.
_LONGEST_NAME = 256


@dataclass(slots=True)
class Anomalies:
    """What was odd in one poll: how often each kind, and the first example of it."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, kind: str, user_id: str, value: object) -> None:
        """Count one oddity of `kind`: `value`, in the item of the user `user_id`."""
        self.counts[kind] += 1
        if kind not in self.examples:
            self.examples[kind] = f"user_id {user_id[:40]!r}: {_shorten(value)}"


def parse_item(item: object, anomalies: Anomalies) -> Score | None:
    """Return the scores in one item of a `result` list, or None if it names no user.

    A value that is not what SendGrid documents is left out and noted; one that is absent or null
    is what SendGrid does for those who are not eligible, and is not.
    """
    if not isinstance(item, Mapping):
        anomalies.note("item", "", item)
        return None
    user_id = item.get("user_id")
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        user_id = str(user_id)  # other endpoints write it as a number
    if not is_name(user_id):
        anomalies.note("user_id", "", user_id)
        return None
    user_id = clean(user_id)
    overall = _parse_number(item.get("score"), "score", user_id, anomalies)
    return Score(
        user_id=user_id,
        username=_parse_username(item.get("username"), user_id, anomalies),
        overall=overall,
        metrics=_parse_metrics(item.get("metrics"), user_id, anomalies),
    )


def parse_date(item: Any) -> date | None:
    """Return the day that an item is for, or None where it holds none."""
    try:
        return date.fromisoformat(item["date"])
    except (KeyError, TypeError, ValueError):
        return None


def is_name(value: object) -> TypeGuard[str]:
    """Whether `value` can be a label: text, not empty, and of 256 characters at most."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME


def clean(text: str) -> str:
    r"""Return `text` with each half of a surrogate pair as `?`.

    JSON can hold one (`"\ud800"`), UTF-8 cannot: it would cost the whole page.
    """
    return text.encode("utf-8", "replace").decode()


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
    if not isinstance(value, Mapping):
        anomalies.note("metrics", user_id, value)
        return (None,) * len(METRICS)
    return tuple(
        _parse_number(value.get(metric), "metric", user_id, anomalies) for metric in METRICS
    )


def _parse_number(value: object, kind: str, user_id: str, anomalies: Anomalies) -> float | None:
    # Its type as it is: a bool is an int too. Compared before it is converted: NaN fails here, and
    # so does an integer too big for a float.
    if type(value) in (float, int) and LOWEST <= value <= HIGHEST:  # type: ignore[operator]
        return _share(float(value))  # type: ignore[arg-type]
    if value is not None:
        anomalies.note(kind, user_id, value)
    return None


@lru_cache(maxsize=1024)
def _share(value: float) -> float:
    """Return one object for all that equal `value`: half a million scores are few numbers."""
    return value


def _shorten(value: object) -> str:
    # A string of megabytes is cut before it is quoted; a container is only named.
    if isinstance(value, Mapping | list):
        return type(value).__name__
    return repr(value[:60]) if isinstance(value, str) else repr(value)[:60]
