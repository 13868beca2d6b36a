"""The current snapshot of each account, and the page made of them."""

from __future__ import annotations

import threading

from seq_exporter.exposition import Page
from seq_exporter.scores import Snapshot


class Store:
    """Holds one snapshot an account, and the page of them all.

    Written from the threads that poll, through a `Slot` each. Read from anywhere without a lock:
    `page` and a slot's `snapshot` are immutable, and are replaced as a whole.
    """

    def __init__(self) -> None:
        self.page = Page.of(())
        self._slots: dict[str, Slot] = {}
        self._lock = threading.Lock()

    def open(self, account: str) -> Slot:
        """Return the account's slot, empty; one that it had before can no longer write."""
        slot = Slot(self, account)
        with self._lock:
            had_one = account in self._slots
            self._slots[account] = slot
            if had_one:
                self._publish()
        return slot

    def swap(self, slot: Slot, snapshot: Snapshot) -> None:
        """Replace the snapshot in `slot`, and the page; does nothing once the slot is closed."""
        with self._lock:
            if self._slots.get(slot.account) is slot:
                is_news = snapshot != slot.snapshot
                slot.snapshot = snapshot
                if is_news:
                    self._publish()

    def close(self, slot: Slot) -> None:
        """Take what is in `slot` off the page."""
        with self._lock:
            if self._slots.get(slot.account) is slot:
                del self._slots[slot.account]
                self._publish()

    def _publish(self) -> None:
        # In the order of names, not of arrival: the page stays the same over restarts.
        self.page = Page.of([self._slots[name].snapshot for name in sorted(self._slots)])


class Slot:
    """One account's place in the store: whoever holds it may write there until it is closed.

    A poll that goes on while its account is removed or changed would otherwise bring it back.
    """

    def __init__(self, store: Store, account: str) -> None:
        self.account = account
        self.snapshot = Snapshot(account)
        self._store = store

    def swap(self, snapshot: Snapshot) -> None:
        """Publish `snapshot` instead of the one that is there."""
        self._store.swap(self, snapshot)

    def close(self) -> None:
        """Withdraw what was published, for good."""
        self._store.close(self)
