"""The archive on disk: no page is lost or counted twice, and no account is taken for another."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.commands.backfill.archive import AccountArchive, Archive, explain_failure
from seq_exporter.config.model import ALL_SUBUSERS
from seq_exporter.config.secret import Secret
from seq_exporter.errors import BackfillError
from seq_exporter.score import Score
from tests.support import KEY, ROOT, account, day

AGAIN = "move it away, and run the same command again: it fetches what SendGrid still has"

DAYS = [day(number) for number in range(1, 6)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "scores.sqlite"


@pytest.fixture
def archive(file: Path) -> Iterator[Archive]:
    with closing(Archive(file, hash_cost=2)) as archive:
        yield archive


@pytest.fixture
def acme(archive: Archive) -> AccountArchive:
    return archive.claim(account(), Secret(KEY))


def scores(*user_ids: str, overall: float | None = 4.0) -> list[Score]:
    return [Score(user_id, f"name-{user_id}", overall) for user_id in user_ids]


def query(file: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read the file from outside, as it is on disk while the archive is open."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def rows(file: Path, name: str = "acme") -> list[tuple[Any, ...]]:
    """Return the users of each day in the order in which they came, with their scores."""
    found = query(
        file,
        "SELECT day, user_id, overall FROM scores s JOIN accounts a ON a.id = s.account "
        f"WHERE a.name = '{name}' ORDER BY day, position",
    )
    return [(when.removeprefix("2026-11-"), *more) for when, *more in found]


def test_pages_are_added_until_the_day_is_finished(
    acme: AccountArchive, archive: Archive, file: Path
) -> None:
    assert acme.find_cursor(day(4)) is None
    acme.add_page(day(4), scores("9", "1"), "x")
    assert acme.find_cursor(day(4)) == "x"
    acme.add_page(day(4), scores("5"), None)
    assert (acme.unfinished(DAYS), archive.count_days()) == (DAYS, 0)
    acme.finish(day(4))
    assert acme.unfinished(DAYS) == [day(1), day(2), day(3), day(5)]
    assert archive.count_days() == 1
    assert rows(file) == [("04", "9", 4.0), ("04", "1", 4.0), ("04", "5", 4.0)]


def test_an_empty_page_counts_as_a_page(acme: AccountArchive, file: Path) -> None:
    acme.add_page(day(4), [], None)
    acme.finish(day(4))
    assert acme.unfinished([day(4)]) == []
    assert rows(file) == []


def test_a_user_who_comes_twice_is_counted_once_with_the_first_score(
    acme: AccountArchive, file: Path
) -> None:
    acme.add_page(day(4), [*scores("1"), *scores("1", overall=2)], "x")
    acme.add_page(day(4), scores("1", "2", overall=3), "y")
    acme.add_page(day(4), scores("2", "1"), "z")
    assert rows(file) == [("04", "1", 4.0), ("04", "2", 3.0)]


@pytest.mark.parametrize(
    ("overall", "has_scores"),
    [pytest.param(4.0, 1, id="scored"), pytest.param(None, 0, id="not eligible")],
)
def test_whether_a_day_has_scores(
    acme: AccountArchive, file: Path, overall: float | None, has_scores: int
) -> None:
    acme.add_page(day(4), scores("1", overall=overall), None)
    acme.finish(day(4))
    acme.add_page(day(5), scores("1"), None)
    assert query(file, "SELECT has_scores FROM days ORDER BY day") == [(has_scores,), (None,)]
    assert acme.has_scores(day(4)) is bool(has_scores)


def test_days_and_accounts_are_separate(acme: AccountArchive, archive: Archive, file: Path) -> None:
    globex = archive.claim(account(name="globex"), Secret(KEY))
    for each in (acme, globex):
        for when in (day(3), day(4)):
            each.add_page(when, scores("1"), "x")
    globex.drop(day(4))
    acme.drop(day(3))
    acme.add_page(day(3), scores("2"), None)
    acme.finish(day(3))
    assert rows(file) == [("03", "2", 4.0), ("04", "1", 4.0)]
    assert rows(file, "globex") == [("03", "1", 4.0)]
    assert acme.unfinished([day(3)]) == []
    assert globex.unfinished([day(3)]) == [day(3)]


def test_a_day_that_is_dropped_begins_again(acme: AccountArchive, file: Path) -> None:
    acme.add_page(day(4), scores("1", "2"), "x")
    acme.drop(day(4))
    assert rows(file) == []
    assert acme.find_cursor(day(4)) is None
    assert acme.unfinished([day(4)]) == [day(4)]
    acme.add_page(day(4), scores("1"), None)
    assert rows(file) == [("04", "1", 4.0)]


def test_a_day_that_sendgrid_has_forgotten_is_not_asked_for_again(
    acme: AccountArchive, archive: Archive, file: Path
) -> None:
    acme.add_page(day(1), scores("1"), "x")  # half of it
    acme.forget(day(1))
    acme.forget(day(1))  # as often as it is said
    assert acme.forgotten() == {day(1)}
    assert acme.unfinished(DAYS) == DAYS[1:]
    assert acme.unfinished_own(DAYS) == DAYS[1:]
    assert rows(file) == []
    assert archive.count_days() == 0


def test_a_day_whose_own_score_is_forgotten_keeps_its_subusers(
    acme: AccountArchive, archive: Archive, file: Path
) -> None:
    acme.add_page(day(1), scores("1"), None)
    acme.finish(day(1))
    acme.forget(day(1))
    assert rows(file) == [("01", "1", 4.0)]
    assert archive.count_days() == 1
    assert acme.unfinished(DAYS) == acme.unfinished_own(DAYS) == DAYS[1:]
    assert acme.forgotten() == {day(1)}


def test_own_scores_are_kept_in_order_of_their_days(acme: AccountArchive) -> None:
    metrics = (1.0, None, 3.0, 4.0, 5.0)
    acme.add_own({day(4): Score("9", "acme", 3.5, metrics), day(2): Score("")})
    acme.add_own({})
    assert list(acme.own_scores().items()) == [
        (day(2), Score("")),  # calculated, and not eligible
        (day(4), Score("", None, 3.5, metrics)),
    ]
    assert acme.unfinished_own(DAYS) == [day(1), day(3), day(5)]
    assert acme.unfinished(DAYS) == DAYS


def test_names_are_needed_if_a_page_leaves_one_out(acme: AccountArchive) -> None:
    assert acme.find_names_offset() is None
    acme.add_page(day(4), scores("1"), None)
    assert acme.find_names_offset() is None
    acme.add_page(day(5), [Score("1"), Score("2"), Score("3")], None)
    assert acme.find_names_offset() == 0
    acme.add_usernames({"1": "a"}, 500)
    assert acme.find_names_offset() == 500
    acme.add_usernames({"2": "b", "3": "c"}, 502)
    assert acme.find_names_offset() is None


def test_names_that_sendgrid_does_not_know_are_not_asked_for_again(
    acme: AccountArchive, file: Path
) -> None:
    acme.add_page(day(4), [Score("1"), Score("2")], None)
    acme.add_usernames({"1": "a"}, 500)
    acme.finish_usernames()
    assert acme.find_names_offset() is None
    acme.add_page(day(5), [Score("2")], None)
    assert acme.find_names_offset() is None
    acme.add_page(day(5), [Score("7")], None)
    assert acme.find_names_offset() == 0  # somebody new: from the beginning of the list
    acme.add_usernames({"2": "b", "7": "g"}, 500)
    found = query(file, "SELECT user_id, username FROM names ORDER BY user_id")
    assert found == [("1", "a"), ("2", "b"), ("7", "g")]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        pytest.param({}, "SG.another", id="key"),
        pytest.param({"base_url": "https://api.eu.sendgrid.com"}, KEY, id="host"),
        pytest.param({"on_behalf_of": "shop"}, KEY, id="on_behalf_of"),
    ],
)
def test_answers_to_another_key_host_or_user_are_not_mixed_in(
    acme: AccountArchive, archive: Archive, change: dict[str, Any], key: str
) -> None:
    acme.add_page(day(1), [], None)
    with pytest.raises(BackfillError) as caught:
        archive.claim(account(**change), Secret(key))
    assert str(caught.value) == (
        "account 'acme' was fetched with another key, host or on_behalf_of before: "
        "name another --output-dir, or delete this one"
    )
    other = archive.claim(account(name="other", **change), Secret(key))
    assert other.is_empty()


def test_the_content_is_there_when_the_file_is_opened_again(file: Path) -> None:
    with closing(Archive(file)) as archive:
        acme = archive.claim(account(), Secret(KEY))
        acme.add_page(day(4), scores("1"), "x")
        acme.add_own({day(4): Score("", None, 2.0)})
        archive.set_output("scores-2026-11-01.om", "abc", 1)
    with closing(Archive(file)) as archive:
        # The settings may change: the archive stays.
        again = archive.claim(account(own_score=False, subusers=None), Secret(KEY))
        assert again.find_cursor(day(4)) == "x"
        again.add_page(day(4), scores("1", "2"), None)
        assert rows(file) == [("04", "1", 4.0), ("04", "2", 4.0)]
        assert again.own_scores().keys() == {day(4)}
        assert archive.get_output("scores-2026-11-01.om") == ("abc", 1)


def test_the_hash_of_the_key_is_slow(file: Path) -> None:
    with closing(Archive(file)) as archive:
        archive.claim(account(), Secret(KEY)).add_page(day(4), scores("1"), None)
    with closing(Archive(file, hash_cost=2)) as archive, pytest.raises(BackfillError):
        archive.claim(account(), Secret(KEY))
    with closing(Archive(file, hash_cost=2**14)) as archive:
        assert not archive.claim(account(), Secret(KEY)).is_empty()


def test_an_output_is_begun_and_done(archive: Archive) -> None:
    assert archive.get_output("a") == ("", 0)
    archive.set_output("a", "first", 3)
    archive.set_output("b", "other", 1)
    archive.set_output("a", "second", 7)
    assert archive.get_output("a") == ("second", 7)
    assert archive.get_output("b") == ("other", 1)


def test_every_change_of_scores_or_names_is_another_revision(
    acme: AccountArchive, file: Path
) -> None:
    def revision() -> int:
        return int(query(file, "SELECT revision FROM accounts")[0][0])

    seen = [revision()]
    changes: list[Callable[[], None]] = [
        lambda: acme.add_page(day(4), scores("1"), None),
        lambda: acme.finish(day(4)),
        lambda: acme.add_own({day(4): Score("")}),
        lambda: acme.add_usernames({"1": "a"}, 1),
        acme.finish_usernames,
    ]
    for change in changes:
        change()
        seen.append(revision())
    assert seen == sorted(set(seen))
    acme.add_own({})
    assert revision() == seen[-1]


class Interrupted(list[Score]):
    """A page in whose middle something happens."""

    def __iter__(self) -> Iterator[Score]:
        yield Score("3", "name-3", 1.0)
        raise KeyboardInterrupt


def test_a_stop_in_the_middle_of_a_page_leaves_the_last_whole_one(
    acme: AccountArchive, file: Path
) -> None:
    acme.add_page(day(4), scores("1", "2"), "x")
    with pytest.raises(KeyboardInterrupt):
        acme.add_page(day(4), Interrupted(), "y")
    assert rows(file) == [("04", "1", 4.0), ("04", "2", 4.0)]
    assert acme.find_cursor(day(4)) == "x"
    acme.add_page(day(4), scores("3"), "y")
    assert rows(file) == [("04", "1", 4.0), ("04", "2", 4.0), ("04", "3", 4.0)]


KILLED = """
import os, signal, sys
from pathlib import Path
from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.score import Score
from seq_exporter.config.secret import Secret
from tests.support import KEY, account, day, ROOT

class Killed(list):
    def __iter__(self):
        # More than the cache holds: a part of it is in the file by now.
        yield from (Score(f"{number:0256}", "x" * 256, 1.0) for number in range(50_000))
        os.kill(os.getpid(), signal.SIGKILL)

acme = Archive(Path(sys.argv[1])).claim(account(), Secret(KEY))
acme.add_page(day(4), [Score("1", "name-1", 4.0)], "x")
acme.add_page(day(4), Killed(), "y")
"""


def test_a_kill_in_the_middle_of_a_page_leaves_the_last_whole_one(file: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(file)],
        cwd=ROOT,
        check=False,
        timeout=60,
    )
    assert process.returncode == -signal.SIGKILL
    assert file.stat().st_size > 1_000_000  # half a page is there, and taken back
    with closing(Archive(file)) as archive:
        acme = archive.claim(account(), Secret(KEY))
        assert rows(file) == [("04", "1", 4.0)]
        assert acme.find_cursor(day(4)) == "x"


def test_the_key_is_not_in_the_file(acme: AccountArchive, archive: Archive, file: Path) -> None:
    acme.add_page(day(4), scores("1"), None)
    archive.close()
    content = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"acme" in content
    assert b"name-1" in content
    for part in (KEY, *KEY.split(".")[1:]):
        assert part.encode() not in content


def test_two_accounts_with_one_key_do_not_show_it(archive: Archive, file: Path) -> None:
    for name in ("acme", "globex"):
        archive.claim(account(name=name), Secret(KEY))
    assert len(set(query(file, "SELECT owner FROM accounts"))) == 2


def make_other_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE moz_places (url TEXT)")


def make_link_to_itself(file: Path) -> None:
    file.symlink_to(file.name)


def make_other_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 3")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(
            lambda file: file.write_text("a letter, and not a short one " * 100),
            "not an archive of a backfill: file is not a database",
            id="no database",
        ),
        pytest.param(
            make_other_database,
            "not an archive of a backfill: it holds something else",
            id="another database",
        ),
        pytest.param(
            make_other_version,
            "not an archive of a backfill: written by another version",
            id="another version",
        ),
    ],
)
def test_a_file_of_another_kind_is_left_alone(file: Path, make: Any, reason: str) -> None:
    make(file)
    before = file.read_bytes()
    with pytest.raises(BackfillError) as caught:
        Archive(file)
    assert str(caught.value) == f"{file} is {reason}: {AGAIN}"
    assert file.read_bytes() == before


def damage(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Return what makes an archive with two thousand scores, and changes its bytes."""

    def make(file: Path) -> None:
        with closing(Archive(file, hash_cost=2)) as archive:
            acme = archive.claim(account(), Secret(KEY))
            for number in range(1, 5):
                acme.add_page(day(number), scores(*map(str, range(500))), None)
                acme.finish(day(number))
            acme.label(ALL_SUBUSERS)
        file.write_bytes(change(file.read_bytes()))

    return make


def sql(text: str) -> Callable[[Path], None]:
    """Return what makes an archive, and changes it with SQL."""

    def make(file: Path) -> None:
        damage(lambda content: content)(file)
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(f"PRAGMA ignore_check_constraints = ON; {text}")

    return make


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (damage(lambda content: content[:50]), "damaged: database disk image is malformed"),
        (damage(lambda content: content[:4096]), "damaged: database disk image is malformed"),
        (
            damage(lambda content: content[: len(content) // 2]),
            "damaged: database disk image is malformed",
        ),
        (damage(lambda content: content[:-100]), "damaged: "),
        (
            damage(lambda content: b"x" * 100 + content[100:]),
            "not an archive of a backfill: file is not a database",
        ),
        (damage(lambda content: b"hello"), "not an archive of a backfill: file is not a database"),
        (
            damage(lambda content: content[:-30_000] + b"\xff" * 20_000 + content[-10_000:]),
            "damaged: ",
        ),
        (damage(lambda content: content.replace(b"name-170", b"name-\xff\xff\xff")), "damaged: "),
        (
            damage(
                lambda content: content.replace(b"UNIQUE INDEX labels", b"\xd5NIQUE INDEX labels")
            ),
            "damaged: its tables are unreadable",
        ),
        (sql("UPDATE scores SET overall = 6"), "damaged: CHECK constraint failed in scores"),
        (sql("UPDATE scores SET open_rate = 'x'"), "damaged: CHECK constraint failed in scores"),
        (
            sql("UPDATE days SET day = 'today' WHERE day = '2026-11-04'"),
            "damaged: CHECK constraint failed in days",
        ),
        (sql("DROP TABLE days"), "not an archive of a backfill: it has other tables"),
        (
            sql("ALTER TABLE days DROP COLUMN cursor"),
            "not an archive of a backfill: it has other tables",
        ),
        (Path.mkdir, "not a file"),
        (os.mkfifo, "not a file"),
    ],
)
def test_a_damaged_file_is_reported_when_it_is_opened(file: Path, make: Any, reason: str) -> None:
    make(file)
    with pytest.raises(BackfillError) as caught:
        Archive(file)
    message = str(caught.value)
    assert message.startswith(f"{file} is {reason}")
    assert message.endswith(f": {AGAIN}")
    assert "\n" not in message


@pytest.mark.parametrize(
    "summary",
    ["", "{", "[]", "7", "{}", '{"bands": 1}', '{"bands": {"x": {"y": 1}}}'],
)
def test_counts_that_are_damaged_are_an_error_of_the_file(file: Path, summary: str) -> None:
    archive = Archive(file, hash_cost=2)
    owner = archive.claim(account(), Secret(KEY))
    owner.add_page(day(4), [Score("1", "a", 4.0)], None)
    owner.finish(day(4))
    owner.label(ALL_SUBUSERS)
    archive._connection.execute("UPDATE days SET summary = ?", (summary,))
    with pytest.raises(sqlite3.DatabaseError, match="the counts of 2026-11-04 are unreadable"):
        owner.counted_days()


@pytest.mark.parametrize("make", [lambda file: file.symlink_to("/nowhere/x"), make_link_to_itself])
def test_a_link_that_leads_nowhere(file: Path, make: Any) -> None:
    make(file)
    with pytest.raises(BackfillError) as caught:
        Archive(file)
    assert str(caught.value) == (
        f"cannot write to {file}: unable to open database file: "
        "let this user write the file and its folder"
    )


def test_a_file_that_may_not_be_written(archive: Archive, file: Path) -> None:
    archive.close()
    with (
        closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        connection.execute("DELETE FROM days")
    assert explain_failure(file, caught.value) == (
        f"cannot write to {file}: attempt to write a readonly database: "
        "let this user write the file and its folder"
    )


def test_a_file_that_is_in_use_is_left_alone(archive: Archive, file: Path) -> None:
    assert archive.count_days() == 0
    with pytest.raises(BackfillError) as caught:
        Archive(file)
    assert (
        str(caught.value) == f"{file} is in use by another backfill: wait for its end, or stop it"
    )
    archive.close()
    Archive(file).close()


@contextlib.contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond `most_bytes`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_last_whole_page(archive: Archive, file: Path) -> None:
    acme = archive.claim(account(), Secret(KEY))
    acme.add_page(day(4), scores("1"), "x")
    with full_disk(file.stat().st_size), pytest.raises(sqlite3.OperationalError):
        acme.add_page(day(4), scores(*map(str, range(2, 5000))), "y")
    assert rows(file) == [("04", "1", 4.0)]
    assert acme.find_cursor(day(4)) == "x"
    acme.add_page(day(4), scores("2"), "y")
    assert rows(file) == [("04", "1", 4.0), ("04", "2", 4.0)]


@pytest.mark.parametrize("most_bytes", [0, 1000, 5000, 10_000, 20_000])
def test_a_disk_that_is_full_from_the_beginning_leaves_nothing_half_made(
    file: Path, most_bytes: int
) -> None:
    # Nor is it said that the file is something else.
    with full_disk(most_bytes), pytest.raises(sqlite3.OperationalError):
        Archive(file)
    Archive(file).close()


def test_a_run_that_stopped_while_it_wrote_continues_with_its_end(archive: Archive) -> None:
    assert archive.begin_run(1_000_000, "options") == 1_000_000
    assert archive.begin_run(1_003_599, "options") == 1_000_000
    assert archive.begin_run(1_003_600, "options") == 1_003_600  # long ago: another run
    assert archive.begin_run(1_003_599, "options") == 1_003_599  # the clock was set back
    assert archive.begin_run(1_003_600, "others") == 1_003_600
    archive.end_run()
    assert archive.begin_run(1_003_601, "others") == 1_003_601


def test_receivers_are_distinguished_without_their_secrets(archive: Archive, file: Path) -> None:
    receivers: list[tuple[str, dict[str, str]]] = [
        ("http://localhost/w", {}),
        ("http://localhost/w?tenant=a", {}),
        ("http://user:password@localhost/w", {}),
        ("http://localhost/w", {"X-Scope-OrgID": "a"}),
        ("http://localhost/w", {"X-Scope-OrgID": "b"}),
    ]
    names = [archive.name_receiver(url, headers) for url, headers in receivers]
    assert len(set(names)) == len(receivers)
    assert names == [archive.name_receiver(url, headers) for url, headers in receivers]
    assert b"password" not in file.read_bytes()


def test_outputs_are_forgotten_by_their_prefix(archive: Archive) -> None:
    for name in ("a 1", "a 2", "ab 1"):
        archive.set_output(name, "content", 1)
    archive.forget_outputs("a ")
    assert [archive.get_output(name)[1] for name in ("a 1", "a 2", "ab 1")] == [0, 0, 1]


def test_a_key_that_was_mistyped_at_first_may_be_corrected(archive: Archive) -> None:
    archive.claim(account(), Secret("SG.mistyped"))
    acme = archive.claim(account(), Secret(KEY))
    acme.add_page(day(1), [], None)
    assert not archive.claim(account(), Secret(KEY)).is_empty()
    with pytest.raises(BackfillError, match="another key"):
        archive.claim(account(), Secret("SG.mistyped"))


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    with closing(Archive(path)):
        assert path.stat().st_mode & 0o777 == 0o600
