"""The output folder: which files a backfill owns, and what can go wrong with them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.openmetrics import PATTERN
from seq_exporter.errors import BackfillError, ConfigError

_ARCHIVE = "scores.sqlite"

#: The folder for the blocks that promtool makes.
BLOCKS = "blocks"

_OURS = (
    *(_ARCHIVE, f"{_ARCHIVE}-journal", BLOCKS, PATTERN, f"{PATTERN}.tmp"),
    "etilqs_*",  # in which SQLite sorts
    "lost+found",  # of a file system of its own
)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Archive]:
    """Make the folder unless it exists, and open its archive.

    Raises ConfigError if it holds anything else, and BackfillError if it cannot be written, now or
    in the block.
    """
    try:
        with contextlib.suppress(FileExistsError):  # the next line finds any fault of it
            folder.mkdir(parents=True)
        foreign = [
            path.name
            for path in sorted(folder.iterdir())
            if not any(path.match(pattern) for pattern in _OURS)
        ]
    except OSError as err:
        raise ConfigError(f"cannot use --output-dir {folder}: {err.strerror}") from err
    if foreign:
        raise ConfigError(
            f"--output-dir {folder} holds {foreign[0]!r}, which is not from a backfill: "
            "name a new or empty folder, or one from an earlier backfill"
        )
    # SQLite sorts in files: here is room, and elsewhere a container may not write.
    os.environ.setdefault("SQLITE_TMPDIR", str(folder.resolve()))
    try:
        with contextlib.closing(Archive(folder / _ARCHIVE)) as archive:
            yield archive
    except (OSError, sqlite3.Error) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise BackfillError(
            f"cannot write to {folder}: {reason}: make room, and run the same command again; "
            "complete files are kept"
        ) from err
