"""The last good snapshot of each account on disk, and its history: a restart loses no scores."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter

from seq_exporter.config.model import Account
from seq_exporter.config.secret import HASH_COST, Secret, fingerprint
from seq_exporter.files import find_leftovers, replacing
from seq_exporter.history import History
from seq_exporter.scores import Snapshot
from seq_exporter.threads import call_within

# File systems allow 255 bytes, and the name of the temporary file is longer.
_LONGEST_NAME = 150

# How long a file may take. A network mount can hang for days, and the account must be polled.
_DISK_SECONDS = 30.0

_Content = TypeVar("_Content")


@dataclass(frozen=True, slots=True)
class _Header:
    """The first line of a file; the second line is its content, which `seal` authenticates.

    `owner` is a hash of everything that decides which scores an account has.
    """

    format: Literal[1]
    salt: str
    owner: str
    seal: str


class StateFolder:
    """Keeps files of each account in `folder`, which is created when it is first needed.

    These are its last good snapshot and, in the folder `earlier-scores`, its scores of the last
    days. A file is valid only for the account that it was written for: with the same key, host,
    on_behalf_of and selection of subusers. It contains a salted, slow hash of the key, not the key.
    """

    def __init__(
        self, folder: Path, disk_seconds: float = _DISK_SECONDS, hash_cost: int = HASH_COST
    ) -> None:
        self._folder = folder
        self._disk_seconds = disk_seconds
        self._hash_cost = hash_cost
        self._header = TypeAdapter(_Header)
        self._history = TypeAdapter(History)
        # Of the last file that was this account's, so that not every poll calculates the slow hash.
        self._owner: tuple[Account, Secret, _Owner] | None = None

    def save(self, account: Account, key: Secret, snapshot: Snapshot) -> None:
        """Replace the account's snapshot: a crash leaves the old or the new one.

        Raises OSError, also if the folder does not answer in time.
        """
        # Here, because it imports msgspec: the start does not wait for it.
        from seq_exporter.serve.saved import dump_snapshot

        self._save(self._path(account), account, key, dump_snapshot(snapshot))

    def load(self, account: Account, key: Secret) -> Snapshot | None:
        """Return the saved snapshot of this account, or None if there is none.

        Raises OSError if the file cannot be read, or not in time. If the file is not what `save`
        writes, renames it and raises ValueError.
        """
        from seq_exporter.serve.saved import parse_snapshot  # here, as above

        return self._load(self._path(account), account, key, parse_snapshot)

    def save_history(self, account: Account, key: Secret, history: History) -> None:
        """Replace the account's history, as `save` does the snapshot."""
        content = self._history.dump_json(history)
        self._save(self._history_path(account), account, key, content)

    def load_history(self, account: Account, key: Secret) -> History | None:
        """Return the account's history, as `load` does the snapshot."""
        return self._load(self._history_path(account), account, key, self._history.validate_json)

    def _save(self, path: Path, account: Account, key: Secret, content: bytes) -> None:
        owner = self._own(account, key)
        self._owner = account, key, owner
        header = _Header(1, owner.salt, owner.public, owner.seal(content))

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.writelines((self._header.dump_json(header), b"\n", content))

        call_within(self._disk_seconds, write, f"save {path}")

    def _load(
        self, path: Path, account: Account, key: Secret, parse: Callable[[bytes], _Content]
    ) -> _Content | None:
        def read() -> _Content | None:
            for leftover in find_leftovers(path):
                with contextlib.suppress(OSError):
                    leftover.unlink()
            try:
                return self._open(path.read_bytes(), account, key, parse)
            except FileNotFoundError:
                return None
            except ValueError:
                aside = path.with_suffix(".unreadable")
                os.replace(path, aside)
                raise ValueError(
                    f"{path} was not written by this version: renamed to {aside}"
                ) from None

        return call_within(self._disk_seconds, read, f"load {path}")

    def _open(
        self, sealed: bytes, account: Account, key: Secret, parse: Callable[[bytes], _Content]
    ) -> _Content | None:
        """Return a file's content, or None if it is another owner's. Raises ValueError."""
        first, _, content = sealed.partition(b"\n")
        header = self._header.validate_json(first)
        owner = self._own(account, key, header.salt)
        if not _is_same(header.owner, owner.public):
            return None
        if not _is_same(header.seal, owner.seal(content)):
            raise ValueError("changed since it was written")
        self._owner = account, key, owner
        return parse(content)

    def _own(self, account: Account, key: Secret, salt: str | None = None) -> _Owner:
        """Return the account's owner with this salt, or with any if it is None."""
        known = self._owner
        if known and known[:2] == (account, key) and salt in (None, known[2].salt):
            return known[2]
        return _Owner.of(account, key, salt or os.urandom(16).hex(), self._hash_cost)

    def _history_path(self, account: Account) -> Path:
        return self._folder / "earlier-scores" / self._path(account).name

    def _path(self, account: Account) -> Path:
        name = quote(account.name, safe="")
        if len(name) > _LONGEST_NAME:  # quoting makes a name that is not Latin longer
            name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        return self._folder / f"{name}.json"


def list_labels(folder: Path) -> list[str]:
    """Return the `subuser` labels in all files of `folder`, whoever wrote them.

    They are for a shell to complete: without a key, nothing tells whether a file was changed.
    """
    labels: set[str] = set()
    for path in filter(Path.is_file, folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            content = json.loads(path.read_bytes().partition(b"\n")[2])
            found = content["subusers"]["by_label"]
            labels.update(label for label in found if isinstance(label, str))
    return sorted(labels)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose scores a file holds. `public` may be read; without the key, nobody can seal a file."""

    salt: str
    public: str
    _secret: bytes

    @classmethod
    def of(cls, account: Account, key: Secret, salt: str, hash_cost: int) -> _Owner:
        derived = fingerprint(key, account.snapshot_identity, salt, hash_cost)
        return cls(salt, derived[:32].hex(), derived[32:])

    def seal(self, content: bytes) -> str:
        return hmac.digest(self._secret, content, "sha256").hex()


def _is_same(text: str, other: str) -> bool:
    return hmac.compare_digest(text.encode(), other.encode())
