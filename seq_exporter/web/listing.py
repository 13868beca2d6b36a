"""List subusers, filtered and sorted, for the status page and the API.

Pure. Takes 10 to 60 ms for 100,000 subusers, so call it outside the event loop.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from seq_exporter.ranking import rank
from seq_exporter.scores import METRICS, Health, Snapshot, SubuserScores
from seq_exporter.web.parameters import Count, Number, Parameters, SearchText

if TYPE_CHECKING:
    from seq_exporter.score import Score

Accounts = Sequence[tuple[Snapshot, Health]]

#: What subusers can be sorted by, in the words of `seq-exporter scores --sort`.
SORTS = ("overall", *METRICS, "change7", "name")

# What an order is called, and what it was called first: URLs last longer than names.
_EARLIER_ORDERS = {"asc": "ascending", "desc": "descending"}


def _name_order(value: object) -> object:
    return _EARLIER_ORDERS.get(value, value) if isinstance(value, str) else value


class Query(Parameters):
    """Which subusers to list, and in which order."""

    account: SearchText = Field(default="", description="Part of an account's name, in any case.")
    subuser: SearchText = Field(default="", description="Part of a subuser's name, in any case.")
    below: Number | SkipJsonSchema[None] = Field(
        default=None, description="Only subusers whose overall score is below this."
    )
    sort: Literal[SORTS] = Field(  # type: ignore[valid-type]
        default="overall", description="What to sort by; a missing value comes last."
    )
    order: Annotated[Literal["ascending", "descending"], BeforeValidator(_name_order)] = Field(
        default="ascending",
        description="ascending: the lowest first; descending: the highest first. "
        "asc and desc mean the same.",
    )
    limit: Count = Field(default=50, ge=1, le=1000, description="How many subusers to return.")
    # Beyond this, finding the slice would cost as much as sorting everything.
    offset: Count = Field(default=0, ge=0, le=1_000_000, description="How many subusers to skip.")


class Entry(NamedTuple):
    """One subuser of one account; `change7` is None if a score of 7 days before is not known."""

    account: str
    subuser: str
    subusers: SubuserScores
    score: Score
    change7: float | None


class Listing(NamedTuple):
    """A slice of the subusers that match a query, and how many match."""

    entries: list[Entry]
    total: int


class _Chosen(NamedTuple):
    """The subusers of one account that match a query, and their `change7` in the same order."""

    account: str
    subusers: SubuserScores
    by_label: Mapping[str, Score]
    change7: Sequence[float | None]


def list_subusers(accounts: Accounts, query: Query) -> Listing:
    """Return the slice that is asked for; who has no value to sort by comes last in any order."""
    wanted = query.account.casefold()
    fleets = [
        _choose(snapshot.account, snapshot.subusers, query)
        for snapshot, _ in accounts
        if snapshot.subusers and wanted in snapshot.account.casefold()
    ]
    # Indices into all chosen subusers, fleet after fleet, need no object for each subuser.
    starts = [0, *accumulate(len(fleet.by_label) for fleet in fleets)]
    names = list(chain.from_iterable(fleet.by_label for fleet in fleets))
    entries = []
    for index in _order(names, fleets, query)[query.offset :]:
        number = bisect_right(starts, index) - 1
        fleet, name = fleets[number], names[index]
        change7 = fleet.change7[index - starts[number]]
        entries.append(Entry(fleet.account, name, fleet.subusers, fleet.by_label[name], change7))
    return Listing(entries, len(names))


def _choose(account: str, subusers: SubuserScores, query: Query) -> _Chosen:
    by_label, part, below = subusers.by_label, query.subuser.casefold(), query.below
    if part:
        by_label = {name: each for name, each in by_label.items() if part in name.casefold()}
    if below is not None:
        scored = ((name, each) for name, each in by_label.items() if each.overall is not None)
        by_label = {name: each for name, each in scored if (each.overall or 0) < below}
    change7: Sequence[float | None] = subusers.change7 or (None,) * len(by_label)
    if len(by_label) < len(change7):
        named = zip(subusers.by_label, change7, strict=True)
        change7 = [change for name, change in named if name in by_label]
    return _Chosen(account, subusers, by_label, change7)


def _order(names: Sequence[str], fleets: Sequence[_Chosen], query: Query) -> list[int]:
    """Return the indices of the first `offset + limit` subusers of all `fleets`."""
    end, descending = query.offset + query.limit, query.order == "descending"
    if query.sort == "name":
        first = heapq.nlargest if descending else heapq.nsmallest
        return [index for _, index in first(end, zip(names, range(len(names)), strict=True))]
    return rank(_list_values(fleets, query.sort), names, descending=descending, end=end)


def _list_values(fleets: Sequence[_Chosen], sort: str) -> list[float | None]:
    """Return what the subusers of all `fleets` are sorted by."""
    if sort == "change7":
        return list(chain.from_iterable(fleet.change7 for fleet in fleets))
    scores = chain.from_iterable(fleet.by_label.values() for fleet in fleets)
    if sort == "overall":
        return [score.overall for score in scores]
    place = METRICS.index(sort)
    return [score.metrics[place] for score in scores]
