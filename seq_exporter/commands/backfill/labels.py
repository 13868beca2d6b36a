"""Gives archived scores their `subuser` labels, as the live exporter does, and sums up days."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing

from seq_exporter.commands.backfill.account_archive import NUMBERS, AccountArchive
from seq_exporter.config.model import SubuserSelection
from seq_exporter.scores import Score, count_bands
from seq_exporter.sendgrid.usernames import labels_for

# Of users that a page does not name: what SendGrid's list calls them, to begin with.
_BEGIN_NAMES = """
INSERT INTO known SELECT DISTINCT s.user_id, n.username
FROM scores s LEFT JOIN names n USING (account, user_id)
WHERE s.account = ? AND s.username IS NULL
"""
_LEARN_NAMES = """
UPDATE known SET username = s.username FROM scores s
WHERE s.account = ? AND s.day = ? AND s.user_id = known.user_id AND s.username IS NOT NULL
"""
_LIST_USERS = f"""
SELECT s.user_id, coalesce(s.username, k.username), {", ".join(f"s.{name}" for name in NUMBERS)}
FROM scores s LEFT JOIN known k USING (user_id)
WHERE s.account = ? AND s.day = ? ORDER BY s.position
"""  # noqa: S608
_SET_LABEL = """
UPDATE OR IGNORE scores SET label = ? WHERE account = ? AND day = ? AND user_id = ?
"""


def label_scores(archive: AccountArchive, selection: SubuserSelection) -> None:
    """Label the scores that `selection` holds, and note the summary of each day.

    A user without a name goes by what an earlier page calls it, else a later one, else SendGrid's
    list of names. Does nothing if that is done, and no day has come since.
    """
    query = "SELECT revision, labelled FROM accounts WHERE id = ?"
    connection, key = archive.connection, archive.account_id
    revision, labelled = connection.execute(query, (key,)).fetchone()
    about = f"{revision} {sorted(selection.names)} {selection.include} {selection.exclude}"
    if labelled == about:
        return
    query = "SELECT day FROM days WHERE account = ? AND state = 'done' ORDER BY day"
    days = [day for (day,) in connection.execute(query, (key,))]
    with connection:
        connection.execute("UPDATE accounts SET labelled = NULL WHERE id = ?", (key,))
        connection.execute("DROP TABLE IF EXISTS temp.known")
        connection.execute("CREATE TEMP TABLE known (user_id TEXT PRIMARY KEY, username TEXT)")
        connection.execute(_BEGIN_NAMES, (key,))
        for day in reversed(days):
            connection.execute(_LEARN_NAMES, (key, day))
    for day in days:
        with connection:
            connection.execute(_LEARN_NAMES, (key, day))
            connection.execute(
                "UPDATE scores SET label = NULL WHERE account = ? AND day = ?", (key, day)
            )
            _label_day(archive, day, selection)
    with connection:
        connection.execute("UPDATE accounts SET labelled = ? WHERE id = ?", (about, key))


def _label_day(archive: AccountArchive, day: str, selection: SubuserSelection) -> None:
    missing = set(selection.names)
    digest = hashlib.sha256()
    wanted = 0

    def label_users() -> Iterator[Score]:
        nonlocal wanted
        for user_id, username, overall, *metrics in users:
            score = Score(user_id, username, overall, tuple(metrics))
            name = labels_for(score)[0]
            missing.discard(name)
            if name in selection:
                label = _set_label(archive, day, score)
                digest.update(repr((label, score.user_id, overall, metrics)).encode())
                wanted += 1
                yield score

    with closing(archive.connection.execute(_LIST_USERS, (archive.account_id, day))) as users:
        bands = count_bands(label_users())
    scored = sum(bands["overall"].values())
    counts = {"ineligible": wanted - scored, "missing": len(missing), "scored": scored}
    archive.connection.execute(
        "UPDATE days SET summary = ? WHERE account = ? AND day = ?",
        (
            json.dumps({"counts": counts, "bands": bands, "digest": digest.hexdigest()}),
            archive.account_id,
            day,
        ),
    )


def _set_label(archive: AccountArchive, day: str, score: Score) -> str | None:
    for label in labels_for(score):
        values = (label, archive.account_id, day, score.user_id)
        if archive.connection.execute(_SET_LABEL, values).rowcount:
            return label
    return None
