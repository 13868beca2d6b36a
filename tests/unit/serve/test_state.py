"""Scores on disk: whose they are, and that a bad file does no harm."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.config.model import SubuserSelection
from seq_exporter.config.secret import Secret
from seq_exporter.history import NO_HISTORY
from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from seq_exporter.serve.state import StateFolder
from tests.support import KEY, account, day

SNAPSHOT = Snapshot(
    "acme",
    SubuserScores(
        day(4),
        {
            'a "b"\n': Score("1", 'a "b"\n', 4.5, (1.0, 2.0, None, 4.0, 5.0)),
            "2": Score("2"),
        },
        missing=("typo",),
        read_at=1793880000.25,
    ),
    OwnScore(day(5), Score("9", "acme", 3.0, (3.0,) * 5), read_at=1793880001.5),
)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "made" / "when-needed", hash_cost=2)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_is_saved_is_loaded(state: StateFolder, tmp_path: Path) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    loaded = state.load(account(), Secret(KEY))
    assert loaded == SNAPSHOT
    assert loaded is not None
    assert loaded.subusers is not None
    assert loaded.own is not None
    assert (loaded.subusers.read_at, loaded.own.read_at) == (1793880000.25, 1793880001.5)
    assert list(loaded.subusers.by_label) == ['a "b"\n', "2"]
    assert files(tmp_path) == ["acme.json"]


def test_nothing_saved_is_nothing_loaded(state: StateFolder) -> None:
    assert state.load(account(), Secret(KEY)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://api.eu.sendgrid.com"},
        {"on_behalf_of": "shop"},
        {"own_score": False},
        {"subusers": SubuserSelection(names=frozenset({"a"}))},
        {"subusers": None},
    ],
)
def test_the_scores_of_another_account_are_not_loaded(
    state: StateFolder, change: dict[str, Any]
) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    assert state.load(account(**change), Secret(KEY)) is None
    assert state.load(account(), Secret("another")) is None
    assert state.load(account(), Secret(KEY)) == SNAPSHOT


def test_the_hash_of_the_key_is_slow(state: StateFolder, tmp_path: Path) -> None:
    usual = StateFolder(tmp_path / "made" / "when-needed")
    usual.save(account(), Secret(KEY), SNAPSHOT)
    assert usual.load(account(), Secret(KEY)) == SNAPSHOT
    assert state.load(account(), Secret(KEY)) is None
    slow = StateFolder(tmp_path / "made" / "when-needed", hash_cost=2**14)
    assert slow.load(account(), Secret(KEY)) == SNAPSHOT


def test_the_file_is_the_users_alone_and_holds_no_key(state: StateFolder, tmp_path: Path) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    (file,) = tmp_path.rglob("acme.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY not in file.read_text()


def test_a_long_name_makes_a_file_too(state: StateFolder, tmp_path: Path) -> None:
    for name in ("\N{SNOWMAN}" * 128, "\N{SNOWMAN}" * 127):
        state.save(account(name=name), Secret(KEY), replace(SNAPSHOT, account=name))
    for name in ("\N{SNOWMAN}" * 128, "\N{SNOWMAN}" * 127):
        loaded = state.load(account(name=name), Secret(KEY))
        assert loaded
        assert loaded.account == name


def test_what_a_killed_process_left_is_removed(state: StateFolder, tmp_path: Path) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    folder = tmp_path / "made" / "when-needed"
    (folder / ".acme.json.abc.tmp").write_text("half")
    (folder / ".acme-eu.json.abc.tmp").write_text("of another account")
    (folder / ".acme.json.def.tmp").mkdir()  # cannot be removed as a file: it does no harm
    assert state.load(account(), Secret(KEY)) == SNAPSHOT
    assert files(tmp_path) == [".acme-eu.json.abc.tmp", "acme.json"]


def test_an_owner_that_is_no_ascii_is_another(state: StateFolder, tmp_path: Path) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    (file,) = tmp_path.rglob("acme.json")
    file.write_text(file.read_text().replace('"owner":"', '"owner":"\N{SNOWMAN}'))
    assert state.load(account(), Secret(KEY)) is None
    assert files(tmp_path) == ["acme.json"]


def test_any_name_makes_a_file(state: StateFolder, tmp_path: Path) -> None:
    name = "../../etc/passwd %2e \N{SNOWMAN}"
    state.save(account(name=name), Secret(KEY), SNAPSHOT)
    assert state.load(account(name=name), Secret(KEY)) == SNAPSHOT
    assert files(tmp_path) == ["..%2F..%2Fetc%2Fpasswd%20%252e%20%E2%98%83.json"]


@pytest.mark.parametrize(
    "content",
    [
        lambda whole: "",
        lambda whole: "{",
        lambda whole: "[]",
        lambda whole: "null",
        lambda whole: "\x00" * 100,
        lambda whole: '{"a": NaN}',
        lambda whole: whole.replace('"format":1', '"format":2'),
        lambda whole: whole.replace('"salt":"', '"salt":"\ud800'),
        lambda whole: whole.split("\n")[0],
        lambda whole: whole[:-1],
        lambda whole: whole + " ",
        lambda whole: whole.replace("4.5", "5.0"),
        lambda whole: whole.replace("4.5", "9.5"),
    ],
)
def test_a_bad_file_is_set_aside(
    state: StateFolder, tmp_path: Path, content: Callable[[str], str]
) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    (file,) = tmp_path.rglob("acme.json")
    file.write_text(content(file.read_text()), encoding="utf-8", errors="surrogatepass")
    aside = file.with_suffix(".unreadable")
    with pytest.raises(ValueError, match=r"was not written by this version: renamed to") as caught:
        state.load(account(), Secret(KEY))
    assert str(aside) in str(caught.value)
    assert files(tmp_path) == ["acme.unreadable"]
    assert state.load(account(), Secret(KEY)) is None


def test_a_save_that_fails_leaves_the_old_file(state: StateFolder, tmp_path: Path) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    broken = Snapshot("acme", SubuserScores(day(5), {"a": object()}))  # type: ignore[dict-item]
    with pytest.raises(Exception, match="serializ"):
        state.save(account(), Secret(KEY), broken)
    assert state.load(account(), Secret(KEY)) == SNAPSHOT
    assert files(tmp_path) == ["acme.json"]


def test_a_file_that_hangs_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "acme.json")
    state = StateFolder(tmp_path, disk_seconds=0.05)
    with pytest.raises(TimeoutError) as caught:
        state.load(account(), Secret(KEY))
    assert caught.value.strerror == "no answer within 0.05 s"
    # Saving replaces it.
    StateFolder(tmp_path).save(account(), Secret(KEY), SNAPSHOT)
    assert StateFolder(tmp_path).load(account(), Secret(KEY)) == SNAPSHOT


HISTORY = NO_HISTORY.record(day(4), {"1": 4.5})


def test_the_history_is_a_file_of_its_own(state: StateFolder, tmp_path: Path) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    assert state.load_history(account(), Secret(KEY)) is None
    state.save_history(account(), Secret(KEY), HISTORY)
    folder = tmp_path / "made" / "when-needed"
    assert sorted(path for path in tmp_path.rglob("*.json")) == [
        folder / "acme.json",
        folder / "earlier-scores" / "acme.json",
    ]
    assert state.load(account(), Secret(KEY)) == SNAPSHOT
    assert state.load_history(account(), Secret(KEY)) == HISTORY


@pytest.mark.parametrize("change", [{"on_behalf_of": "shop"}, {"subusers": None}])
def test_the_history_of_another_account_is_not_loaded(
    state: StateFolder, change: dict[str, Any]
) -> None:
    state.save_history(account(), Secret(KEY), HISTORY)
    assert state.load_history(account(**change), Secret(KEY)) is None
    assert state.load_history(account(), Secret("another")) is None
    assert state.load_history(account(), Secret(KEY)) == HISTORY


def test_the_snapshot_is_no_history(state: StateFolder, tmp_path: Path) -> None:
    state.save(account(), Secret(KEY), SNAPSHOT)
    (file,) = tmp_path.rglob("acme.json")
    (file.parent / "earlier-scores").mkdir()
    file.rename(file.parent / "earlier-scores" / "acme.json")
    with pytest.raises(ValueError, match="was not written by this version"):
        state.load_history(account(), Secret(KEY))
