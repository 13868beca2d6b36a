"""Noticing files that change while the program runs."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from seq_exporter.threads import DaemonThreads, read_file

_log = logging.getLogger(__name__)


class Watch:
    """Notices when the content of files has changed; `paths` may return other files each time.

    It compares content, not modification times: Kubernetes remounts files without a change, and a
    file that is written twice in a moment can keep its time. A file that cannot be read, or not
    within `READ_SECONDS`, has no content.
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
    """Call `act` after each change, forever; look for one every `interval_seconds`.

    Whatever `has_changed` or `act` raises is logged, and ends nothing; `act` is called again at the
    next look.
    """
    threads = DaemonThreads(1)  # reading a file on a network may take long
    is_due, problem = False, ""
    while True:
        await asyncio.sleep(interval_seconds)
        try:
            is_due = await threads.run(has_changed) or is_due
            if is_due:
                await act()
            is_due, problem = False, ""
        except Exception as err:  # noqa: BLE001
            if repr(err) != problem:  # once, not at every look
                _log.exception("changed files not followed", extra={"error": str(err)})
            problem = repr(err)


def _digest(path: Path) -> bytes | None:
    try:
        return hashlib.sha256(read_file(path)).digest()
    except OSError:
        return None
