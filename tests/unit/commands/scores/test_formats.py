"""Rows as CSV and JSON, byte for byte."""

from __future__ import annotations

import csv
import io
import json

import pytest

from seq_exporter.commands.scores.columns import NUMBERS
from seq_exporter.commands.scores.formats import render_csv, render_json
from seq_exporter.commands.scores.rows import Row
from tests.support import TODAY

SCORES = dict(zip(NUMBERS, (2.8, 3.1, None, 1.0, 4.5, 4.0, -0.4, 0.1), strict=True))


def row(subuser: str, account: str = "acme") -> Row:
    return Row(account, subuser, TODAY, SCORES, (2.9, None, 2.8))


def test_csv() -> None:
    assert render_csv([row("shop-de"), row("")]) == (
        "account,subuser,date,overall,engagement_recency,open_rate,bounce_classification,"
        "bounce_rate,spam_rate,change7,change30\n"
        "acme,shop-de,2026-11-05,2.8,3.1,,1.0,4.5,4.0,-0.4,0.1\n"
        "acme,,2026-11-05,2.8,3.1,,1.0,4.5,4.0,-0.4,0.1\n"
    )


@pytest.mark.parametrize(
    ("name", "cell", "read"),
    [
        ("büro 🎉", "büro 🎉", "büro 🎉"),
        ('a,b"c', '"a,b""c"', 'a,b"c'),
        ("a'b", "a'b", "a'b"),
        ("a-b=c", "a-b=c", "a-b=c"),
        ("x" * 256, "x" * 256, "x" * 256),
        ("=1+1", '"\'=1+1"', "'=1+1"),
        ('=HYPERLINK("a","b")', '"\'=HYPERLINK(""a"",""b"")"', '\'=HYPERLINK("a","b")'),
        ("+1", '"\'+1"', "'+1"),
        ("-0.4", '"\'-0.4"', "'-0.4"),
        ("@SUM(A1)", '"\'@SUM(A1)"', "'@SUM(A1)"),
        (" =1", '"\' =1"', "' =1"),
        ("\uff1d1", '"\'\uff1d1"', "'\uff1d1"),
        ("\ta", '"\'\\ta"', "'\\ta"),
        ("\ra", '"\'\\ra"', "'\\ra"),
        ("\n=1", '"\'\\n=1"', "'\\n=1"),
        ("a\nb", "a\\nb", "a\\nb"),
        ("evil\x1b[31mred", r"evil\x1b[31mred", r"evil\x1b[31mred"),
        ("a\x00b\u202e\ud800", r"a\x00b\u202e\ud800", r"a\x00b\u202e\ud800"),
    ],
)
def test_a_cell_loses_no_character_and_is_no_formula(name: str, cell: str, read: str) -> None:
    text = render_csv([row(name), row("", account=name)])
    first, second = text.splitlines()[1:]
    assert first == f"acme,{cell},2026-11-05,2.8,3.1,,1.0,4.5,4.0,-0.4,0.1"
    assert second == f"{cell},,2026-11-05,2.8,3.1,,1.0,4.5,4.0,-0.4,0.1"
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(each["account"], each["subuser"]) for each in rows] == [("acme", read), (read, "")]


def test_json_is_exact() -> None:
    name = "=evil\x1b[31m\x7f\x9b\u202e\u2028\ud800🎉"
    text = render_json([row(name)])
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    (read,) = json.loads(text)
    assert (read["subuser"], read["history"], read["change7"]) == (name, [2.9, None, 2.8], -0.4)
