"""What was not as SendGrid documents it, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: Every value of the label `kind`: which part of an item is not as SendGrid documents it.
ANOMALY_KINDS = (
    "item",  # not a JSON object
    "user_id",  # absent, not text or too long: the item cannot be identified, and is left out
    "username",  # not text, or too long
    "duplicate_username",  # two users of one name: the second goes by its user_id
    "date",  # not a date, or not the day that was asked for
    "score",  # not a number from 1 to 5
    "metrics",  # not a JSON object
    "metric",  # not a number from 1 to 5
)


@dataclass(slots=True)
class Anomalies:
    """The anomalies of one poll: how many of each kind, and the first example of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, kind: str, user_id: str, value: object) -> None:
        """Count one anomaly of `kind`: `value`, in the item of the user `user_id`."""
        self.counts[kind] += 1
        if kind not in self.examples:
            self.examples[kind] = f"user_id {user_id[:40]!r}: {_shorten(value)}"


def _shorten(value: object) -> str:
    # A string of megabytes is cut before it is quoted; of a container, only the type is named.
    if isinstance(value, dict | list):
        return type(value).__name__
    return repr(value[:60]) if isinstance(value, str) else repr(value)[:60]
