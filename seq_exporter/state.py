"""The last good snapshot of each account on disk, so that a restart loses none."""

from __future__ import annotations

import hashlib
import hmac
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import TypeAdapter

from seq_exporter.config import Account
from seq_exporter.scores import Snapshot
from seq_exporter.secret import Secret


@dataclass(frozen=True, slots=True)
class _State:
    """What a file holds; `owner` is a hash of all that decides which scores an account has."""

    format: Literal[1]
    salt: str
    owner: str
    snapshot: Snapshot


class StateFolder:
    """Keeps one JSON file an account in `folder`, which is made when it is first needed.

    A file is only good for the account that it was written for: same key, host, on_behalf_of and
    choice of subusers. Of the key it holds a salted, slow hash.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._json = TypeAdapter(_State)

    def save(self, account: Account, key: Secret, snapshot: Snapshot) -> None:
        """Replace the account's file in one step: a crash leaves the old or the new one, whole.

        Raises OSError.
        """
        salt = os.urandom(16).hex()
        state = _State(1, salt, _hash_owner(account, key, salt), snapshot)
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self._json.dump_json(state))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path(account))
        except BaseException:
            os.unlink(temporary)
            raise

    def load(self, account: Account, key: Secret) -> Snapshot | None:
        """Return what was saved for this account, or None if nothing was, or for another one.

        Raises OSError if the file cannot be read, and ValueError, having set it aside under
        another name, if it is not what `save` writes.
        """
        path = self._path(account)
        try:
            state = self._json.validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            aside = path.with_suffix(".unreadable")
            os.replace(path, aside)
            raise ValueError(
                f"{path} is no state file of this version: it is now {aside}"
            ) from None
        is_owner = hmac.compare_digest(state.owner, _hash_owner(account, key, state.salt))
        return state.snapshot if is_owner else None

    def _path(self, account: Account) -> Path:
        return self._folder / f"{quote(account.name, safe='')}.json"


def _hash_owner(account: Account, key: Secret, salt: str) -> str:
    selection = account.subusers and (
        sorted(account.subusers.names),
        account.subusers.include,
        account.subusers.exclude,
    )
    what = (account.name, account.base_url, account.on_behalf_of, account.own_score, selection)
    # A key may be guessable where a test or a proxy hands it out: a slow hash, about 50 ms.
    secret = f"{key.reveal()}\n{what!r}".encode()
    return hashlib.scrypt(secret, salt=salt.encode(), n=2**14, r=8, p=1).hex()
