"""What a soak must have shown; every check returns what is wrong, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise

from tests.soak.record import Record
from tests.soak.truth import Scores

Truth = Mapping[tuple[str, date], Scores]

_REASONS = (
    "connection",
    "forbidden",
    "malformed_response",
    "not_found",
    "rate_limited",
    "server_error",
    "timeout",
    "unauthorized",
    "unexpected_status",
)
# The first bucket of the histogram that is well above the time-out of 1 s.
_TOO_LONG_SECONDS = 2.5
_MEMORY_GROWTH = 1.1
_MORE_FILES = 3


def check_scrapes(record: Record) -> Iterator[str]:
    """Every scrape succeeded, and there was about one a second."""
    scrapes = record.scrapes()
    failed = [at for at, is_up in scrapes.items() if not is_up]
    if failed:
        yield f"{len(failed)} of {len(scrapes)} scrapes failed, the first at {failed[0]}"
    expected = record.end - record.begin
    if len(scrapes) < 0.9 * expected:
        yield f"only {len(scrapes)} scrapes in {expected:.0f} s"


def check_scores(record: Record, truth: Truth, scope: str, infix: str) -> Iterator[str]:
    """Every scrape holds just what is true of the day that it shows: no gap, no wrong value."""
    days, scores = record.days(scope), record.scores(infix)
    if undated := len(scores.keys() - days.keys()):
        yield f"{undated} scrapes with scores of {scope} of no day"
    wrong: dict[str, list[str]] = defaultdict(list)
    for (at, account), day in days.items():
        held = truth.get((account, day), Scores({}, {}))
        expected = held.own if infix else held.subusers
        found = scores.get((at, account), {})
        if found != expected:
            keys = sorted(k for k in found | expected if found.get(k) != expected.get(k))
            example = f"{keys[0]} is {found.get(keys[0])}, not {expected.get(keys[0])}"
            wrong[account].append(f"at {at} for {day} {len(keys)} wrong samples: {example}")
    for account, scrapes in wrong.items():
        yield f"{account}: {len(scrapes)} wrong scrapes, the first {scrapes[0]}"


def check_days(record: Record, accounts: list[str], newest: date, scope: str) -> Iterator[str]:
    """The day is there from its first scrape on, only goes forward, and ends at `newest`."""
    shown = record.days(scope)
    for account in accounts:
        by_scrape = [shown.get((at, account)) for at in sorted(record.scrapes())]
        days = by_scrape[next((i for i, day in enumerate(by_scrape) if day), 0) :]
        if None in days:
            yield f"{account}: no day of {scope} in {days.count(None)} of {len(days)} scrapes"
            continue
        if any(later < earlier for earlier, later in pairwise(filter(None, days))):
            yield f"{account}: the day of {scope} went back"
        if days[0] == newest or days[-1] != newest:
            yield f"{account}: the day of {scope} went from {days[0]} to {days[-1]}, not {newest}"


def check_resources(record: Record) -> Iterator[str]:
    """Memory and open files are flat after the first quarter."""
    memory = record.quarters("process_resident_memory_bytes")
    if memory[3] > _MEMORY_GROWTH * memory[1]:
        yield f"resident memory grew: {memory}"
    files = record.quarters("process_open_fds")
    if files[3] > files[1] + _MORE_FILES:
        yield f"open files grew: {files}"


def check_reloads(record: Record) -> Iterator[str]:
    """Wrong configurations were refused, and right ones applied after them."""
    results = record.values("seq_exporter_config_last_reload_successful")
    changes = Counter(pairwise(results))
    if not (changes[1, 0] and changes[0, 1]):
        yield f"reloads: {dict(changes)}, not both refused and applied"


def check_polls(record: Record) -> Iterator[str]:
    """Some polls of each account succeeded, some failed as they should, none by a defect."""
    polls = record.sum_by("account", "seq_exporter_poll_duration_seconds_count")
    failed = record.sum_by("account", "seq_exporter_poll_failures_total")
    for account, count in polls.items():
        if not 0 < failed[account] < count:
            yield f"{account}: {failed[account]:.0f} of {count:.0f} polls failed"
    reasons = record.sum_by("reason", "seq_exporter_poll_failures_total")
    if reasons["internal"]:
        yield f"{reasons['internal']:.0f} polls failed by a defect in the exporter"
    for reason in _REASONS:
        if not reasons[reason]:
            yield f"no poll failed for the reason {reason}"
    # The faults break answers, never a value in one.
    for kind, count in record.sum_by("kind", "seq_exporter_anomalies_total").items():
        if count:
            yield f"{count:.0f} anomalies of the kind {kind}"


def count_long_requests(record: Record) -> float:
    """Return how many requests took much longer than the time-out allows."""
    name = "seq_exporter_api_request_duration_seconds"
    every = record.sum_by("", f"{name}_count")[""]
    return every - record.sum_by("", f'{name}_bucket{{le="{_TOO_LONG_SECONDS}"}}')[""]


def check_timeouts(record: Record) -> Iterator[str]:
    """No request outlasted its time-out, however slowly an answer came."""
    if count := count_long_requests(record):
        yield f"{count:.0f} requests took over {_TOO_LONG_SECONDS} s, with a time-out of 1 s"


def check_faults(injected: Mapping[str, int], least: int) -> Iterator[str]:
    """Each kind of fault was injected often enough for a failure to show."""
    for kind, count in injected.items():
        if count < least:
            yield f"the fault {kind!r} was injected {count} times, not {least}"
