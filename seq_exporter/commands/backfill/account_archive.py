"""What there is of one account in the archive: pages, days, own scores, names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from seq_exporter.scores import METRICS, Score

#: The columns that hold a score's numbers, overall first.
NUMBERS = ("overall", *METRICS)


class AccountArchive:
    """What there is of one account."""

    def __init__(self, connection: sqlite3.Connection, account_id: int) -> None:
        self.connection = connection
        self.account_id = account_id

    def is_empty(self) -> bool:
        """Whether SendGrid has told nothing of it yet."""
        tables = ("days", "own_scores", "forgotten", "names")
        queries = (f"SELECT 1 FROM {name} WHERE account = ?" for name in tables)  # noqa: S608
        return not any(self.connection.execute(q, (self.account_id,)).fetchone() for q in queries)

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

    def add_page(self, day: date, scores: Sequence[Score], cursor: str | None) -> None:
        """Add the scores of one page of `day`; `cursor` leads to the next page."""
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
            connection.executemany(
                "INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?)", rows
            )
            connection.execute(
                "UPDATE days SET cursor = ?, users = users + ? WHERE account = ? AND day = ?",
                (cursor, len(scores), *key),
            )
            self._revise()

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

    def has_scores(self, day: date) -> bool:
        """Whether anybody has a score on `day`, which is finished."""
        query = "SELECT has_scores FROM days WHERE account = ? AND day = ?"
        return bool(
            self.connection.execute(query, (self.account_id, day.isoformat())).fetchone()[0]
        )

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

    def add_usernames(self, usernames: Mapping[str, str], following: int) -> None:
        """Add a page of usernames by user_id; `following` is the offset of the next page."""
        with self.connection as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO names VALUES (?, ?, ?)",
                ((self.account_id, user_id, name) for user_id, name in usernames.items()),
            )
            self._set_names_offset(following)

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
