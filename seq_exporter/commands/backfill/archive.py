"""The days that SendGrid has told of, in one SQLite file: what was asked for is not asked again.

Each page is there as soon as it has come, in a transaction of its own, so that a stop at any moment
loses none. None is kept in memory: a large fleet takes no more of it than a small one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from seq_exporter.commands.backfill.account_archive import NUMBERS, AccountArchive
from seq_exporter.config.model import Account
from seq_exporter.config.secret import Secret
from seq_exporter.errors import BackfillError

_FORMAT = 1

# The output that stands for a run as a whole; after an hour, another one is another run.
_RUN = "run"
_RUN_SECONDS = 3600

# The output that holds the salt of receivers' names.
_SALT = "salt"
_NUMBERS = ", ".join(f"{name} REAL" for name in NUMBERS)

# In `days`, state is begun or done; cursor leads to the next page.
# In `scores`, position is the order of arrival; label is NULL where the user is not wanted.
# In `names`, username is NULL where SendGrid was asked, and knows none.
# In `outputs`, done counts what was written of one that has `content` for its fingerprint.
_TABLES = f"""
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE, salt TEXT, owner TEXT,
    names_offset INTEGER DEFAULT 0, revision INTEGER DEFAULT 0, labelled TEXT
);
CREATE TABLE days (
    account INTEGER, day TEXT, state TEXT, cursor TEXT, users INTEGER DEFAULT 0,
    has_scores INTEGER, summary TEXT,
    PRIMARY KEY (account, day)
) WITHOUT ROWID;
CREATE TABLE scores (
    account INTEGER, day TEXT, user_id TEXT, position INTEGER, username TEXT, label TEXT,
    {_NUMBERS}, PRIMARY KEY (account, day, user_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX labels ON scores (account, day, label);
CREATE TABLE own_scores (
    account INTEGER, day TEXT, {_NUMBERS}, PRIMARY KEY (account, day)
) WITHOUT ROWID;
CREATE TABLE forgotten (account INTEGER, day TEXT, PRIMARY KEY (account, day)) WITHOUT ROWID;
CREATE TABLE names (
    account INTEGER, user_id TEXT, username TEXT, PRIMARY KEY (account, user_id)
) WITHOUT ROWID;
CREATE TABLE outputs (name TEXT PRIMARY KEY, content TEXT, done INTEGER) WITHOUT ROWID;
PRAGMA user_version = {_FORMAT};
"""


class Archive:
    """The file as a whole. Every method may raise sqlite3.Error: a full disk, above all."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises BackfillError if it is in use, or is something else."""
        self.connection = sqlite3.connect(path, timeout=0, isolation_level="IMMEDIATE")
        try:
            self._prepare(path)
        except sqlite3.DatabaseError as err:
            self.connection.close()
            if "locked" in str(err):
                raise BackfillError(f"{path} is in use by another backfill") from err
            if isinstance(err, sqlite3.OperationalError):  # of the disk, not of the file
                raise
            raise BackfillError(f"{path} is no archive of a backfill: {err}") from err

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def claim(self, account: Account, key: Secret) -> AccountArchive:
        """Return what there is of `account`. Raises BackfillError if it is another one's."""
        found = self.connection.execute(
            "SELECT id, salt, owner FROM accounts WHERE name = ?", (account.name,)
        ).fetchone()
        if found is None:
            salt = os.urandom(16).hex()
            with self.connection:
                cursor = self.connection.execute(
                    "INSERT INTO accounts (name, salt, owner) VALUES (?, ?, ?)",
                    (account.name, salt, _hash_owner(account, key, salt)),
                )
            return AccountArchive(self.connection, int(cursor.lastrowid or 0))
        account_id, salt, owner = found
        archive = AccountArchive(self.connection, account_id)
        now = _hash_owner(account, key, salt)
        if not hmac.compare_digest(owner, now):
            if not archive.is_empty():
                raise BackfillError(
                    f"account {account.name!r} was asked with another key, host or on_behalf_of "
                    "before: name another --output-dir, or delete this one"
                )
            # A key that was mistyped at first has brought nothing.
            with self.connection:
                query = "UPDATE accounts SET owner = ? WHERE id = ?"
                self.connection.execute(query, (now, account_id))
        return archive

    def count_days(self) -> int:
        """Return how many days are there of all accounts, of subusers or the account's own."""
        query = (
            "SELECT count(*) FROM (SELECT account, day FROM days WHERE state = 'done' "
            "UNION SELECT account, day FROM own_scores)"
        )
        return int(self.connection.execute(query).fetchone()[0])

    def begin(self, now: int, wish: str) -> int:
        """Return `now`, or the moment of a run that stopped while it wrote, not long before.

        Else the past would end at another moment, and what ends with it would be written anew.
        That is of a run with the same `wish`, a text.
        """
        wish = hashlib.sha256(wish.encode()).hexdigest()
        content, is_done = self.get_output(_RUN)
        moment, _, before = content.partition(" ")
        if is_done or before != wish or not 0 <= now - int(moment) < _RUN_SECONDS:
            moment = str(now)
            self.set_output(_RUN, f"{moment} {wish}", 0)
        return int(moment)

    def name_receiver(self, url: str, headers: Mapping[str, str]) -> str:
        """Return a name for what is sent there, which does not tell a password or a token."""
        salt, _ = self.get_output(_SALT)
        if not salt:
            salt = os.urandom(16).hex()
            self.set_output(_SALT, salt, 0)
        return _hash(repr((url, sorted(headers.items()))), salt)

    def forget_outputs(self, begin: str) -> None:
        """Forget the outputs whose names begin so."""
        with self.connection:
            query = "DELETE FROM outputs WHERE substr(name, 1, ?) = ?"
            self.connection.execute(query, (len(begin), begin))

    def end(self) -> None:
        """Note that the run has done all that it was to do."""
        self.set_output(_RUN, self.get_output(_RUN)[0], 1)

    def get_output(self, name: str) -> tuple[str, int]:
        """Return the content of an output that was begun, and how much of it is done."""
        query = "SELECT content, done FROM outputs WHERE name = ?"
        return self.connection.execute(query, (name,)).fetchone() or ("", 0)

    def set_output(self, name: str, content: str, done: int) -> None:
        """Note how much is done of the output `name`, which has this content."""
        values = (name, content, done)
        with self.connection:
            self.connection.execute("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?)", values)

    def _prepare(self, path: Path) -> None:
        connection = self.connection
        # Sorting goes to files, not to memory; nobody else may write meanwhile.
        connection.executescript(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL;"
            "PRAGMA cache_size = -16384; PRAGMA temp_store = FILE; BEGIN EXCLUSIVE; COMMIT;"
        )
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found not in (0, _FORMAT):
            raise sqlite3.DatabaseError("written by another version")
        if not found:
            if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise sqlite3.DatabaseError("it holds something else")
            path.chmod(0o600)  # it tells who is rated how
            connection.executescript(f"BEGIN;{_TABLES}COMMIT;")


def _hash_owner(account: Account, key: Secret, salt: str) -> str:
    return _hash(f"{key.reveal()}\n{(account.base_url, account.on_behalf_of)!r}", salt)


def _hash(text: str, salt: str) -> str:
    # A key may be guessable where a test or a proxy hands it out: a slow hash, about 50 ms.
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32).hex()
