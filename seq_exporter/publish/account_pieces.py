"""What is published of each account, by its name, and all of it joined."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from seq_exporter.publish.joined_accounts import Joined, JoinedAccounts, Merge

_Piece = TypeVar("_Piece")


class AccountPieces(Generic[_Piece]):
    """Holds the pieces of each account, family by family, in the order of the accounts' names.

    This is not the order of their arrival: the page stays the same over restarts. Hold `changing`
    in every call but `join`, which holds it itself while it reads.
    """

    def __init__(self, merge: Merge[_Piece], changing: threading.Lock) -> None:
        self._changing = changing
        self._joined = JoinedAccounts(merge)
        self._pieces: dict[str, Mapping[str, _Piece]] = {}
        # Each name's place in `_pieces`; None if names have come or gone since the last `join`.
        self._places: Mapping[str, int] | None = None
        # The names whose pieces have been replaced since then.
        self._replaced: set[str] = set()

    def replace(self, account: str, pieces: Mapping[str, _Piece]) -> bool:
        """Hold `pieces` as those of `account`; return False if they are those held already."""
        if pieces is self._pieces.get(account):
            return False
        if account not in self._pieces:
            self._places = None
        self._pieces[account] = pieces
        self._replaced.add(account)
        return True

    def remove(self, account: str) -> None:
        """Hold nothing of `account` any more."""
        del self._pieces[account]
        self._places = None

    def select(self, accounts: Iterable[str]) -> list[Mapping[str, _Piece]]:
        """Return the pieces of those of `accounts` that are held, in the order of their names."""
        return [self._pieces[name] for name in sorted(accounts) if name in self._pieces]

    def join(self) -> Mapping[str, Joined]:
        """Return all pieces, family by family. Call it in one thread at a time."""
        with self._changing:
            places, changed = self._places, None
            if places is None:
                self._pieces = dict(sorted(self._pieces.items()))
                places = {name: place for place, name in enumerate(self._pieces)}
            else:
                changed = [places[name] for name in self._replaced]
            pieces = list(self._pieces.values())
            # Last: an error before this, such as a lack of memory, loses no change.
            self._places, self._replaced = places, set()
        try:
            return self._joined.join(pieces, changed)
        except BaseException:  # the next call looks for all changes, those of this one included
            with self._changing:
                self._places = None
            raise
