"""The current snapshot of each account, and the page made of them."""

from __future__ import annotations

import threading

from seq_exporter.config.model import SeriesSelection
from seq_exporter.errors import TooManySeries
from seq_exporter.publish.families import (
    DeflatedFamilies,
    count_series,
    join_accounts,
    render_account,
)
from seq_exporter.scores import Snapshot


class Store:
    """Holds one snapshot an account, and the page of them all.

    Each polling thread writes through its own `AccountWriter`. Anyone may read without a lock:
    `exposition` and a writer's `snapshot` are immutable, and are replaced as a whole.
    """

    def __init__(self) -> None:
        self.exposition = join_accounts(())
        self._writers: dict[str, AccountWriter] = {}
        self._changes = 0
        self._changes_on_page = 0
        self._changing = threading.Lock()
        self._joining = threading.Lock()

    def open(
        self,
        account: str,
        wanted: SeriesSelection | None = None,
        max_series: int | None = None,
    ) -> AccountWriter:
        """Return the account's writer, empty; one that it had before can no longer write.

        Of what is put there, the series that are `wanted` are published, if they are no more than
        `max_series`.
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
        """Replace the snapshot in `writer`, and the page; does nothing once the writer is closed.

        Raises TooManySeries, and changes nothing then.
        """
        is_news = snapshot != writer.snapshot
        # Before anything is changed, and of this account alone: whatever goes wrong here leaves
        # the page as it was.
        pieces = writer.render(snapshot) if is_news else writer.pieces
        with self._changing:
            if self._writers.get(writer.account) is writer:
                self._changes += is_news
                writer.snapshot, writer.pieces = snapshot, pieces
        self._publish()

    def close(self, writer: AccountWriter) -> None:
        """Take what is in `writer` off the page."""
        with self._changing:
            if self._writers.get(writer.account) is writer:
                del self._writers[writer.account]
                self._changes += 1
        self._publish()

    def _publish(self) -> None:
        """Make the page anew, unless another thread has done so since the change."""
        with self._joining:
            with self._changing:
                changes = self._changes
                # In the order of names, not of arrival: the page stays the same over restarts.
                accounts = [self._writers[name].pieces for name in sorted(self._writers)]
            # Many accounts that come in at once are one page, not one each: those that waited
            # here while a page was made are all on the next.
            if changes != self._changes_on_page:
                self.exposition = join_accounts(accounts)
                self._changes_on_page = changes


class AccountWriter:
    """One account's place in the store: whoever holds it may write there until it is closed.

    A poll that goes on while its account is removed or changed would otherwise bring it back.
    """

    def __init__(
        self, store: Store, account: str, wanted: SeriesSelection, max_series: int | None
    ) -> None:
        self.account = account
        self._wanted = wanted
        self._max_series = max_series
        self.snapshot = Snapshot(account)
        self.pieces: DeflatedFamilies = {}
        self._store = store

    @property
    def series(self) -> int:
        """How many series are published of the account."""
        return count_series(self.pieces)

    def swap(self, snapshot: Snapshot) -> None:
        """Publish `snapshot` instead of the one that is there. Raises TooManySeries."""
        self._store.swap(self, snapshot)

    def render(self, snapshot: Snapshot) -> DeflatedFamilies:
        """Return what would be published of `snapshot`. Raises TooManySeries."""
        pieces = render_account(snapshot, self._wanted)
        count = count_series(pieces)
        if self._max_series is not None and count > self._max_series:
            raise TooManySeries(
                f"{count} series are more than max_series, {self._max_series}: "
                "raise it, or leave series out"
            )
        return pieces

    def close(self) -> None:
        """Withdraw what was published, for good."""
        self._store.close(self)
