"""Escapes for characters that nobody sees, in text and JSON that a person reads."""

from __future__ import annotations

import json
import re
from typing import Any

# Control characters (C0, C1), halves of surrogate pairs, which UTF-8 cannot encode, separators of
# lines, marks that change the direction of text, and what has neither ink nor width: fillers and
# tags. Spaces, joiners and variation selectors stay: names are written with them. All are listed,
# because the answers of `unicodedata` differ between versions of Python.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)


def show(text: str) -> str:
    r"""Return `text` with escapes in place of characters that nobody sees: `a\u202eb`.

    Such a character could command the terminal, or make a name look like another name.
    """
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def show_lines(text: str) -> str:
    """Return `text` as `show` does, except that its line breaks stay."""
    return "\n".join(map(show, text.split("\n")))


def dump_json(data: object, **options: Any) -> str:
    r"""Return exact JSON in ASCII without control characters, except the line breaks of `indent`.

    `json.dumps` leaves DEL as it is, which a terminal does not show; JSON may write it `\u007f`.
    """
    return json.dumps(data, **options).replace("\x7f", "\\u007f")
