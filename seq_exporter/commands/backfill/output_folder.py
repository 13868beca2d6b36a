"""The output folder: what of it is ours, and what goes wrong with it."""

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

#: Where the blocks are to go that promtool makes.
BLOCKS = "blocks"

_OURS = (
    *(_ARCHIVE, f"{_ARCHIVE}-journal", BLOCKS, PATTERN, f"{PATTERN}.tmp"),
    "etilqs_*",  # what SQLite sorts
    "lost+found",  # of a file system of its own
)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Archive]:
    """Make the folder where it is not there, and open its archive.

    Raises ConfigError if it holds anything else, and BackfillError if it cannot be written, now or
    in what is done with it.
    """
    try:
        with contextlib.suppress(FileExistsError):  # what is wrong with it then shows next
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
            f"--output-dir {folder} holds {foreign[0]!r}, which is no part of a backfill: "
            "name a folder that is new or empty, or one that a backfill has begun"
        )
    # SQLite sorts in files: where there is room, and not where a container can write nothing.
    os.environ.setdefault("SQLITE_TMPDIR", str(folder.resolve()))
    try:
        with contextlib.closing(Archive(folder / _ARCHIVE)) as archive:
            yield archive
    except (OSError, sqlite3.Error) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise BackfillError(
            f"cannot write to {folder}: {reason}: what is whole there stays; "
            "make room, and run the same command again"
        ) from err
