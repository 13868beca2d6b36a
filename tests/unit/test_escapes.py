"""Escapes: which characters get one, and that JSON stays exact."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from seq_exporter.escapes import dump_json, show, show_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("shop-de", "shop-de"),
        ("büro 東京 🎉 é", "büro 東京 🎉 é"),
        ("e\u0301", "e\u0301"),
        ("a\\b", "a\\b"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("\0\t\r\n\x7f", r"\x00\t\r\n\x7f"),
        (
            "\u061c\u200e\u200f\u202a\u202e\u2066\u2069",
            r"\u061c\u200e\u200f\u202a\u202e\u2066\u2069",
        ),
        ("\u200b\u2060\ufeff", r"\u200b\u2060\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\U000e0041\U000e007f", r"\U000e0041\U000e007f"),
        ("a\xadd", r"a\xadd"),
        ("\u115f\u3164\u2800", r"\u115f\u3164\u2800"),
        # Names in French, Japanese, Persian, and with a heart are as they are written.
        ("caf\xe9\xa0paris 東京\u3000都 \u0645\u06cc\u200c\u062e ❤\ufe0f 👩\u200d💻",) * 2,
        ("\ud800", r"\ud800"),
    ],
)
def test_characters_that_nobody_sees(text: str, shown: str) -> None:
    assert show(text) == shown
    assert show(shown) == shown


# Signs of numbers and verses, which are drawn around what follows.
DRAWN = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2}
DRAWN |= {0x110BD, 0x110CD, *range(0x13430, 0x13440)}


def test_every_character_of_unicode() -> None:
    for code in set(range(sys.maxunicode + 1)) - DRAWN:
        char = chr(code)
        category = unicodedata.category(char)
        if category in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in "\u200c\u200d":
            assert show(char).startswith("\\"), hex(code)
        elif (category[0] in "NPS" or category == "Zs") and char != "\u2800":
            assert show(char) == char, hex(code)


def test_lines_stay_lines() -> None:
    assert show_lines("a\x1b\nb\r\n") == "a\\x1b\nb\\r\n"


def test_json_is_exact_and_cannot_command_the_terminal() -> None:
    text = "".join(map(chr, range(0x300))) + "\u202e\ud800\U000e0041"
    written = dump_json({text: [text]})
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written) == {text: [text]}
    assert dump_json({"a": "\x7f"}, indent=1) == '{\n "a": "\\u007f"\n}'
