"""API keys: where they come from, and how they are kept out of every output."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq_exporter.config.redaction import redaction_of
from seq_exporter.errors import KeyUnavailable
from seq_exporter.threads import READ_SECONDS, read_file

# SendGrid's keys are `SG.` and two more parts. Messages that quote a user's text hide everything
# that looks like the beginning of a key, because keys get pasted into the wrong place.
_KEY_SHAPE = re.compile(r"SG\.[\w.-]{5,}")

# A key has 69 characters. A device that never ends would fill the memory.
_MOST_BYTES = 2**16

#: What a slow hash costs: with this `n` of scrypt about 50 ms and 16 MiB. Only tests choose less.
HASH_COST = 2**14

# How shells, Python, Windows and templates write variables.
_PLACEHOLDER = re.compile(
    r"\$[A-Za-z_]\w*|\$\(\w+\)|\$\{[^}]*\}|\$env:\w+|%[A-Za-z_]\w*%|%\(\w+\)s?|\{\{.*\}\}"
)
# A line of an environment file, or of YAML. `=` at the end is padding, which a token may have.
_ASSIGNMENT = re.compile(r"(?:export\s+)?[A-Za-z_]\w*\s*(?:=\s*[\"']?[^=\s\"']|:\s*[\"']?SG\.)")


def hide_keys(text: str) -> str:
    """Return `text` with everything that has the shape of a SendGrid key replaced by `***`."""
    return _KEY_SHAPE.sub("***", text)


def is_placeholder(text: str) -> bool:
    """Whether `text` is a variable as another program would replace it: `$KEY`, `%(key)s`."""
    return bool(_PLACEHOLDER.fullmatch(text.strip()))


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Text that is printed as `***` everywhere; only `reveal` returns it."""

    _text: str

    def reveal(self) -> str:
        """Return the text itself, for the one header that needs it."""
        return self._text

    def hide_in(self, text: str) -> str:
        """Return a message of a library or of SendGrid, with this secret replaced by `***`.

        Call it before the message is cut: half a key would no longer be found.
        """
        return hide_keys(redaction_of(self._text).hide_in_text(text))

    def hide_in_data(self, data: Any, text: str) -> Any:
        """Return JSON, parsed from `text`, with this secret in its texts replaced by `***`.

        A short one may be part of a username: it is replaced only where it is a word of its own.
        """
        redaction = redaction_of(self._text)
        return redaction.hide_in_data(data) if redaction.is_needed(text) else data

    def may_be_in(self, texts: Iterable[str], longest: int) -> bool:
        """Whether this secret may be in one of `texts`, which have up to `longest` characters."""
        return redaction_of(self._text).is_needed_in(texts, longest)

    def __repr__(self) -> str:
        return "***"


def parse_key(text: str) -> Secret:
    """Return the API key in `text`, without the white space and the one pair of quotes around it.

    A byte order mark, which editors put at the beginning of a file, is no part of the key either.
    Raises ValueError, with a message that does not quote the text, if the rest is not a key.
    Anything else that a header cannot carry is more than a slip in pasting: the key that is meant
    is not guessed.
    """
    key = text.strip().removeprefix("\ufeff").strip()
    if len(key) > 1 and key[0] == key[-1] and key[0] in "\"'":
        key = key[1:-1].strip()
    if not key:
        raise ValueError("is empty: put the API key there")
    if is_placeholder(key):
        raise ValueError(
            "holds a variable instead of an API key: "
            "write ${NAME} as api_key in the configuration file, or put the key there"
        )
    if _ASSIGNMENT.match(key):
        raise ValueError(
            "has a name before the API key: "
            "put the key there alone, or write ${NAME} as api_key in the configuration file"
        )
    if key.lower().startswith("bearer "):
        raise ValueError("begins with 'Bearer': write the API key alone")
    if any(char.isspace() for char in key):
        raise ValueError("has white space inside the API key: paste the key again, on one line")
    if '"' in key or "'" in key:
        raise ValueError("has a quotation mark inside the API key: paste the key again, alone")
    if not key.isascii() or not key.isprintable():
        raise ValueError("has a character that API keys never contain: paste the key again")
    return Secret(key)


def fingerprint(key: Secret, about: object, salt: str, cost: int = HASH_COST) -> bytes:
    """Return 64 bytes that nobody can compute without the key; `about` is hashed as its repr.

    One half may be public while the other half is used as a secret.
    """
    return hash_slowly(f"{key.reveal()}\n{about!r}", salt, cost)


def hash_slowly(text: str, salt: str, cost: int = HASH_COST) -> bytes:
    """Return 64 bytes for a text that holds a secret; `cost` is a power of two.

    Slow, because files hold a part of the result, and a secret may be guessable where a test or a
    proxy issued it.
    """
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=cost, r=8, p=1, dklen=64)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An account's key: `source` is the key itself, or the file that holds it."""

    source: Secret | Path

    def read(self, seconds: float = READ_SECONDS) -> Secret:
        """Return the key. A file is read each time: a new key works without a restart.

        Raises KeyUnavailable, also if the file takes longer than `seconds`.
        """
        if isinstance(self.source, Secret):
            return self.source
        name = f"the key file '{self.source}'"
        try:
            return parse_key(read_file(self.source, seconds, _MOST_BYTES).decode())
        except OSError as err:
            if err.errno == errno.EFBIG:
                raise KeyUnavailable(
                    f"{name} is larger than 64 KiB: put the API key there alone"
                ) from None
            raise KeyUnavailable(
                f"cannot read {name}: {err.strerror}: put the key there, and let this user read it"
            ) from err
        except UnicodeError:
            # Not `from err`: a decoding error contains the bytes of the file.
            raise KeyUnavailable(f"{name} is not UTF-8 text: put the API key there alone") from None
        except ValueError as err:
            raise KeyUnavailable(f"{name} {err}") from None
