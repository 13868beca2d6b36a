"""A user's scores of one day.

Apart from `scores.py`, so that `--help` and a server that starts do not wait for the import of
msgspec.
"""

from __future__ import annotations

from dataclasses import dataclass

try:
    from msgspec import Struct
except ModuleNotFoundError:  # no wheel for this platform: the same, slower and in more memory

    class Struct:  # type: ignore[no-redef]
        """Makes a frozen dataclass of each class that is derived from it."""

        def __init_subclass__(cls, **_: bool) -> None:
            dataclass(frozen=True)(cls)


# `gc=False`: the garbage collector would look for cycles in all scores of a fleet, with every
# scrape waiting. There are none: a score holds texts, numbers, and a tuple of numbers.
class Score(Struct, frozen=True, gc=False):
    """One user's scores of one day; `None` is a score that SendGrid left out, never 0.

    `overall` is 1..5 or None, `metrics` five such values in the order of `scores.METRICS`.
    """

    user_id: str
    username: str | None = None
    overall: float | None = None
    metrics: tuple[float | None, ...] = (None,) * 5

    @property
    def is_scored(self) -> bool:
        """Whether SendGrid found the user eligible: only eligible users have an overall score."""
        return self.overall is not None
