"""A secret in every spelling that a server may echo."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.config.redaction import Redaction
from tests.support import KEY

# Base64 of this one has `+` and `/` in it.
OTHER = "SG.~~~???>>>ooo~~~.a-b_c-d_e-f_g-h_i-j_k"

SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.lower,
    str.upper,
    urllib.parse.quote,
    lambda key: urllib.parse.quote(key).replace(".", "%2e").replace("-", "%2D"),
    lambda key: "".join(f"%{ord(char):02X}" for char in key),
    lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    lambda key: "".join(f"\\x{ord(char):02x}" for char in key),
    lambda key: "".join(f"&#{ord(char)};" for char in key),
    lambda key: "".join(f"&#x{ord(char):04X};" for char in key),
    lambda key: key.encode().hex(),
    lambda key: key.encode().hex(" "),
    lambda key: base64.b64encode(key.encode()).decode(),
    lambda key: base64.b64encode(f"u:{key}".encode()).decode(),
    lambda key: base64.urlsafe_b64encode(f"Bearer {key}\r\n".encode()).decode(),
    lambda key: base64.encodebytes(f"GET / HTTP/1.1\r\nAuthorization: {key}".encode()).decode(),
    lambda key: f"{key[:30]}\r\n\t{key[30:]}",
    lambda key: " ".join(key),
]


@pytest.mark.parametrize("key", [KEY, OTHER])
@pytest.mark.parametrize("spell", SPELLINGS)
def test_every_spelling_is_hidden(spell: Callable[[str], str], key: str) -> None:
    redaction = Redaction(key)
    echo = f"you sent {spell(key)}, which is wrong"
    shown = redaction.hide_in_text(echo)
    assert "***" in shown
    # Base64 of what surrounds the key may be left.
    assert len(shown) < 85
    letters = "".join(char for char in shown if char.isalnum())
    decoded = base64.b64decode(letters[: len(letters) // 4 * 4])
    for text in (shown, html.unescape(urllib.parse.unquote(shown)), decoded.decode("latin-1")):
        assert key[5:15].lower() not in text.lower()
    body = json.dumps({"result": [{"username": echo, echo: 1}]})
    assert redaction.is_needed(body)
    assert redaction.hide_in_data(json.loads(body)) == {"result": [{"username": shown, shown: 1}]}


@pytest.mark.parametrize("key", ["k", "sekrit", "a.b", "k-1"])
@pytest.mark.parametrize("spell", [str, str.upper, SPELLINGS[5], SPELLINGS[8], SPELLINGS[-1]])
def test_short_keys_are_hidden_in_messages(spell: Callable[[str], str], key: str) -> None:
    assert Redaction(key).hide_in_text(f"0 {spell(key)} 0") == "0 *** 0"


def test_a_short_key_is_hidden_in_data_where_it_is_a_word() -> None:
    data = ["shop", "shop-de", "a shop", "Shop", "workshop", "shop.", {"shop": ["shop:80"]}, 1]
    assert Redaction("shop").hide_in_data(data) == [
        "***",
        "shop-de",
        "a ***",
        "Shop",
        "workshop",
        "***.",
        {"***": ["***:80"]},
        1,
    ]


def test_ordinary_pages_are_not_searched() -> None:
    page = json.dumps({"result": [{"user_id": "1", "username": "shop & más", "score": 4.5}]})
    assert not Redaction(KEY).is_needed(page.replace("\\u00e1", "á"))


def test_texts_shorter_than_a_long_key_are_not_searched() -> None:
    assert not Redaction(KEY).is_needed_in(["a", "%"], longest=len(KEY) - 1)
    assert Redaction(KEY).is_needed_in(["a", "%"], longest=len(KEY))
    assert Redaction(KEY).is_needed_in(["a", KEY], longest=len(KEY))
    assert Redaction("sekrit").is_needed_in(["a", "sekrit"], longest=5)
    assert not Redaction("sekrit").is_needed_in(["a", "secret"], longest=6)


@given(text=st.text())
def test_other_text_stays(text: str) -> None:
    assert Redaction(KEY).hide_in_text(text) == text
