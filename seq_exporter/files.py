"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` when the block ends; `mode` are its permissions.

    Whoever reads `path`, even after a crash or a power cut at any moment, finds the old file or
    the new one, and both whole. If the block raises, `path` stays as it was. Raises OSError.

    A symbolic link stays one: the file that it names is replaced.

    A process that is killed leaves a file behind that `find_leftovers` finds.
    """
    path = Path(os.path.realpath(path))
    handle, temporary = tempfile.mkstemp(_SUFFIX, _prefix(path), path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def writing_to(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Open a file that a user named: as `replacing` does, unless it is not a regular file.

    A device or a named pipe is written to: root could replace /dev/null.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
    else:
        with replacing(path, mode=mode) as file:
            yield file


def find_leftovers(path: Path) -> Iterator[Path]:
    """Yield what processes left behind that were killed while they wrote `path`."""
    path = Path(os.path.realpath(path))
    prefix = _prefix(path)
    for found in path.parent.glob(f".*{_SUFFIX}"):
        if found.name.startswith(prefix):
            yield found


_SUFFIX = ".tmp"


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk too: a power cut could undo the renaming."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
