"""The current snapshot of each account, and the exposition of them all."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

from seq_exporter.config.model import SeriesSelection
from seq_exporter.errors import TooManySeries
from seq_exporter.publish.account_pieces import AccountPieces
from seq_exporter.publish.changes import Changes
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.families import (
    DeflatedFamilies,
    RenderedAccount,
    count_series,
    join_families,
    render_account,
)
from seq_exporter.publish.joined_accounts import JoinedAccounts, merge_texts
from seq_exporter.scores import Snapshot

# Expositions of some accounts that are kept. One of each account is as large as that of all.
_MOST_JOINED_BYTES = 32 * 1024 * 1024


class Store:
    """Holds one snapshot for each account, and the exposition of all accounts.

    Each polling thread writes through its own `AccountWriter`. Anyone may read without a lock:
    `exposition` and a writer's `snapshot` are immutable, and are replaced as a whole.
    """

    def __init__(self, most_joined_bytes: int = _MOST_JOINED_BYTES) -> None:
        self.exposition = join_families({})
        self._writers: dict[str, AccountWriter] = {}
        self._most_joined_bytes = most_joined_bytes
        self._joined: dict[frozenset[str], tuple[list[DeflatedFamilies], DeflatedText]] = {}
        self._changing = threading.Lock()
        self._pieces = AccountPieces(merge_texts, self._changing)
        self._changes = Changes(self._publish)

    def open(
        self,
        account: str,
        wanted: SeriesSelection | None = None,
        max_series: int | None = None,
    ) -> AccountWriter:
        """Return a new writer for the account; an earlier writer can no longer write.

        It publishes the series that are `wanted`, and at most `max_series` of them.
        """
        writer = AccountWriter(self, account, _Choice(wanted or SeriesSelection(), max_series))
        with self._changing:
            is_replaced = account in self._writers
            self._writers[account] = writer
            self._pieces.replace(account, writer.families)
        if is_replaced:
            self._changes.note()
            self._changes.publish()
        return writer

    def replace(self, writer: AccountWriter, rendered: RenderedAccount) -> bool:
        """Replace what `writer` publishes, and the exposition; return False if it is closed."""
        with self._changing:
            is_open = self._writers.get(writer.account) is writer
            if is_open:
                if self._pieces.replace(writer.account, rendered.families):
                    self._changes.note()
                writer.snapshot, writer.families = rendered.snapshot, rendered.families
        self._changes.publish()
        return is_open

    def close_all(self, writers: Iterable[AccountWriter]) -> None:
        """Remove the accounts of `writers` from the exposition, in one step."""
        with self._changing:
            for writer in writers:
                if self._writers.get(writer.account) is writer:
                    del self._writers[writer.account]
                    self._pieces.remove(writer.account)
                    self._changes.note()
        self._changes.publish()

    def join(self, accounts: Iterable[str]) -> DeflatedText:
        """Return the exposition of some accounts; one that has been closed has no series.

        It is joined again only if one of them has changed. Call it in one thread.
        """
        names = frozenset(accounts)
        with self._changing:  # all at one moment
            families = self._pieces.select(names)
        joined = self._joined.get(names)
        if joined is None or joined[0] != families:
            joined = families, join_families(JoinedAccounts(merge_texts).join(families))
            kept_bytes = sum(len(text.deflated) for _, text in self._joined.values())
            if kept_bytes > self._most_joined_bytes:
                self._joined.clear()
            self._joined[names] = joined
        return joined[1]

    def _publish(self) -> None:
        self.exposition = join_families(self._pieces.join())


class _Choice(NamedTuple):
    """Which series of a snapshot are published, and how many at most; None is no limit."""

    wanted: SeriesSelection
    max_series: int | None

    def render(self, snapshot: Snapshot) -> RenderedAccount:
        """Return what publishes `snapshot`. Raises TooManySeries."""
        rendered = render_account(snapshot, self.wanted)
        count = count_series(rendered.families)
        if self.max_series is not None and count > self.max_series:
            raise TooManySeries(
                f"{count} series are more than max_series, {self.max_series}: "
                "raise it, or leave series out"
            )
        return rendered


class AccountWriter:
    """Writes one account's snapshots to the store, until it is closed.

    A poll that still runs when its account is removed or changed would otherwise bring it back.
    """

    def __init__(self, store: Store, account: str, choice: _Choice) -> None:
        self.account = account
        self.snapshot = Snapshot(account)
        self.families: DeflatedFamilies = {}
        self._store = store
        self._choice = choice
        self._published = choice
        # A reload may change the choice while a poll swaps: the one must not undo the other.
        self._swapping = threading.Lock()

    @property
    def series(self) -> int:
        """How many series of the account are published."""
        return count_series(self.families)

    @property
    def is_behind(self) -> bool:
        """Whether other series are published than those chosen, which are too many."""
        return self._choice != self._published

    def swap(self, snapshot: Snapshot) -> None:
        """Publish `snapshot` instead of the current one; do nothing if this is closed.

        Raises TooManySeries, and changes nothing then.
        """
        with self._swapping:
            self._swap(snapshot, self._choice)

    def update(self, snapshot: Snapshot) -> None:
        """Publish `snapshot`, all of whose series the current one has, too: never too many.

        While this `is_behind`, the series published so far are those of the earlier choice.
        """
        with self._swapping:
            self._swap(snapshot, self._published)

    def choose(self, wanted: SeriesSelection, max_series: int | None) -> None:
        """Publish other series of the current snapshot, and of all later ones.

        Raises TooManySeries. Then the exposition stays as it was, and this `is_behind` until a
        `swap` or a `choose` succeeds.
        """
        with self._swapping:
            self._choice = _Choice(wanted, max_series)
            self._swap(self.snapshot, self._choice)

    def close(self) -> None:
        """Withdraw the account's series for good."""
        self._store.close_all([self])

    def _swap(self, snapshot: Snapshot, choice: _Choice) -> None:
        is_same = snapshot == self.snapshot and choice == self._published
        # Rendered before anything is changed: an error here leaves the exposition as it was.
        held = RenderedAccount(self.families, snapshot)
        if self._store.replace(self, held if is_same else choice.render(snapshot)):
            self._published = choice
