"""How many samples, bytes and seconds a backfill takes, known before it writes or sends them.

Some of its series are made as all will be: what their samples take, the others take as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from seq_exporter.clock import Clock
from seq_exporter.commands.backfill.history import Series, sample_times
from seq_exporter.commands.backfill.plan import Plan, Window
from seq_exporter.config.durations import format_duration

#: About so many samples are tried: it takes less than a second.
TRIED_SAMPLES = 300_000

#: Makes what is written or sent of the series in a window, and returns how many bytes it is.
Make = Callable[[Sequence[Series], Window], int]


class Estimate(NamedTuple):
    """About how much so many samples take."""

    samples: int
    size_bytes: float
    seconds: float

    def of(self, samples: int) -> Estimate:
        """Return what another number of samples takes."""
        share = samples / self.samples if self.samples else 0.0
        return Estimate(samples, self.size_bytes * share, self.seconds * share)


def estimate(plan: Plan, make: Make, clock: Clock, tried_samples: int = TRIED_SAMPLES) -> Estimate:
    """Return what all samples of `plan` take, by what `make` takes for a part of them."""
    window = max(plan.windows(), key=plan.count_samples, default=None)
    whole = plan.count_samples(window) if window else 0
    if window is None or not whole:
        return Estimate(0, 0.0, 0.0)
    step = max(round(whole / tried_samples), 1)
    series: list[Series] = []
    sorting_seconds = 0.0
    started = clock.monotonic()
    for account in plan.accounts:
        own = list(account.list_account_series(window))
        series += own[::step]
        asked = clock.monotonic()
        subusers = account.list_subuser_series(window)
        series += islice(subusers, 1)
        sorting_seconds += clock.monotonic() - asked
        others = account.count_samples(plan.step_seconds, window) - _count_samples(
            own, plan, window
        )
        series += _take(subusers, others / step, plan, window)
    size_bytes = make(series, window)
    making_seconds = clock.monotonic() - started - sorting_seconds
    tried = _count_samples(series, plan, window)
    # All scores of a window are sorted before the first is made.
    sample_seconds = sorting_seconds / whole + making_seconds / tried
    return Estimate(tried, size_bytes, sample_seconds * tried).of(plan.samples)


def describe_estimate(doing: str, estimated: Estimate, step_seconds: int) -> str:
    """Return `Writing about 1,710,000 samples, one every 1h: 231 MB, 2 s`."""
    samples, size_bytes, seconds = estimated
    return (
        f"{doing} about {_round(samples)} samples, one every {format_duration(step_seconds)}: "
        f"{_describe_size(size_bytes)}, {_describe_time(seconds)}"
    )


def _take(found: Iterable[Series], wanted: float, plan: Plan, window: Window) -> Iterator[Series]:
    """Yield series until they have as many samples as wanted."""
    for series in found:
        if wanted <= 0:
            return
        wanted -= _count_samples([series], plan, window)
        yield series


def _count_samples(found: Iterable[Series], plan: Plan, window: Window) -> int:
    days = (published for series in found for published, _ in series.values)
    return sum(len(sample_times(day, plan.step_seconds, *window)) for day in days)


def _round(number: int) -> str:
    """Return three digits of it: the others are not certain."""
    return f"{float(f'{number:.3g}'):,.0f}"


def _describe_size(size_bytes: float) -> str:
    if size_bytes < 1e6:
        return "less than 1 MB"
    return f"{_round(round(size_bytes / 1e6))} MB"


def _describe_time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min"
