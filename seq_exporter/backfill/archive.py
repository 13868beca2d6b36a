"""The days that SendGrid has told of, in one SQLite file: what was asked for is not asked again.

Each page is there as soon as it has come, in a transaction of its own, so that a stop at any moment
loses none. None is kept in memory: a large fleet takes no more of it than a small one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from seq_exporter.config import Account
from seq_exporter.errors import BackfillError
from seq_exporter.scores import METRICS, Score
from seq_exporter.secret import Secret
from seq_exporter.sendgrid import NamePage

_FORMAT = 1

# The output that stands for a run as a whole; after an hour, another one is another run.
_RUN = "run"
_RUN_SECONDS = 3600
_NUMBERS = ", ".join(f"{name} REAL" for name in ("overall", *METRICS))

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
        if not hmac.compare_digest(owner, _hash_owner(account, key, salt)):
            raise BackfillError(
                f"account {account.name!r} was asked with another key, host or on_behalf_of "
                "before: name another --output-dir, or delete this one"
            )
        return AccountArchive(self.connection, account_id)

    def count_days(self) -> int:
        """Return how many days are there of all accounts."""
        query = "SELECT count(*) FROM days WHERE state = 'done'"
        return int(self.connection.execute(query).fetchone()[0])

    def begin(self, now: int) -> int:
        """Return `now`, or the moment of a run that stopped while it wrote, not long before.

        Else the past would end at another moment, and what ends with it would be written anew.
        """
        moment, is_done = self.get_output(_RUN)
        if is_done or not 0 <= now - int(moment or 0) < _RUN_SECONDS:
            moment = str(now)
            self.set_output(_RUN, moment, 0)
        return int(moment)

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


class AccountArchive:
    """What there is of one account."""

    def __init__(self, connection: sqlite3.Connection, account_id: int) -> None:
        self.connection = connection
        self.account_id = account_id

    def unfinished(self, days: Iterable[date]) -> list[date]:
        """Return those of `days` that are to be asked for, or to be asked for further."""
        finished = self.forgotten() | self._select_days(
            "SELECT day FROM days WHERE account = ? AND state = 'done'"
        )
        return [day for day in days if day not in finished]

    def unfinished_own(self, days: Iterable[date]) -> list[date]:
        """Return those of `days` that the account's own score is to be asked for."""
        finished = self.own_scores().keys() | self.forgotten()
        return [day for day in days if day not in finished]

    def forgotten(self) -> set[date]:
        """Return the days that SendGrid no longer tells of."""
        return self._select_days("SELECT day FROM forgotten WHERE account = ?")

    def _select_days(self, query: str) -> set[date]:
        found = self.connection.execute(query, (self.account_id,))
        return {date.fromisoformat(day) for (day,) in found}

    def find_cursor(self, day: date) -> str | None:
        """Return where the reading of `day` stopped; None to begin."""
        query = "SELECT cursor FROM days WHERE account = ? AND day = ?"
        found = self.connection.execute(query, (self.account_id, day.isoformat())).fetchone()
        return found[0] if found else None

    def add_page(self, day: date, scores: Sequence[Score], cursor: str | None) -> int:
        """Add what one page tells of `day`; return how many users are new.

        `cursor` leads to the next page.
        """
        key = self.account_id, day.isoformat()
        with self.connection as connection:
            connection.execute(
                "INSERT OR IGNORE INTO days (account, day, state) VALUES (?, ?, 'begun')", key
            )
            query = "SELECT users FROM days WHERE account = ? AND day = ?"
            (users,) = connection.execute(query, key).fetchone()
            rows = (
                (*key, score.user_id, position, score.username, score.overall, *score.metrics)
                for position, score in enumerate(scores, users)
            )
            added = connection.executemany(
                "INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?)", rows
            ).rowcount
            connection.execute(
                "UPDATE days SET cursor = ?, users = users + ? WHERE account = ? AND day = ?",
                (cursor, len(scores), *key),
            )
            self._revise()
        return max(added, 0)

    def finish(self, day: date) -> None:
        """Note that all pages of `day` are there."""
        with self.connection as connection:
            connection.execute(
                "UPDATE days SET state = 'done', cursor = NULL, has_scores = EXISTS (SELECT 1 FROM "
                "scores s WHERE s.account = days.account AND s.day = days.day "
                "AND overall IS NOT NULL) WHERE account = ? AND day = ?",
                (self.account_id, day.isoformat()),
            )
            self._revise()

    def drop(self, day: date) -> None:
        """Forget the pages of `day`: it turned out not to be calculated."""
        key = self.account_id, day.isoformat()
        with self.connection as connection:
            connection.execute("DELETE FROM scores WHERE account = ? AND day = ?", key)
            connection.execute("DELETE FROM days WHERE account = ? AND day = ?", key)

    def forget(self, day: date) -> None:
        """Note that SendGrid no longer tells of `day`. What it told in whole stays."""
        if self.unfinished([day]):
            self.drop(day)
        with self.connection as connection:
            connection.execute(
                "INSERT OR IGNORE INTO forgotten VALUES (?, ?)", (self.account_id, day.isoformat())
            )

    def add_own(self, scores: Mapping[date, Score]) -> None:
        """Add the account's own scores."""
        rows = [
            (self.account_id, day.isoformat(), score.overall, *score.metrics)
            for day, score in scores.items()
        ]
        with self.connection as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO own_scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )
            if rows:
                self._revise()

    def own_scores(self) -> dict[date, Score]:
        """Return the account's own scores, in order of their days."""
        query = "SELECT * FROM own_scores WHERE account = ? ORDER BY day"
        return {
            date.fromisoformat(row[1]): Score("", None, row[2], tuple(row[3:]))
            for row in self.connection.execute(query, (self.account_id,))
        }

    def find_names_offset(self) -> int | None:
        """Return how far the list of names was read; None where no name is missing."""
        query = """
            SELECT EXISTS (
                SELECT 1 FROM scores s LEFT JOIN names n USING (account, user_id)
                WHERE s.account = ? AND s.username IS NULL AND n.user_id IS NULL
            ), names_offset FROM accounts WHERE id = ?
        """
        is_missing, offset = self.connection.execute(query, (self.account_id,) * 2).fetchone()
        return int(offset) if is_missing else None

    def add_names(self, page: NamePage) -> None:
        """Add a page of the list of names."""
        with self.connection as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO names VALUES (?, ?, ?)",
                ((self.account_id, user_id, name) for user_id, name in page.names.items()),
            )
            self._set_names_offset(page.next_offset)

    def finish_names(self) -> None:
        """Note that SendGrid knows no more names."""
        with self.connection as connection:
            connection.execute(
                "INSERT OR IGNORE INTO names SELECT DISTINCT account, user_id, NULL FROM scores "
                "WHERE account = ? AND username IS NULL",
                (self.account_id,),
            )
            self._set_names_offset(0)

    def _set_names_offset(self, offset: int) -> None:
        query = "UPDATE accounts SET names_offset = ? WHERE id = ?"
        self.connection.execute(query, (offset, self.account_id))
        self._revise()

    def _revise(self) -> None:
        query = "UPDATE accounts SET revision = revision + 1 WHERE id = ?"
        self.connection.execute(query, (self.account_id,))


def _hash_owner(account: Account, key: Secret, salt: str) -> str:
    # A key may be guessable where a test or a proxy hands it out: a slow hash, about 50 ms.
    text = f"{key.reveal()}\n{(account.base_url, account.on_behalf_of)!r}".encode()
    return hashlib.scrypt(text, salt=salt.encode(), n=2**14, r=8, p=1, dklen=32).hex()
