"""Text from elsewhere, for people to read."""

from __future__ import annotations

import re

# Control characters (C0, C1), separators of lines, marks that change the direction of text, and
# halves of surrogate pairs, which UTF-8 cannot encode.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def show(text: str) -> str:
    r"""Return `text` with escapes in place of characters that nobody sees: `a\u202eb`.

    Such a character in a name could make it look like another name.
    """
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
