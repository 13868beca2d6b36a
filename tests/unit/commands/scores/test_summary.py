"""What stands around the table: how many rows there are, why there are none, and each account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from seq_exporter.commands.scores.fetch import AccountScores
from seq_exporter.commands.scores.summary import Choice, Found, print_summary
from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from tests.support import TODAY, account

BY_LABEL = {"a": Score("1", "a", 2.0), "b": Score("2", "b", 4.0), "c": Score("3")}
SCORES = AccountScores(
    Snapshot("acme", SubuserScores(TODAY, BY_LABEL), OwnScore(TODAY, Score("9", "acme", 3.9))),
    own_earlier={TODAY - timedelta(7): 4.3, TODAY - timedelta(30): 3.9},
)
ABOUT = (
    "acme, 2026-11-05: 2 scored, 1 without a score; "
    "own score 3.9 (▼0.4 in 7 days, unchanged in 30 days)"
)


def summarize(
    capsys: pytest.CaptureFixture[str],
    found: Found,
    *,
    limit: int = 50,
    width: int = 120,
    **choice: Any,
) -> list[str]:
    chosen = Choice(
        **({"globs": (), "below": None, "sort": "overall", "descending": False} | choice)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        print_summary(found, chosen, 0, limit)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


FOUND: Found = [(account(), SCORES)]


def test_a_table_and_its_account(capsys: pytest.CaptureFixture[str]) -> None:
    *table, empty, about = summarize(capsys, FOUND)
    assert [line.split()[0] for line in table[1:]] == ["subuser", "a", "b"]
    assert (empty, about) == ("", ABOUT)


def test_a_limit_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert summarize(capsys, FOUND, limit=1)[-3] == "1 of 2 are shown: --limit=0 shows all"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"globs": ("x*", "it's")}, "no subuser matches --subuser='x*' --subuser='it'\"'\"'s'"),
        ({"below": 1.5}, "no subuser matches --below=1.5"),
        ({"globs": ("c",), "below": 3.0}, "no subuser matches --subuser=c --below=3"),
    ],
)
def test_a_filter_that_matches_nobody_is_named(
    choice: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line on the account counts all of its subusers all the same."""
    assert summarize(capsys, FOUND, **choice) == [message, "", ABOUT]


def test_an_account_in_which_nobody_has_a_score(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = AccountScores(Snapshot("acme", SubuserScores(TODAY, {"c": Score("3")})))
    assert summarize(capsys, [(account(), nobody)]) == [
        "no subuser has a score",
        "",
        "acme, 2026-11-05: 0 scored, 1 without a score",
    ]


def test_if_no_account_answers_nothing_is_said_about_subusers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert summarize(capsys, []) == []


@pytest.mark.parametrize(
    ("width", "own"),
    [
        (60, ["  own score 3.9 (▼0.4 in 7 days, unchanged in 30 days)"]),
        (45, ["  own score 3.9", "  (▼0.4 in 7 days, unchanged in 30 days)"]),
    ],
)
def test_a_narrow_terminal_breaks_no_parentheses(
    width: int, own: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    about = "acme, 2026-11-05: 2 scored, 1 without a score"
    assert summarize(capsys, FOUND, width=width)[-1 - len(own) :] == [about, *own]


def test_rows_of_one_of_several_accounts_name_it(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = AccountScores(Snapshot("globex", SubuserScores(TODAY, {"c": Score("3")})))
    found = [(account(), SCORES), (account(name="globex"), nobody)]
    table = summarize(capsys, found)
    assert [line.split()[:2] for line in table[1:3]] == [["account", "subuser"], ["acme", "a"]]
