"""What earlier versions wrote is read: an upgrade loses no score, and asks for none again."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.config.model import ALL_SUBUSERS
from seq_exporter.config.secret import Secret
from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from seq_exporter.serve.state import StateFolder
from tests.support import KEY, account, day

KEPT = Path(__file__).parent / "kept"
VERSIONS = sorted(path.name for path in KEPT.iterdir() if path.is_dir())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_state_file(version: str, tmp_path: Path) -> None:
    shutil.copy(KEPT / version / "acme.json", tmp_path)
    assert StateFolder(tmp_path, hash_cost=2).load(account(), Secret(KEY)) == Snapshot(
        "acme",
        SubuserScores(
            day(4),
            {
                'a "b"\n': Score("1", 'a "b"\n', 4.5, (1.0, 2.0, None, 4.0, 5.0)),
                "2": Score("2"),
            },
            missing=("typo",),
        ),
        OwnScore(day(5), Score("9", "acme", 3.0, (3.0,) * 5)),
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_a_history(version: str, tmp_path: Path) -> None:
    shutil.copytree(KEPT / version / "earlier-scores", tmp_path / "earlier-scores")
    history = StateFolder(tmp_path, hash_cost=2).load_history(account(), Secret(KEY))
    assert history
    assert {each: history.read(each) for each in history.days} == {
        day(3): {"1": 4.5, "2": 3.25},
        day(4): {"1": 4.4, "büro": 1.0},
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_an_archive(version: str, tmp_path: Path) -> None:
    file = tmp_path / "scores.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((KEPT / version / "scores.sql").read_text(encoding="utf-8"))
    with closing(Archive(file, hash_cost=2)) as archive:
        acme = archive.claim(account(), Secret(KEY))
        assert acme.unfinished([day(1), day(2)]) == [day(2)]
        assert acme.find_cursor(day(2)) == "7"
        assert acme.own_scores() == {day(1): Score("", None, 3.0, (3.0,) * 5)}
        acme.label(ALL_SUBUSERS)
        assert list(acme.labelled_scores(day(1), day(1))) == [
            ("büro", day(1), Score("2")),
            ("shop-de", day(1), Score("1", None, 4.5, (1.0, 2.0, None, 4.0, 5.0))),
        ]
