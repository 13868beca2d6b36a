"""The share of the work that one process of several does."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_FORM = re.compile(r"(\d{1,4})/(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Number `ordinal` (from 0) of `total` processes.

    A stable hash assigns each account or user to a shard. If a shard is added, about one in
    `total` + 1 of them moves to it, and none moves between the others.
    """

    ordinal: int = 0
    total: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Parse `0/3`, the first of three. Raises ValueError with `{value}` to be quoted in it."""
        match = _FORM.fullmatch(text)
        ordinal, total = (int(part) for part in match.groups()) if match else (0, 0)
        if ordinal >= total:
            raise ValueError(
                "{value} is not a shard: write I/N with I from 0 to N - 1, such as 0/3, 1/3 and 2/3"
            )
        return cls(ordinal, total)

    def owns(self, *names: str) -> bool:
        """Whether this shard owns an account (its name) or a user (the account's name, the id)."""
        return self.total == 1 or _jump(names, self.total) == self.ordinal


#: The shard of a process that does all the work.
WHOLE = Shard()


def _jump(names: tuple[str, ...], total: int) -> int:
    """Return the shard of `names`, from 0: the jump consistent hash of Lamping and Veach (2014)."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    key = int.from_bytes(digest)
    shard, following = -1, 0
    while following < total:
        shard = following
        key = (key * 2862933555777941757 + 1) % 2**64
        following = int((shard + 1) * (2**31 / ((key >> 33) + 1)))
    return shard
