"""The current snapshot of each account, and the exposition of them all."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from seq_exporter.config.model import SeriesSelection
from seq_exporter.errors import TooManySeries
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.families import (
    DeflatedFamilies,
    count_series,
    join_accounts,
    render_account,
)
from seq_exporter.scores import Snapshot

# Expositions of some accounts that are kept. One of each account is as large as that of all.
_MOST_JOINED_BYTES = 32 * 1024 * 1024


class Store:
    """Holds one snapshot for each account, and the exposition of all accounts.

    Each polling thread writes through its own `AccountWriter`. Anyone may read without a lock:
    `exposition` and a writer's `snapshot` are immutable, and are replaced as a whole.
    """

    def __init__(self, most_joined_bytes: int = _MOST_JOINED_BYTES) -> None:
        self.exposition = join_accounts(())
        self._writers: dict[str, AccountWriter] = {}
        self._most_joined_bytes = most_joined_bytes
        self._joined: dict[frozenset[str], tuple[list[DeflatedFamilies], DeflatedText]] = {}
        self._changes = 0
        self._changes_published = 0
        self._changing = threading.Lock()
        self._joining = threading.Lock()

    def open(
        self,
        account: str,
        wanted: SeriesSelection | None = None,
        max_series: int | None = None,
    ) -> AccountWriter:
        """Return a new writer for the account; an earlier writer can no longer write.

        It publishes the series that are `wanted`, and at most `max_series` of them.
        """
        writer = AccountWriter(self, account, wanted or SeriesSelection(), max_series)
        with self._changing:
            is_replaced = account in self._writers
            self._writers[account] = writer
            self._changes += is_replaced
        if is_replaced:
            self._publish()
        return writer

    def swap(self, writer: AccountWriter, snapshot: Snapshot) -> None:
        """Replace the snapshot of `writer`, and the exposition; do nothing if the writer is closed.

        Raises TooManySeries, and changes nothing then.
        """
        is_news = snapshot != writer.snapshot
        # Rendered before anything is changed: an error here leaves the exposition as it was.
        families = writer.render(snapshot) if is_news else writer.families
        with self._changing:
            if self._writers.get(writer.account) is writer:
                self._changes += is_news
                writer.snapshot, writer.families = snapshot, families
        self._publish()

    def close(self, writer: AccountWriter) -> None:
        """Remove the account of `writer` from the exposition."""
        with self._changing:
            if self._writers.get(writer.account) is writer:
                del self._writers[writer.account]
                self._changes += 1
        self._publish()

    def join(self, accounts: Iterable[str]) -> DeflatedText:
        """Return the exposition of some accounts; one that has been closed has no series.

        It is joined again only if one of them has changed. Call it in one thread.
        """
        names = frozenset(accounts)
        with self._changing:  # all at one moment
            writers = [self._writers.get(name) for name in sorted(names)]
            families = [writer.families for writer in writers if writer]
        joined = self._joined.get(names)
        if joined is None or joined[0] != families:
            joined = families, join_accounts(families)
            kept_bytes = sum(len(text.deflated) for _, text in self._joined.values())
            if kept_bytes > self._most_joined_bytes:
                self._joined.clear()
            self._joined[names] = joined
        return joined[1]

    def _publish(self) -> None:
        """Join the exposition again, unless another thread has done so since the change."""
        with self._joining:
            with self._changing:
                changes = self._changes
                # In the order of names, not of arrival: it stays the same over restarts.
                accounts = [self._writers[name].families for name in sorted(self._writers)]
            # Accounts that change while an exposition is joined wait here, and share the next one.
            if changes != self._changes_published:
                self.exposition = join_accounts(accounts)
                self._changes_published = changes


class AccountWriter:
    """Writes one account's snapshots to the store, until it is closed.

    A poll that still runs when its account is removed or changed would otherwise bring it back.
    """

    def __init__(
        self, store: Store, account: str, wanted: SeriesSelection, max_series: int | None
    ) -> None:
        self.account = account
        self._wanted = wanted
        self._max_series = max_series
        self.snapshot = Snapshot(account)
        self.families: DeflatedFamilies = {}
        self._store = store

    @property
    def series(self) -> int:
        """How many series of the account are published."""
        return count_series(self.families)

    def swap(self, snapshot: Snapshot) -> None:
        """Publish `snapshot` instead of the current one. Raises TooManySeries."""
        self._store.swap(self, snapshot)

    def render(self, snapshot: Snapshot) -> DeflatedFamilies:
        """Return the families that publish `snapshot`. Raises TooManySeries."""
        families = render_account(snapshot, self._wanted)
        count = count_series(families)
        if self._max_series is not None and count > self._max_series:
            raise TooManySeries(
                f"{count} series are more than max_series, {self._max_series}: "
                "raise it, or leave series out"
            )
        return families

    def close(self) -> None:
        """Withdraw the account's series for good."""
        self._store.close(self)
