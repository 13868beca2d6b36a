"""Changes of many threads, published together."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Changes:
    """Publishes changes of many threads, by a function that publishes all that there are.

    Threads that change something while it runs wait, and share its next run.
    """

    def __init__(self, publish: Callable[[], None]) -> None:
        self._publish = publish
        self._newest = self._published = object()
        self._publishing = threading.Lock()

    def note(self) -> None:
        """Note that something has changed."""
        self._newest = object()

    def publish(self) -> None:
        """Publish what has been noted, unless another thread has done so since."""
        with self._publishing:
            newest = self._newest  # read first: what changes from now on may be missed
            if newest is not self._published:
                self._publish()
                self._published = newest
