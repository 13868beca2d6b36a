"""Noticing files that change while the program runs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from seq_exporter.threads import DaemonThreads, NoThread


class Watch:
    """Notices when the content of files has changed; `paths` may return other files each time.

    It compares content, not modification times: Kubernetes remounts files without a change, and a
    file that is written twice in a moment can keep its time.
    """

    def __init__(self, paths: Callable[[], Iterable[Path]]) -> None:
        self._paths = paths
        self._seen = self._digest()

    def has_changed(self) -> bool:
        """Whether the content has changed since the last call, or since this was created."""
        before, self._seen = self._seen, self._digest()
        return self._seen != before

    def _digest(self) -> dict[Path, bytes | None]:
        return {path: _digest(path) for path in self._paths()}


async def follow(
    has_changed: Callable[[], bool], interval_seconds: float, act: Callable[[], Awaitable[object]]
) -> None:
    """Call `act` after each change, forever; look for one every `interval_seconds`."""
    threads = DaemonThreads(1)  # reading a file on a network may take long
    while True:
        await asyncio.sleep(interval_seconds)
        with contextlib.suppress(NoThread):  # the next look may find one
            if await threads.run(has_changed):
                await act()


def _digest(path: Path) -> bytes | None:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None
