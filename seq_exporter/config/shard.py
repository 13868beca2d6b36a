"""One process among several: what is its own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_FORM = re.compile(r"(\d{1,4})/(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Shard:
    """The part `ordinal`, from 0, of `total`.

    What is whose is decided by a stable hash. With one part more, about one in `total` + 1 of all
    moves there, and nothing moves between the others.
    """

    ordinal: int = 0
    total: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `0/3`: the first of three. Raises ValueError."""
        match = _FORM.fullmatch(text)
        ordinal, total = (int(part) for part in match.groups()) if match else (0, 0)
        if ordinal >= total:
            raise ValueError(
                "{value} is no shard: write I/N with I from 0 to N - 1; 0/3, 1/3 and 2/3 are three"
            )
        return cls(ordinal, total)

    def owns(self, *names: str) -> bool:
        """Whether what goes by these names is this shard's: an account, or one's user."""
        return self.total == 1 or _jump(names, self.total) == self.ordinal


#: The part of a process that shares its work with no other.
WHOLE = Shard()


def _jump(names: tuple[str, ...], total: int) -> int:
    """Return the shard of `names`, from 0: Lamping and Veach's jump consistent hash (2014)."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    key = int.from_bytes(digest)
    shard, following = -1, 0
    while following < total:
        shard = following
        key = (key * 2862933555777941757 + 1) % 2**64
        following = int((shard + 1) * (2**31 / ((key >> 33) + 1)))
    return shard
