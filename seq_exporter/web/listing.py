"""Which subusers are shown, and in which order: for the status page and the API alike.

Pure, and slow for a large fleet (tens of milliseconds for 100,000): not for the event loop.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import NamedTuple

from seq_exporter.ranking import rank
from seq_exporter.scores import METRICS, Health, Score, Snapshot, SubuserScores

Accounts = Sequence[tuple[Snapshot, Health]]

SORTS = ("overall", *METRICS, "name")
ORDERS = ("asc", "desc")
PAGE_SIZE, LARGEST_PAGE = 50, 1000
# Beyond it, a page would cost as much as sorting everything; nobody reads that far.
LARGEST_OFFSET = 1_000_000
_LONGEST_TEXT = 200


class Entry(NamedTuple):
    """One subuser of one account."""

    account: str
    subuser: str
    subusers: SubuserScores
    score: Score


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for; names are matched by a part of them, in upper or lower case."""

    account: str = ""
    subuser: str = ""
    below: float | None = None
    sort: str = "overall"
    order: str = "asc"
    limit: int = PAGE_SIZE
    offset: int = 0

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> tuple[Query, list[str]]:
        """Return the query, and what is wrong with it: of that, the default stands."""
        mistakes: list[str] = []
        unknown = given.keys() - set(cls.__slots__)
        mistakes += [f"{name[:40]!r} is no parameter" for name in sorted(unknown)]
        return (
            cls(
                account=_read_text(given, "account", mistakes),
                subuser=_read_text(given, "subuser", mistakes),
                below=_read_number(given, "below", mistakes),
                sort=_read_choice(given, "sort", SORTS, mistakes),
                order=_read_choice(given, "order", ORDERS, mistakes),
                limit=_read_count(given, "limit", (1, LARGEST_PAGE), PAGE_SIZE, mistakes),
                offset=_read_count(given, "offset", (0, LARGEST_OFFSET), 0, mistakes),
            ),
            mistakes,
        )


class Listing(NamedTuple):
    """A page of subusers, and how many there are on all pages."""

    entries: list[Entry]
    total: int


def list_subusers(accounts: Accounts, query: Query) -> Listing:
    """Return the slice that is asked for; subusers without a score come last in either order."""
    wanted = query.account.casefold()
    fleets = [
        (snapshot.account, snapshot.subusers)
        for snapshot, _ in accounts
        if snapshot.subusers and wanted in snapshot.account.casefold()
    ]
    chosen = [_choose(subusers.by_label, query) for _, subusers in fleets]
    # Indices into all chosen subusers, fleet after fleet, need no object for each subuser.
    starts = [0, *accumulate(map(len, chosen))]
    names = list(chain.from_iterable(chosen))
    entries = []
    for index in _order(names, chosen, query)[query.offset :]:
        account, subusers = fleets[bisect_right(starts, index) - 1]
        entries.append(Entry(account, names[index], subusers, subusers.by_label[names[index]]))
    return Listing(entries, len(names))


def _choose(by_label: Mapping[str, Score], query: Query) -> Mapping[str, Score]:
    part, below = query.subuser.casefold(), query.below
    if part:
        by_label = {name: each for name, each in by_label.items() if part in name.casefold()}
    if below is not None:
        scored = ((name, each) for name, each in by_label.items() if each.overall is not None)
        by_label = {name: each for name, each in scored if (each.overall or 0) < below}
    return by_label


def _order(names: Sequence[str], fleets: Sequence[Mapping[str, Score]], query: Query) -> list[int]:
    """Return the indices of the first `offset + limit` subusers of all `fleets`."""
    end, descending = query.offset + query.limit, query.order == "desc"
    if query.sort == "name":
        first = heapq.nlargest if descending else heapq.nsmallest
        return [index for _, index in first(end, zip(names, range(len(names)), strict=True))]
    scores = chain.from_iterable(by_label.values() for by_label in fleets)
    values: list[float | None]
    if query.sort == "overall":
        values = [score.overall for score in scores]
    else:
        place = METRICS.index(query.sort)
        values = [score.metrics[place] for score in scores]
    return rank(values, names, descending=descending, end=end)


def _read_text(given: Mapping[str, str], name: str, mistakes: list[str]) -> str:
    text = given.get(name, "").strip()
    if len(text) > _LONGEST_TEXT:
        mistakes.append(f"{name} is longer than {_LONGEST_TEXT} characters")
        return ""
    return text


def _read_number(given: Mapping[str, str], name: str, mistakes: list[str]) -> float | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        mistakes.append(f"{name} is no number: write 3 or 3.5")
        return None
    return number


def _read_choice(
    given: Mapping[str, str], name: str, choices: Sequence[str], mistakes: list[str]
) -> str:
    text = given.get(name) or choices[0]
    if text not in choices:
        mistakes.append(f"{name} is one of {', '.join(choices)}")
        return choices[0]
    return text


def _read_count(
    given: Mapping[str, str], name: str, limits: tuple[int, int], default: int, mistakes: list[str]
) -> int:
    text = given.get(name, "").strip()
    lowest, highest = limits
    if not text:
        return default
    # As decimal digits of ASCII alone: int() takes `१` and `1_0` as well.
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    if not is_number or not lowest <= int(text) <= highest:
        mistakes.append(f"{name} is a number from {lowest} to {highest}")
        return default
    return int(text)
