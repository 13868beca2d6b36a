"""Chance that is the same in every process: each number follows from what it is drawn for."""

from __future__ import annotations

import base64
import struct
from hashlib import shake_128


def draw(count: int, *what: object) -> tuple[float, ...]:
    """Return `count` numbers in [0, 1), always the same ones for the same `what`.

    Any day of any subuser can be asked for at once: nothing is drawn in sequence.
    """
    digest = shake_128(_seed(what)).digest(2 * count)
    return tuple(number / 65536 for number in struct.unpack(f"<{count}H", digest))


def draw_text(length: int, *what: object) -> str:
    """Return `length` characters of [A-Za-z0-9_-], always the same ones for the same `what`."""
    digest = shake_128(_seed(what)).digest(length)
    return base64.urlsafe_b64encode(digest).decode()[:length]


def _seed(what: tuple[object, ...]) -> bytes:
    return "/".join(map(str, what)).encode()
