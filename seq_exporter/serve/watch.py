"""Files that change while the program runs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from seq_exporter.threads import DaemonThreads


class Watch:
    """Tells when the content of files has changed; `paths` may return others each time.

    The content and not the time: Kubernetes renews what it mounts without a change, and a file that
    is written twice in a moment can keep its time.
    """

    def __init__(self, paths: Callable[[], Iterable[Path]]) -> None:
        self._paths = paths
        self._seen = self._digest()

    def has_changed(self) -> bool:
        """Whether it has changed since this was last asked, or since the beginning."""
        before, self._seen = self._seen, self._digest()
        return self._seen != before

    def _digest(self) -> dict[Path, bytes | None]:
        return {path: _digest(path) for path in self._paths()}


async def follow(
    has_changed: Callable[[], bool], interval_seconds: float, act: Callable[[], Awaitable[object]]
) -> None:
    """Call `act` after each change, for ever; look for one every `interval_seconds`."""
    threads = DaemonThreads(1)  # a file on a network can take its time
    while True:
        await asyncio.sleep(interval_seconds)
        with contextlib.suppress(RuntimeError):  # no thread to be had: there may be one later
            if await threads.run(has_changed):
                await act()


def _digest(path: Path) -> bytes | None:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None
