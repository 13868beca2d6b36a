"""What is to be written: which series, at which moments, in which windows of time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from seq_exporter.commands.backfill.history import History, Series
from seq_exporter.commands.backfill.timeline import Shown, instants
from seq_exporter.publish.families import escape_label

# Blocks of Prometheus begin at multiples of their length, and this is the longest that it makes
# within a month. A file of this span is read by promtool once, and becomes one block.
WINDOW_SECONDS = 486 * 3600

# Up to so many samples, the finest of these steps is chosen; about 100 bytes each.
_MOST_SAMPLES = 30_000_000
_STEPS_SECONDS = (240, 3600, 86_400)

# Those of all subusers together, the date, the counts, the distribution; and of the account itself.
_SERIES_OF_SUBUSERS = 34
_SERIES_OF_AN_ACCOUNT = 7


class Window(NamedTuple):
    """From `start` until just before `end`, in epoch seconds."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Past:
    """One account's history, and when each of its days was shown."""

    history: History
    subusers: Sequence[Shown]
    own: Sequence[Shown]

    def list_series(self, window: Window) -> Iterator[Series]:
        """Return the series that have anything in `window`."""
        return self.history.list_series(_within(self.subusers, window), _within(self.own, window))

    def count_series(self, shown: Shown) -> int:
        """Return how many series of subusers are shown at that time, about."""
        return self.history.count_series(shown.day) + _SERIES_OF_SUBUSERS

    def count_samples(self, step_seconds: int, window: Window) -> int:
        """Return how many samples there are in `window`, about."""
        subusers = sum(
            len(instants(shown, step_seconds, *window)) * self.count_series(shown)
            for shown in _within(self.subusers, window)
        )
        own = sum(
            len(instants(shown, step_seconds, *window)) for shown in _within(self.own, window)
        )
        return subusers + own * _SERIES_OF_AN_ACCOUNT


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be written; `labels` are added to each series, as its target's are."""

    pasts: Sequence[Past]
    step_seconds: int
    labels: Mapping[str, str]

    @property
    def quoted_labels(self) -> Mapping[str, str]:
        """The labels, with their values as an exposition writes them."""
        return {name: escape_label(value) for name, value in self.labels.items()}

    def windows(self) -> list[Window]:
        """Return the windows that there is anything in, in order of time."""
        shown = [shown for past in self.pasts for shown in chain(past.subusers, past.own)]
        if not shown:
            return []
        start = min(each.start for each in shown) // WINDOW_SECONDS * WINDOW_SECONDS
        return [
            Window(begin, begin + WINDOW_SECONDS)
            for begin in range(start, self.end, WINDOW_SECONDS)
        ]

    @property
    def end(self) -> int:
        """The moment that all samples are before; 0 if there are none."""
        ends = (each.end for past in self.pasts for each in (*past.subusers, *past.own))
        return max(ends, default=0)

    @property
    def samples(self) -> int:
        """How many samples there are, about."""
        return sum(map(self.count_samples, self.windows()))

    def count_samples(self, window: Window) -> int:
        """Return how many samples there are in `window`, about."""
        return sum(past.count_samples(self.step_seconds, window) for past in self.pasts)

    def fingerprint(self, window: Window) -> str:
        """Return a text that is another one whenever the samples in `window` would be others."""
        content = [
            (
                past.history.account.name,
                past.history.account.series,
                [
                    (_clip(shown, window), past.history.fingerprint(shown.day))
                    for shown in _within(past.subusers, window)
                ],
                [
                    (_clip(shown, window), past.history.own_fingerprint(shown.day))
                    for shown in _within(past.own, window)
                ],
            )
            for past in self.pasts
        ]
        text = repr((self.step_seconds, sorted(self.labels.items()), content))
        return hashlib.sha256(text.encode()).hexdigest()


def choose_step(pasts: Sequence[Past]) -> int:
    """Return the finest step, in seconds, with which there are not too many samples."""
    always = Window(0, 2**62)
    for step_seconds in _STEPS_SECONDS:
        if sum(past.count_samples(step_seconds, always) for past in pasts) <= _MOST_SAMPLES:
            break
    return step_seconds


def _within(shown: Sequence[Shown], window: Window) -> list[Shown]:
    return [each for each in shown if each.start < window.end and each.end > window.start]


def _clip(shown: Shown, window: Window) -> Shown:
    # Not its start: that is where its samples are counted from.
    return shown._replace(end=min(shown.end, window.end))
