"""A page of a list of users, and the way from one page to the next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from seq_exporter.score import Score

_Users = TypeVar("_Users")
_Position = TypeVar("_Position", str | None, int)


@dataclass(frozen=True, slots=True)
class Page(Generic[_Users, _Position]):
    """One page of a list of users, and where the next page begins; None if there is none.

    `user_ids` are those that could be read; `has_unreadable` is True if others could not.
    `is_repeated`, which `SendGrid` sets, is True if one of `user_ids` was on an earlier page of the
    same reading, or is in them twice.
    """

    users: _Users
    user_ids: Collection[str]
    has_unreadable: bool
    following: _Position
    is_repeated: bool = False


#: A page of the scores of a day; `following` is the cursor.
ScoresPage = Page[Sequence[Score], str | None]
#: A page of usernames by user_id; `following` is the offset.
UsernamesPage = Page[Mapping[str, str], int]


#: No text of a decoded page is longer: a page with a longer one is parsed item by item. SendGrid's
#: keys have 69 characters, so that no such text can hold one.
LONGEST_TEXT = 64


class Decoded(NamedTuple):
    """A page that is exactly as documented, and every text in it: one could quote a short key."""

    page: Page[Any, Any]
    texts: Sequence[str]


#: Decodes a body, as text or as ASCII bytes; returns None if it is not exactly as documented.
Decode = Callable[[str | bytes], Decoded | None]


def decode_nothing(position: object, body: str | bytes) -> Decoded | None:
    """Decode no page, so that its items are parsed one by one."""
    return None
