"""The overall scores of an account's last days, small enough to be written whole each day."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import compress
from typing import Any

from pydantic import Base64Bytes

#: How many days are kept, the newest one included.
DAYS_REMEMBERED = 30

# Users without a score on any of the days are forgotten once they may outnumber the others: looking
# for them takes a second in a fleet of 100,000.
_MOST_IDS_PER_SCORE = 2

# A sixth of the default's time, for files that are a fifteenth larger.
_COMPRESSION_LEVEL = 4


@dataclass(frozen=True, slots=True)
class History:
    """The overall scores of the last days, by user_id: a subuser may get another name.

    `user_ids` and each of `days` are compressed lists. The scores of a day are in the order of the
    user_ids; None is no score, and so is the end of a shorter list. Each is compressed on its own,
    so that adding or reading a day leaves the others packed.
    """

    user_ids: Base64Bytes
    days: Mapping[date, Base64Bytes]

    def record(self, day: date, scores: Mapping[str, float]) -> History:
        """Return the history with these `scores` of `day`, without the days that are too old."""
        known: list[str] = _unpack(self.user_ids)
        unknown = sorted(scores.keys() - known)
        user_ids = known + unknown
        added = {**self.days, day: _pack([scores.get(user_id) for user_id in user_ids])}
        oldest = max(added) - timedelta(days=DAYS_REMEMBERED - 1)
        days = {day: added[day] for day in sorted(added) if day >= oldest}
        recorded = History(_pack(user_ids) if unknown else self.user_ids, days)
        is_crowded = len(user_ids) > _MOST_IDS_PER_SCORE * len(scores)
        return _forget_idle(recorded) if is_crowded and len(days) < len(added) else recorded

    def read(self, day: date) -> Mapping[str, float]:
        """Return the scores of `day` by user_id; nothing if the day is not remembered."""
        if day not in self.days:
            return {}
        # The list of scores may be shorter.
        found = zip(_unpack(self.user_ids), _unpack(self.days[day]), strict=False)
        return {user_id: score for user_id, score in found if score is not None}

    def read_user(self, user_id: str) -> Mapping[date, float]:
        """Return the scores of one user by day."""
        user_ids = _unpack(self.user_ids)
        if user_id not in user_ids:
            return {}
        index = user_ids.index(user_id)
        found = {day: _unpack_score(packed, index) for day, packed in self.days.items()}
        return {day: score for day, score in found.items() if score is not None}


def _forget_idle(history: History) -> History:
    """Return the history without the users who have no score on any of its days."""
    user_ids = _unpack(history.user_ids)
    is_needed = bytearray(len(user_ids))
    for packed in history.days.values():
        for index, score in enumerate(_unpack(packed)):
            is_needed[index] |= score is not None
    days = {
        day: _pack(compress(_unpack(packed), is_needed)) for day, packed in history.days.items()
    }
    return History(_pack(compress(user_ids, is_needed)), days)


def _pack(values: Iterable[str | float | None]) -> bytes:
    text = json.dumps(list(values), separators=(",", ":"))
    return zlib.compress(text.encode(), _COMPRESSION_LEVEL)


def _unpack(packed: bytes) -> list[Any]:
    values: list[Any] = json.loads(zlib.decompress(packed))
    return values


def _unpack_score(packed: bytes, index: int) -> float | None:
    """Return one score of a list, which may be shorter."""
    # To parse all of them takes ten times as long.
    scores = zlib.decompress(packed).strip(b"[]").split(b",", index + 1)
    found = scores[index] if index < len(scores) else b""
    return json.loads(found) if found else None


#: The history before its first day.
NO_HISTORY = History(_pack([]), {})
