"""The days that SendGrid has answered for, in one SQLite file: no day is asked for twice.

Each page is stored as soon as it has come, in a transaction of its own, so a stop at any moment
loses no page. Pages are not kept in memory: a large fleet takes no more of it than a small one.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from seq_exporter.config.model import Account, SubuserSelection
from seq_exporter.config.secret import HASH_COST, Secret, fingerprint, hash_slowly
from seq_exporter.errors import BackfillError
from seq_exporter.score import Score
from seq_exporter.scores import HIGHEST, LOWEST, METRICS, SubuserScores, count_bands
from seq_exporter.sendgrid.usernames import label_namesake

_FORMAT = 2

# The output for a run as a whole; one that is repeated after an hour is another run.
_RUN = "run"
_RUN_SECONDS = 3600

# The output that holds the salt of receivers' names.
_SALT = "salt"

# The columns that hold the numbers of a score, overall first.
_NUMBERS = ("overall", *METRICS)
# The checks find a damaged file when it is opened: a number out of range has no band.
_DAY = "day TEXT CHECK (day IS date(day))"
_NUMBER_COLUMNS = ", ".join(
    f"{name} REAL CHECK ({name} BETWEEN {LOWEST} AND {HIGHEST})" for name in _NUMBERS
)

# In `days`, state is begun or done; cursor leads to the next page.
# In `scores`, position is the order of arrival; label is NULL if the user is not selected.
# In `names`, username is NULL if SendGrid's list does not have the user.
# In `outputs`, content is a fingerprint, and done counts the parts that are written or sent.
_TABLES = f"""
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE, salt TEXT, owner TEXT,
    names_offset INTEGER DEFAULT 0, revision INTEGER DEFAULT 0, labelled TEXT
);
CREATE TABLE days (
    account INTEGER, {_DAY}, state TEXT, cursor TEXT, users INTEGER DEFAULT 0,
    has_scores INTEGER, summary TEXT,
    PRIMARY KEY (account, day)
) WITHOUT ROWID;
CREATE TABLE scores (
    account INTEGER, {_DAY}, user_id TEXT, position INTEGER, username TEXT,
    label TEXT, {_NUMBER_COLUMNS}, PRIMARY KEY (account, day, user_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX labels ON scores (account, day, label);
CREATE TABLE own_scores (
    account INTEGER, {_DAY}, {_NUMBER_COLUMNS}, PRIMARY KEY (account, day)
) WITHOUT ROWID;
CREATE TABLE forgotten (account INTEGER, {_DAY}, PRIMARY KEY (account, day)) WITHOUT ROWID;
CREATE TABLE names (
    account INTEGER, user_id TEXT, username TEXT, PRIMARY KEY (account, user_id)
) WITHOUT ROWID;
CREATE TABLE outputs (name TEXT PRIMARY KEY, content TEXT, done INTEGER) WITHOUT ROWID;
PRAGMA user_version = {_FORMAT};
"""

# A table of the names of users that some page leaves out. It begins with SendGrid's list.
_BEGIN_NAMES = """
INSERT INTO known SELECT DISTINCT s.user_id, n.username
FROM scores s LEFT JOIN names n USING (account, user_id)
WHERE s.account = ? AND s.username IS NULL
"""
_LEARN_NAMES = """
UPDATE known SET username = s.username FROM scores s
WHERE s.account = ? AND s.day = ? AND s.user_id = known.user_id AND s.username IS NOT NULL
"""
# The known names of users without one on that day, except names that the day gives to others.
_RECALLED = """
SELECT user_id, username FROM known WHERE username NOT IN
(SELECT username FROM scores WHERE account = ?1 AND day = ?2 AND username IS NOT NULL)
"""
# Of the users of one name, the one comes first that gets it as its label, as the live exporter
# chooses: the one that had it on the day `held`, otherwise the one with the lowest user_id. A
# user_id that stands in for an unknown name comes after all names.
_LIST_USERS = f"""
SELECT s.user_id, coalesce(s.username, k.username), {", ".join(f"s.{name}" for name in _NUMBERS)}
FROM scores s LEFT JOIN ({_RECALLED}) k USING (user_id)
LEFT JOIN scores h ON h.account = s.account AND h.day = ?3 AND h.user_id = s.user_id
WHERE s.account = ?1 AND s.day = ?2
ORDER BY coalesce(s.username, k.username) IS NULL,
h.label IS coalesce(s.username, k.username, s.user_id) DESC, length(s.user_id), s.user_id
"""  # noqa: S608
_LIST_LABELLED = f"""
SELECT label, day, user_id, {", ".join(_NUMBERS)} FROM scores
WHERE account = ? AND day BETWEEN ? AND ? AND label IS NOT NULL ORDER BY label, day
"""  # noqa: S608


# What to do about a file that is no use. Days that are over 90 days old are lost with it.
_FETCH_AGAIN = "move it away, and run the same command again: it fetches what SendGrid still has"

# The kinds of errors that are not about the space on the disk.
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_ALLOWED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY)
_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM)


def explain_failure(path: Path, err: sqlite3.Error) -> str:
    """Return why the archive at `path` cannot be used, and what to do about it, on one line.

    An empty text if the disk failed, and not the file.
    """
    code = getattr(err, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # without the detail
    if code in _NO_SPACE:
        return ""
    if code in _IN_USE:
        return f"{path} is in use by another backfill: wait for its end, or stop it"
    if code in _NOT_ALLOWED:
        return f"cannot write to {path}: {err}: let this user write the file and its folder"
    if code == sqlite3.SQLITE_NOTADB:
        return f"{path} is not an archive of a backfill: {err}: {_FETCH_AGAIN}"
    return f"{path} is damaged: {err}: {_FETCH_AGAIN}"


class Archive:
    """The file as a whole. Every method may raise sqlite3.Error: a full disk, above all."""

    def __init__(self, path: Path, hash_cost: int = HASH_COST) -> None:
        """Open the file, or make it.

        Raises BackfillError if it is in use, damaged, not to be written, or something else.
        """
        self._hash_cost = hash_cost
        if path.exists() and not path.is_file():  # SQLite would wait for a pipe, or fail unclearly
            raise BackfillError(f"{path} is not a file: {_FETCH_AGAIN}")
        try:
            with contextlib.ExitStack() as stack:
                self._connection = sqlite3.connect(path, timeout=0, isolation_level="IMMEDIATE")
                stack.callback(self._connection.close)
                self._prepare(path)
                stack.pop_all()
        except sqlite3.Error as err:
            if explanation := explain_failure(path, err):
                raise BackfillError(explanation) from err
            raise
        except UnicodeDecodeError as err:  # in the text of a table, or of the message about it
            damage = sqlite3.DatabaseError("its tables are unreadable")
            raise BackfillError(explain_failure(path, damage)) from err

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def claim(self, account: Account, key: Secret) -> AccountArchive:
        """Return the archive of `account`. Raises BackfillError if another key has filled it."""
        with self._connection as connection:
            connection.execute(
                "INSERT OR IGNORE INTO accounts (name, salt) VALUES (?, ?)",
                (account.name, os.urandom(16).hex()),
            )
            query = "SELECT id, salt, owner FROM accounts WHERE name = ?"
            account_id, salt, owner = connection.execute(query, (account.name,)).fetchone()
            if not isinstance(salt, str):
                raise sqlite3.DatabaseError(f"the salt of {account.name} is not text")
            archive = AccountArchive(connection, account_id)
            now = fingerprint(key, account.identity, salt, self._hash_cost)[:32].hex()
            # A key that was mistyped at first has brought no scores.
            if not hmac.compare_digest(owner or now, now) and not archive.is_empty():
                raise BackfillError(
                    f"account {account.name!r} was fetched with another key, host or on_behalf_of "
                    "before: name another --output-dir, or delete this one"
                )
            if owner != now:
                connection.execute("UPDATE accounts SET owner = ? WHERE id = ?", (now, account_id))
        return archive

    def count_days(self) -> int:
        """Return how many days all accounts have, of subusers' scores or the account's own."""
        query = (
            "SELECT count(*) FROM (SELECT account, day FROM days WHERE state = 'done' "
            "UNION SELECT account, day FROM own_scores)"
        )
        return int(self._connection.execute(query).fetchone()[0])

    def begin_run(self, now: int, options: str) -> int:
        """Return `now`, or the time of a run with the same `options` that stopped not long before.

        Without this, the samples would end at another time, and every file that reaches up to
        there would be written again.
        """
        options = hashlib.sha256(options.encode()).hexdigest()
        content, is_done = self.get_output(_RUN)
        moment, _, before = content.partition(" ")
        if is_done or before != options or not 0 <= now - int(moment) < _RUN_SECONDS:
            moment = str(now)
            self.set_output(_RUN, f"{moment} {options}", 0)
        return int(moment)

    def end_run(self) -> None:
        """Note that the run is complete."""
        self.set_output(_RUN, self.get_output(_RUN)[0], 1)

    def name_receiver(self, url: str, headers: Mapping[str, str]) -> str:
        """Return a name for a receiver, from which no password or token can be read."""
        salt, _ = self.get_output(_SALT)
        if not salt:
            salt = os.urandom(16).hex()
            self.set_output(_SALT, salt, 0)
        receiver = repr((url, sorted(headers.items())))
        return hash_slowly(receiver, salt, self._hash_cost)[:32].hex()

    def get_output(self, name: str) -> tuple[str, int]:
        """Return the content of an output that was begun, and how much of it is done."""
        query = "SELECT content, done FROM outputs WHERE name = ?"
        return self._connection.execute(query, (name,)).fetchone() or ("", 0)

    def set_output(self, name: str, content: str, done: int) -> None:
        """Note how much is done of the output `name`, which has this content."""
        values = (name, content, done)
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?)", values)

    def forget_outputs(self, prefix: str) -> None:
        """Forget the outputs whose names begin with `prefix`."""
        with self._connection:
            query = "DELETE FROM outputs WHERE substr(name, 1, ?) = ?"
            self._connection.execute(query, (len(prefix), prefix))

    def _prepare(self, path: Path) -> None:
        connection = self._connection
        # Sorting goes to files, not to memory; nobody else may write meanwhile.
        connection.executescript(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL;"
            "PRAGMA cache_size = -16384; PRAGMA temp_store = FILE; BEGIN EXCLUSIVE; COMMIT;"
        )
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found not in (0, _FORMAT):
            raise _foreign(path, "written by another version")
        if not found:
            if _list_tables(connection):
                raise _foreign(path, "it holds something else")
            path.chmod(0o600)  # it shows how each subuser is rated
            connection.executescript(f"BEGIN;{_TABLES}COMMIT;")
        with closing(sqlite3.connect(":memory:")) as empty:
            empty.executescript(_TABLES)
            if _list_tables(connection) != _list_tables(empty):
                raise _foreign(path, "it has other tables")
        # Half a second for each 100 MB: better now than after an hour of requests. quick_check
        # would not find rows in a wrong order, which no query finds again.
        (fault,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if fault != "ok":
            raise sqlite3.DatabaseError(fault.rpartition("***")[2].strip())


def _list_tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the name of each table and index, and the statement that made it."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    return connection.execute(query).fetchall()


def _read_day(text: Any) -> date:
    """Return a stored day. Raises sqlite3.DatabaseError for another text: the file is damaged."""
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as err:
        raise sqlite3.DatabaseError(f"{text!r} is not a day") from err


def _foreign(path: Path, reason: str) -> BackfillError:
    return BackfillError(f"{path} is not an archive of a backfill: {reason}: {_FETCH_AGAIN}")


@dataclass(frozen=True, slots=True)
class CountedScores(SubuserScores):
    """A day's scores as counts, without the subusers.

    `digest` differs whenever the labels or the scores of the day do.
    """

    counts: dict[str, int] = field(default_factory=dict)
    bands: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    digest: str = ""


class AccountArchive:
    """One account's part of the archive: pages, days, own scores, usernames."""

    def __init__(self, connection: sqlite3.Connection, account_id: int) -> None:
        self._connection = connection
        self._id = account_id

    def is_empty(self) -> bool:
        """Whether SendGrid has not answered for any day yet."""
        tables = ("days", "own_scores", "forgotten", "names")
        queries = (f"SELECT 1 FROM {name} WHERE account = ?" for name in tables)  # noqa: S608
        return not any(self._execute(query).fetchone() for query in queries)

    def unfinished(self, days: Iterable[date]) -> list[date]:
        """Return those of `days` whose subusers' scores are not all there."""
        finished = self.forgotten().union(self.finished_days())
        return [day for day in days if day not in finished]

    def unfinished_own(self, days: Iterable[date]) -> list[date]:
        """Return those of `days` whose own score of the account is not there."""
        finished = self.own_scores().keys() | self.forgotten()
        return [day for day in days if day not in finished]

    def forgotten(self) -> set[date]:
        """Return the days that SendGrid no longer keeps."""
        found = self._execute("SELECT day FROM forgotten WHERE account = ?")
        return {_read_day(day) for (day,) in found}

    def find_cursor(self, day: date) -> str | None:
        """Return the cursor at which the reading of `day` stopped; None to begin."""
        found = self._execute("SELECT cursor FROM days WHERE account = ? AND day = ?", day)
        return next((cursor for (cursor,) in found), None)

    def add_page(self, day: date, scores: Sequence[Score], cursor: str | None) -> None:
        """Add the scores of one page of `day`; `cursor` leads to the next page."""
        with self._connection as connection:
            self._execute(
                "INSERT INTO days (account, day, state, cursor, users) "
                "VALUES (?, ?, 'begun', ?, ?) ON CONFLICT (account, day) "
                "DO UPDATE SET cursor = excluded.cursor, users = users + excluded.users",
                day,
                cursor,
                len(scores),
            )
            query = "SELECT users FROM days WHERE account = ? AND day = ?"
            (users,) = self._execute(query, day).fetchone()
            key = self._id, day.isoformat()
            rows = (
                (*key, score.user_id, position, score.username, score.overall, *score.metrics)
                for position, score in enumerate(scores, users - len(scores))
            )
            connection.executemany(
                "INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?)", rows
            )
            self._revise()

    def finish(self, day: date) -> None:
        """Note that all pages of `day` are there."""
        with self._connection:
            self._execute(
                "UPDATE days SET state = 'done', cursor = NULL, has_scores = EXISTS (SELECT 1 FROM "
                "scores s WHERE s.account = days.account AND s.day = days.day "
                "AND overall IS NOT NULL) WHERE account = ? AND day = ?",
                day,
            )
            self._revise()

    def has_scores(self, day: date) -> bool:
        """Whether anybody has a score on `day`, which is finished."""
        query = "SELECT has_scores FROM days WHERE account = ? AND day = ?"
        return bool(self._execute(query, day).fetchone()[0])

    def drop(self, day: date) -> None:
        """Delete the pages of `day`: it turned out not to be calculated."""
        with self._connection:
            self._execute("DELETE FROM scores WHERE account = ? AND day = ?", day)
            self._execute("DELETE FROM days WHERE account = ? AND day = ?", day)

    def forget(self, day: date) -> None:
        """Note that SendGrid no longer keeps `day`. A day that is complete here stays."""
        if self.unfinished([day]):
            self.drop(day)
        with self._connection:
            self._execute("INSERT OR IGNORE INTO forgotten VALUES (?, ?)", day)

    def add_own(self, scores: Mapping[date, Score]) -> None:
        """Add the account's own scores."""
        with self._connection:
            for day, score in scores.items():
                self._execute(
                    "INSERT OR REPLACE INTO own_scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    day,
                    score.overall,
                    *score.metrics,
                )
            if scores:
                self._revise()

    def own_scores(self) -> dict[date, Score]:
        """Return the account's own scores, in order of their days."""
        return {
            _read_day(row[1]): Score("", None, row[2], tuple(row[3:]))
            for row in self._execute("SELECT * FROM own_scores WHERE account = ? ORDER BY day")
        }

    def find_names_offset(self) -> int | None:
        """Return how far the list of usernames was read; None if no username is missing."""
        query = """
            SELECT names_offset FROM accounts WHERE id = ? AND EXISTS (
                SELECT 1 FROM scores s LEFT JOIN names n USING (account, user_id)
                WHERE s.account = accounts.id AND s.username IS NULL AND n.user_id IS NULL
            )
        """
        found = self._execute(query).fetchone()
        return int(found[0]) if found else None

    def add_usernames(self, usernames: Mapping[str, str], following: int) -> None:
        """Add a page of usernames by user_id; `following` is the offset of the next page."""
        with self._connection:
            for user_id, name in usernames.items():
                self._execute("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", user_id, name)
            self._set_names_offset(following)

    def finish_usernames(self) -> None:
        """Note that SendGrid knows no more usernames."""
        with self._connection:
            self._execute(
                "INSERT OR IGNORE INTO names SELECT DISTINCT account, user_id, NULL FROM scores "
                "WHERE account = ? AND username IS NULL"
            )
            self._set_names_offset(0)

    def finished_days(self) -> dict[date, bool]:
        """Return the finished days in their order, and whether anybody has a score on them."""
        query = "SELECT day, has_scores FROM days WHERE account = ? AND state = 'done' ORDER BY day"
        return {_read_day(day): bool(has_scores) for day, has_scores in self._execute(query)}

    def label(
        self, selection: SubuserSelection, replaced: Mapping[date, date] | None = None
    ) -> None:
        """Give the scores that `selection` holds their `subuser` labels, and count each day.

        The labels are those that the live exporter gives; `replaced` is the day that it held when a
        day appeared. A user without a name gets the name from an earlier page, else from a later
        one, else from SendGrid's list. Does nothing if this was done, and no day was added since.
        """
        held = {str(day): str(other) for day, other in (replaced or {}).items()}
        query = "SELECT revision, labelled FROM accounts WHERE id = ?"
        revision, labelled = self._execute(query).fetchone()
        about = repr(
            (revision, sorted(selection.names), selection.include, selection.exclude, held)
        )
        if labelled == about:
            return
        days = list(self.finished_days())
        with self._connection as connection:
            self._execute("UPDATE accounts SET labelled = NULL WHERE id = ?")
            connection.execute("DROP TABLE IF EXISTS temp.known")
            connection.execute("CREATE TEMP TABLE known (user_id TEXT PRIMARY KEY, username TEXT)")
            self._execute(_BEGIN_NAMES)
            for day in reversed(days):
                self._execute(_LEARN_NAMES, day)
        for day in days:
            with self._connection:
                self._execute(_LEARN_NAMES, day)
                self._execute("UPDATE scores SET label = NULL WHERE account = ? AND day = ?", day)
                self._label_day(day, held.get(str(day)), selection)
        with self._connection:
            self._execute("UPDATE accounts SET labelled = ?2 WHERE id = ?1", about)

    def _label_day(self, day: date, held: str | None, selection: SubuserSelection) -> None:
        missing = set(selection.names)
        digest = hashlib.sha256()
        namesakes: list[tuple[str, Score]] = []
        wanted = 0

        def label_users() -> Iterator[Score]:
            nonlocal wanted
            for user_id, username, overall, *metrics in users:
                name = username or user_id
                missing.discard(name)
                if name in selection:
                    score = Score(user_id, username, overall, tuple(metrics))
                    if not self._set_label(day, score, name):
                        namesakes.append((name, score))
                    digest.update(repr((name, user_id, username, overall, score.metrics)).encode())
                    wanted += 1
                    yield score

        with closing(self._execute(_LIST_USERS, day, held)) as users:
            bands = count_bands(label_users())
        # After all names, because the user_id of a namesake may be the name of another user.
        for name, score in namesakes:
            labels = label_namesake(name, score.user_id)
            next(label for label in labels if self._set_label(day, score, label))
        scored = sum(bands["overall"].values())
        counts = {"ineligible": wanted - scored, "missing": len(missing), "scored": scored}
        summary = json.dumps({"counts": counts, "bands": bands, "digest": digest.hexdigest()})
        self._execute("UPDATE days SET summary = ?3 WHERE account = ?1 AND day = ?2", day, summary)

    def _set_label(self, day: date, score: Score, label: str) -> bool:
        """Return whether the label was free on that day."""
        query = (
            "UPDATE OR IGNORE scores SET label = ? WHERE account = ? AND day = ? AND user_id = ?"
        )
        values = (label, self._id, day.isoformat(), score.user_id)
        return bool(self._connection.execute(query, values).rowcount)

    def counted_days(self) -> dict[date, CountedScores]:
        """Return the finished days in their order, once `label` has counted them."""
        query = (
            "SELECT day, has_scores, summary FROM days "
            "WHERE account = ? AND state = 'done' ORDER BY day"
        )
        found = {}
        for text, has_scores, summary in self._execute(query):
            day = _read_day(text)
            try:
                read = json.loads(summary)
                for metric, counts in read["bands"].items():
                    read["bands"][metric] = {int(band): count for band, count in counts.items()}
                found[day] = CountedScores(day, {}, has_scores=bool(has_scores), **read)
            except (AttributeError, KeyError, TypeError, ValueError) as err:
                raise sqlite3.DatabaseError(f"the counts of {day} are unreadable") from err
        return found

    def labelled_scores(self, first: date, last: date) -> Iterator[tuple[str, date, Score]]:
        """Yield label, day and score, in this order, of the days from `first` to `last`."""
        for label, day, user_id, overall, *metrics in self._execute(_LIST_LABELLED, first, last):
            yield label, _read_day(day), Score(user_id, None, overall, tuple(metrics))

    def _execute(self, query: str, *values: Any) -> sqlite3.Cursor:
        """Execute a query whose first parameter is the account."""
        texts = (value.isoformat() if isinstance(value, date) else value for value in values)
        return self._connection.execute(query, (self._id, *texts))

    def _set_names_offset(self, offset: int) -> None:
        self._execute("UPDATE accounts SET names_offset = ?2 WHERE id = ?1", offset)
        self._revise()

    def _revise(self) -> None:
        self._execute("UPDATE accounts SET revision = revision + 1 WHERE id = ?")
