"""The last good snapshot of each account on disk, so that a restart loses no scores."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import TypeAdapter

from seq_exporter.config.model import Account
from seq_exporter.config.secret import HASH_COST, Secret, fingerprint
from seq_exporter.files import find_leftovers, replacing
from seq_exporter.scores import Snapshot
from seq_exporter.threads import call_within

# File systems allow 255 bytes, and the name of the temporary file is longer.
_LONGEST_NAME = 150

# How long a file may take. A network mount can hang for days, and the account must be polled.
_DISK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Header:
    """The first line of a file; the second line is the snapshot, which `seal` authenticates.

    `owner` is a hash of everything that decides which scores an account has.
    """

    format: Literal[1]
    salt: str
    owner: str
    seal: str


class StateFolder:
    """Keeps one file for each account in `folder`, which is created when it is first needed.

    A file is valid only for the account that it was written for: with the same key, host,
    on_behalf_of and selection of subusers. It contains a salted, slow hash of the key, not the key.
    """

    def __init__(
        self, folder: Path, disk_seconds: float = _DISK_SECONDS, hash_cost: int = HASH_COST
    ) -> None:
        self._folder = folder
        self._disk_seconds = disk_seconds
        self._hash_cost = hash_cost
        self._header = TypeAdapter(_Header)
        self._snapshot = TypeAdapter(Snapshot)
        self._salt = os.urandom(16).hex()
        # Of the last account saved, so that not every poll calculates the slow hash.
        self._owner_saved: tuple[Account, Secret, _Owner] | None = None

    def save(self, account: Account, key: Secret, snapshot: Snapshot) -> None:
        """Replace the account's file: a crash leaves the old or the new one.

        Raises OSError, also if the folder does not answer in time.
        """
        owner = self._own(account, key)
        content = self._snapshot.dump_json(snapshot)
        header = _Header(1, self._salt, owner.public, owner.seal(content))
        path = self._path(account)

        def write() -> None:
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.writelines((self._header.dump_json(header), b"\n", content))

        call_within(self._disk_seconds, write, f"save {path}")

    def load(self, account: Account, key: Secret) -> Snapshot | None:
        """Return the saved snapshot of this account, or None if there is none.

        Raises OSError if the file cannot be read, or not in time. If the file is not what `save`
        writes, renames it and raises ValueError.
        """
        path = self._path(account)
        return call_within(
            self._disk_seconds, lambda: self._load(path, account, key), f"load {path}"
        )

    def _load(self, path: Path, account: Account, key: Secret) -> Snapshot | None:
        for leftover in find_leftovers(path):
            with contextlib.suppress(OSError):
                leftover.unlink()
        try:
            first, _, content = path.read_bytes().partition(b"\n")
            header = self._header.validate_json(first)
            owner = _Owner.of(account, key, header.salt, self._hash_cost)
            if not _is_same(header.owner, owner.public):
                return None
            if not _is_same(header.seal, owner.seal(content)):
                raise ValueError("changed since it was written")  # noqa: TRY301
            return self._snapshot.validate_json(content)
        except FileNotFoundError:
            return None
        except ValueError:
            aside = path.with_suffix(".unreadable")
            os.replace(path, aside)
            raise ValueError(
                f"{path} was not written by this version: renamed to {aside}"
            ) from None

    def _own(self, account: Account, key: Secret) -> _Owner:
        if self._owner_saved is None or self._owner_saved[:2] != (account, key):
            owner = _Owner.of(account, key, self._salt, self._hash_cost)
            self._owner_saved = account, key, owner
        return self._owner_saved[2]

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

    public: str
    _secret: bytes

    @classmethod
    def of(cls, account: Account, key: Secret, salt: str, hash_cost: int) -> _Owner:
        derived = fingerprint(key, account.snapshot_identity, salt, hash_cost)
        return cls(derived[:32].hex(), derived[32:])

    def seal(self, content: bytes) -> str:
        return hmac.digest(self._secret, content, "sha256").hex()


def _is_same(text: str, other: str) -> bool:
    return hmac.compare_digest(text.encode(), other.encode())
