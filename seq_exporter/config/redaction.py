"""Hides a secret in received text, also where a server spells it in another way."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any

# SendGrid's keys have 69 characters. A shorter secret, of a simulator or a proxy, may be part of a
# username.
_CHARACTERS_OF_LONG_SECRETS = 20
# A shorter piece of base64 or hexadecimal digits would be found in any text.
_CHARACTERS_OF_DIGITS = 10
# With one of these in it, a text may spell the secret in another way, or with `&#`.
_ESCAPES = ("\\", "%")
# Base64 has a second alphabet, for URLs.
_URL_SAFE = {"+": "[+-]", "/": "[/_]"}


class Redaction:
    r"""Replaces one secret by `***`.

    A server that echoes a request may write it as a URL (`%53`), in JSON (`\u0053`), in HTML
    (`&#83;`), in base64, in hexadecimal digits, in small letters, or broken into lines.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._is_long = len(secret) >= _CHARACTERS_OF_LONG_SECRETS
        self._digits = [text for text in _encode(secret) if len(text) >= _CHARACTERS_OF_DIGITS]
        # The beginning is enough to search the whole text; a longer one is found faster.
        safe = [text.replace("+", "-").replace("/", "_") for text in self._digits]
        self._beginnings = {text[:24].lower() for text in (secret, *self._digits, *safe)}

    @cached_property  # compiling it takes milliseconds, and few answers quote a key
    def _anywhere(self) -> re.Pattern[str]:
        spelled = [r"\s*".join(map(_spell, self._secret))]
        spelled += [
            r"\s*".join(_URL_SAFE.get(char, char) for char in text) for text in self._digits
        ]
        return re.compile("|".join(spelled), re.IGNORECASE)

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-]){re.escape(self._secret)}(?![\w-])")

    def hide_in_text(self, text: str) -> str:
        """Return a message without the secret."""
        return self._anywhere.sub("***", text)

    def is_needed(self, body: str) -> bool:
        """Whether the secret may be in the text of a body. Quick: a body may have megabytes."""
        searched = "".join(body.lower().split())
        if "&" in searched and "&#" in searched:  # one character is found 100 times as fast as two
            return True
        return any(mark in searched for mark in (*_ESCAPES, *self._beginnings))

    def is_needed_in(self, texts: Iterable[str], longest: int) -> bool:
        """Whether `hide_in_data` may change one of `texts`, which have up to `longest` characters.

        Nearly always, no text is as long as a key, and none has to be looked at.
        """
        if self._is_long and longest < len(self._secret):
            return False
        return self.is_needed("".join(texts))

    def hide_in_data(self, data: Any) -> Any:
        """Return parsed JSON without the secret in its texts.

        A short secret is replaced only where it is a word of its own.
        """
        if isinstance(data, str):
            if not self._is_long:
                return self._word.sub("***", data)
            return data if len(data) < len(self._secret) else self.hide_in_text(data)
        if isinstance(data, list):
            return [self.hide_in_data(item) for item in data]
        if isinstance(data, dict):
            return {self.hide_in_data(key): self.hide_in_data(item) for key, item in data.items()}
        return data


@lru_cache(maxsize=256)
def redaction_of(secret: str) -> Redaction:
    """Return the Redaction of `secret`: its expression takes milliseconds to compile."""
    return Redaction(secret)


def _spell(char: str) -> str:
    code, digits = f"{ord(char):02x}", str(ord(char))
    spellings = (f"%{code}", rf"\\u00{code}", rf"\\x{code}", f"&#0*{digits};", f"&#x0*{code};")
    return f"(?:{re.escape(char)}|{'|'.join(spellings)})"


def _encode(secret: str) -> Iterator[str]:
    """Yield what of `secret` is the same in every hexadecimal or base64 text that contains it."""
    data = secret.encode()
    yield data.hex()
    for before in range(3):  # base64 depends on how many bytes come before, modulo 3
        text = base64.b64encode(bytes(before) + data).decode()
        yield text[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
