"""List subusers, filtered and sorted, for the status page and the API.

Pure. Takes 10 to 60 ms for 100,000 subusers, so call it outside the event loop.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from typing import Literal, NamedTuple

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from seq_exporter.ranking import rank
from seq_exporter.scores import METRICS, Health, Score, Snapshot, SubuserScores
from seq_exporter.web.parameters import Count, Number, Parameters, SearchText

Accounts = Sequence[tuple[Snapshot, Health]]

#: What subusers can be sorted by.
SORTS = ("overall", *METRICS, "name")


class Query(Parameters):
    """Which subusers to list, and in which order."""

    account: SearchText = Field(default="", description="Part of an account's name, in any case.")
    subuser: SearchText = Field(default="", description="Part of a subuser's name, in any case.")
    below: Number | SkipJsonSchema[None] = Field(
        default=None, description="Only subusers whose overall score is below this."
    )
    sort: Literal[SORTS] = Field(  # type: ignore[valid-type]
        default="overall", description="What to sort by; a missing score comes last."
    )
    order: Literal["asc", "desc"] = Field(
        default="asc", description="asc: the lowest first; desc: the highest first."
    )
    limit: Count = Field(default=50, ge=1, le=1000, description="How many subusers to return.")
    # Beyond this, finding the slice would cost as much as sorting everything.
    offset: Count = Field(default=0, ge=0, le=1_000_000, description="How many subusers to skip.")


class Entry(NamedTuple):
    """One subuser of one account."""

    account: str
    subuser: str
    subusers: SubuserScores
    score: Score


class Listing(NamedTuple):
    """A slice of the subusers that match a query, and how many match."""

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
