"""Random draws that are the same in every process: each follows from its seed alone."""

from __future__ import annotations

import base64
import struct
from hashlib import shake_128


def draw_numbers(count: int, *seed: object) -> tuple[float, ...]:
    """Return `count` numbers in [0, 1), always the same ones for the same `seed`.

    No draw depends on an earlier one, so scores of any day and subuser can be computed directly.
    """
    digest = shake_128(_encode(seed)).digest(2 * count)
    return tuple(number / 65536 for number in struct.unpack(f"<{count}H", digest))


def draw_text(length: int, *seed: object) -> str:
    """Return `length` characters of [A-Za-z0-9_-], always the same ones for the same `seed`."""
    digest = shake_128(_encode(seed)).digest(length)
    return base64.urlsafe_b64encode(digest).decode()[:length]


def _encode(seed: tuple[object, ...]) -> bytes:
    return "/".join(map(str, seed)).encode()
