"""What to write: which series, at which times, in which windows of time."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from seq_exporter.commands.backfill.archive import AccountArchive, CountedScores
from seq_exporter.commands.backfill.history import (
    AccountHistory,
    PublishedDay,
    PublishedScores,
    Series,
    list_published_days,
    list_replaced_days,
)
from seq_exporter.config.model import ALL_SUBUSERS, Account, PollSettings
from seq_exporter.errors import BackfillError
from seq_exporter.scores import OwnScore, Snapshot

# Blocks of Prometheus begin at multiples of their length, and this is the longest that it makes
# within a month. A file of this span is read by promtool once, and becomes one block.
WINDOW_SECONDS = 486 * 3600

# The most samples for which each step, in seconds, is chosen; the finest first. A sample takes 100
# to 150 bytes of a file. The alerts need one every hour, which is worth up to 4.5 GB. Without one
# every 4 minutes, queries need `last_over_time`: avoiding that is worth 1 GB.
_MOST_SAMPLES_BY_STEP = {240: 7_500_000, 3600: 30_000_000, 86_400: math.inf}


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


class Window(NamedTuple):
    """From `start` until just before `end`, in epoch seconds."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is written; `labels` are added to each series, as Prometheus adds its target's."""

    accounts: Sequence[AccountHistory]
    step_seconds: int
    labels: Mapping[str, str]

    def windows(self) -> list[Window]:
        """Return the windows that have samples, in order of time."""
        if not self._published:
            return []
        start = min(each.start for each in self._published) // WINDOW_SECONDS * WINDOW_SECONDS
        starts = range(start, self.end, WINDOW_SECONDS)
        return [Window(start, start + WINDOW_SECONDS) for start in starts]

    @property
    def end(self) -> int:
        """The time before which all samples are; 0 if there are no samples."""
        return max((each.end for each in self._published), default=0)

    @property
    def samples(self) -> int:
        """How many samples there are, about."""
        return sum(map(self.count_samples, self.windows()))

    def list_series(self, window: Window) -> Iterator[Series]:
        """Yield the series that have samples in `window`."""
        for account in self.accounts:
            yield from account.list_series(window)

    def count_samples(self, window: Window) -> int:
        """Return how many samples there are in `window`, about."""
        return sum(account.count_samples(self.step_seconds, window) for account in self.accounts)

    def fingerprint(self, window: Window) -> str:
        """Return a text that differs whenever the samples in `window` would."""
        content = [
            (
                account.account.name,
                account.account.series,
                # Not their starts: the samples of a day are counted from there.
                [
                    (each._replace(end=min(each.end, window.end)), scores)
                    for each, scores in account.within(window)
                ],
            )
            for account in self.accounts
        ]
        text = repr((self.step_seconds, sorted(self.labels.items()), content))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def _published(self) -> list[PublishedDay]:
        return [each for account in self.accounts for each, _ in account.days]


def make_plan(
    accounts: Iterable[tuple[Account, AccountArchive]], options: BackfillOptions, until: int
) -> Plan:
    """Return what to write of the archived days, up to the time `until`.

    Raises BackfillError if the live exporter would not have published a day.
    """
    plans = [_plan_account(account, archive, options, until) for account, archive in accounts]
    return Plan(plans, options.step_seconds or choose_step(plans), options.labels)


def _plan_account(
    account: Account, archive: AccountArchive, options: BackfillOptions, until: int
) -> AccountHistory:
    replaced = list_replaced_days(
        _list_published(archive.finished_days(), options, until),
        delay_seconds=options.delay_seconds,
        lookback_days=options.poll.lookback_days,
    )
    archive.label(account.subusers or ALL_SUBUSERS, replaced)
    history = AccountHistory(account, archive, publish(account, archive, options, until))
    for published, scores in history.days if account.max_series else ():
        count = history.count_series(scores)
        if scores.subusers and count > (account.max_series or 0):
            raise BackfillError(
                f"account {account.name!r}: {count} series of {published.day} are more than "
                f"max_series, {account.max_series}: raise it, or leave series out"
            )
    return history


def publish(
    account: Account, archive: AccountArchive, options: BackfillOptions, until: int
) -> list[PublishedScores]:
    """Return which of the labelled scores were published when, up to the time `until`."""

    def list_days(found: Mapping[date, CountedScores | OwnScore]) -> list[PublishedDay]:
        days = {day: each.has_scores for day, each in found.items()}
        return _list_published(days, options, until)

    subusers = archive.counted_days() if account.subusers else {}
    scores = archive.own_scores() if account.own_score else {}
    own = {day: OwnScore(day, score) for day, score in scores.items()}
    return [
        *((each, Snapshot(account.name, subusers[each.day])) for each in list_days(subusers)),
        *((each, Snapshot(account.name, own=own[each.day])) for each in list_days(own)),
    ]


def _list_published(
    days: Mapping[date, bool], options: BackfillOptions, until: int
) -> list[PublishedDay]:
    return list_published_days(
        {day: days[day] for day in options.days if day in days},
        delay_seconds=options.delay_seconds,
        lookback_days=options.poll.lookback_days,
        until=until,
    )


def choose_step(accounts: Sequence[AccountHistory]) -> int:
    """Return the finest step, in seconds, with which there are not too many samples."""
    return next(
        step_seconds
        for step_seconds, most_samples in _MOST_SAMPLES_BY_STEP.items()
        if Plan(accounts, step_seconds, {}).samples <= most_samples
    )
