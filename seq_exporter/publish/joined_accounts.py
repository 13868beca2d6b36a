"""The pieces of many accounts, joined in groups: a change of one costs the work of its group."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Generic, TypeVar

from seq_exporter.publish.deflate import DeflatedText

_Piece = TypeVar("_Piece")

#: What is left of many pieces of a family, in their order: one, or more if some are large.
Joined = Sequence[DeflatedText]

#: Joins the pieces of a group in one family.
Merge = Callable[[Sequence[_Piece]], Joined]

# How many accounts, or groups, a group has. A change costs so many steps on each level.
_MEMBERS = 32

# Texts of some lines are compressed together, to a fifth of what they take on their own. In larger
# ones, each line has its like already.
_SMALL_TEXT_BYTES = 4 * 1024

# Larger pieces stay as they are: joined, they would be in memory twice.
_LARGE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Group(Generic[_Piece]):
    """Members, each with a piece for each family that it has, and what these are joined to."""

    members: Sequence[Mapping[str, _Piece]]
    families: Mapping[str, Joined]


class JoinedAccounts(Generic[_Piece]):
    """Joins the families of many accounts, and remembers the parts of the result.

    Neighbours stand in groups, and so do groups, so that an account with a new piece costs a few
    dozen steps, and not one for each account.
    """

    def __init__(self, merge: Merge[_Piece]) -> None:
        self._merge = merge
        self._accounts: Sequence[_Group[_Piece]] = ()
        self._levels: Sequence[Sequence[_Group[Joined]]] = ()

    def join(
        self, accounts: Sequence[Mapping[str, _Piece]], changed: Collection[int] | None = None
    ) -> Mapping[str, Joined]:
        """Return the pieces of all `accounts`, family by family, in their order.

        A mapping that is replaced has changed. `changed` are the places in `accounts` where one has
        been since the last call; None if any may have been, or accounts have come or gone. Call
        this in one thread at a time.
        """
        groups, changed = _group(accounts, self._accounts, changed, self._merge)
        members = [group.families for group in groups]
        levels: list[Sequence[_Group[Joined]]] = []
        while len(members) > 1:
            before = self._levels[len(levels)] if len(levels) < len(self._levels) else ()
            level, changed = _group(members, before, changed, _join_groups)
            levels.append(level)
            members = [group.families for group in level]
        self._accounts, self._levels = groups, levels
        return members[0] if members else {}


def merge_texts(pieces: Sequence[DeflatedText]) -> Joined:
    """Join neighbours among `pieces` that are small, by compressing their texts together."""
    return _merge_runs(pieces, lambda piece: piece.size < _SMALL_TEXT_BYTES, _compress_together)


def _compress_together(pieces: Sequence[DeflatedText]) -> DeflatedText:
    return DeflatedText.of([b"".join(piece.inflated()).decode() for piece in pieces])


def _join_groups(groups: Sequence[Joined]) -> Joined:
    pieces = chain.from_iterable(groups)
    return _merge_runs(pieces, lambda piece: len(piece.deflated) < _LARGE_BYTES, DeflatedText.join)


def _merge_runs(
    pieces: Iterable[DeflatedText],
    is_small: Callable[[DeflatedText], bool],
    merge: Callable[[Sequence[DeflatedText]], DeflatedText],
) -> Joined:
    merged: list[DeflatedText] = []
    for are_small, run in groupby(pieces, is_small):
        found = list(run)
        merged += [merge(found)] if are_small and len(found) > 1 else found
    return merged


def _group(
    members: Sequence[Mapping[str, _Piece]],
    before: Sequence[_Group[_Piece]],
    changed: Collection[int] | None,
    merge: Merge[_Piece],
) -> tuple[Sequence[_Group[_Piece]], Collection[int]]:
    """Return `members` in groups, and the places of the groups that may not be those of `before`.

    Only the members at the places `changed` are looked at; None means all.
    """
    count = -(-len(members) // _MEMBERS)  # rounded up
    empty: _Group[_Piece] = _Group((), {})
    groups = [*before[:count], *[empty] * (count - len(before))]
    places = range(count) if changed is None else {place // _MEMBERS for place in changed}
    for place in places:
        start = place * _MEMBERS
        groups[place] = _join_group(members[start : start + _MEMBERS], groups[place], merge)
    return groups, places


def _join_group(
    members: Sequence[Mapping[str, _Piece]], before: _Group[_Piece], merge: Merge[_Piece]
) -> _Group[_Piece]:
    if _are_same(members, before.members):
        return before
    families: dict[str, Joined] = {}
    for name in dict.fromkeys(chain.from_iterable(members)):
        pieces = _pieces_of(name, members)
        is_same = _are_same(pieces, _pieces_of(name, before.members))
        families[name] = before.families[name] if is_same else merge(pieces)
    return _Group(members, families)


def _pieces_of(name: str, members: Sequence[Mapping[str, _Piece]]) -> Sequence[_Piece]:
    return [member[name] for member in members if name in member]


def _are_same(some: Sequence[object], others: Sequence[object]) -> bool:
    # By identity: to compare equal texts would take as long as to compress them.
    return len(some) == len(others) and all(map(operator.is_, some, others))
