"""The current snapshot of each account, and the page made of them."""

from __future__ import annotations

import threading

from seq_exporter.config.model import SeriesSelection
from seq_exporter.errors import TooManySeries
from seq_exporter.publish.families import AccountPieces, count_series, join_accounts, render_account
from seq_exporter.scores import Snapshot


class Store:
    """Holds one snapshot an account, and the page of them all.

    Written from the threads that poll, through a `Slot` each. Read from anywhere without a lock:
    `page` and a slot's `snapshot` are immutable, and are replaced as a whole.
    """

    def __init__(self) -> None:
        self.page = join_accounts(())
        self._slots: dict[str, Slot] = {}
        self._changes = 0
        self._changes_on_page = 0
        self._changing = threading.Lock()
        self._joining = threading.Lock()

    def open(
        self,
        account: str,
        wanted: SeriesSelection | None = None,
        max_series: int | None = None,
    ) -> Slot:
        """Return the account's slot, empty; one that it had before can no longer write.

        Of what is put there, the series that are `wanted` are published, if they are no more than
        `max_series`.
        """
        slot = Slot(self, account, wanted or SeriesSelection(), max_series)
        with self._changing:
            is_replaced = account in self._slots
            self._slots[account] = slot
            self._changes += is_replaced
        if is_replaced:
            self._publish()
        return slot

    def swap(self, slot: Slot, snapshot: Snapshot) -> None:
        """Replace the snapshot in `slot`, and the page; does nothing once the slot is closed.

        Raises TooManySeries, and changes nothing then.
        """
        is_news = snapshot != slot.snapshot
        # Before anything is changed, and of this account alone: whatever goes wrong here leaves
        # the page as it was.
        pieces = slot.render(snapshot) if is_news else slot.pieces
        with self._changing:
            if self._slots.get(slot.account) is slot:
                self._changes += is_news
                slot.snapshot, slot.pieces = snapshot, pieces
        self._publish()

    def close(self, slot: Slot) -> None:
        """Take what is in `slot` off the page."""
        with self._changing:
            if self._slots.get(slot.account) is slot:
                del self._slots[slot.account]
                self._changes += 1
        self._publish()

    def _publish(self) -> None:
        """Make the page anew, unless another thread has done so since the change."""
        with self._joining:
            with self._changing:
                changes = self._changes
                # In the order of names, not of arrival: the page stays the same over restarts.
                accounts = [self._slots[name].pieces for name in sorted(self._slots)]
            # Many accounts that come in at once are one page, not one each: those that waited
            # here while a page was made are all on the next.
            if changes != self._changes_on_page:
                self.page = join_accounts(accounts)
                self._changes_on_page = changes


class Slot:
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
        self.pieces: AccountPieces = {}
        self._store = store

    @property
    def series(self) -> int:
        """How many series are published of the account."""
        return count_series(self.pieces)

    def swap(self, snapshot: Snapshot) -> None:
        """Publish `snapshot` instead of the one that is there. Raises TooManySeries."""
        self._store.swap(self, snapshot)

    def render(self, snapshot: Snapshot) -> AccountPieces:
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
