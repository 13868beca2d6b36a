"""The options of a backfill: its flags, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from seq_exporter.config.model import PollSettings


@dataclass(frozen=True, slots=True)
class BackfillOptions:
    """The days from `first` to `last`, and how they become samples.

    `until` is the time before which the samples end, None for now. `delay_seconds` is how long
    after the end of a day its scores appeared. `step_seconds` is the time between two samples, None
    to choose it; `labels` are added to every series. The samples go to a receiver at `url`, with
    these `headers`; without one, to files. URL and headers may hold secrets.
    """

    first: date
    last: date
    until: int | None
    delay_seconds: int
    step_seconds: int | None
    labels: Mapping[str, str]
    requests_per_minute: int
    url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    poll: PollSettings = field(default_factory=PollSettings)

    @property
    def days(self) -> list[date]:
        """The days to fetch, the oldest first: SendGrid forgets it next."""
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]
