"""How the polls of an account have gone, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass


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
