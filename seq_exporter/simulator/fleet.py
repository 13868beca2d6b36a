"""A fleet of accounts and subusers whose scores have a history: for any day, without storing it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from functools import cached_property, lru_cache
from typing import NamedTuple

from seq_exporter.scores import Score
from seq_exporter.simulator.cast import WELL_RUN, Role, is_there, role_of
from seq_exporter.simulator.chance import draw, draw_text
from seq_exporter.simulator.incidents import INCIDENTS
from seq_exporter.simulator.names import account_name, username_of
from seq_exporter.simulator.users import SimulatedUser

# The ids of one account lie together, with gaps: user 51300482, its subusers a little above.
_IDS_PER_ACCOUNT = 50_000_000
_ID_GAP = 40
_MAX_SUBUSERS = 1_000_000


class ScorePage(NamedTuple):
    """Scores in ascending order of user_id, and whether more users come after the last of them."""

    scores: Sequence[Score]
    has_more: bool


class SimulatedAccount:
    """One account, its API key and its subusers; the first account of a fleet is `kettlewick`.

    `user_id` is a number written as text, as SendGrid writes it beside scores.
    """

    def __init__(self, seed: int, position: int, subusers: int, anchor: date) -> None:
        self.name = account_name(position)
        self.username = self.name
        self._sender = f"{seed}/{self.name}"
        secret = draw_text(22 + 43, self._sender, "api key")
        self.api_key = f"SG.{secret[:22]}.{secret[22:]}"
        self._position = position
        self._indexes = range(subusers)
        self._anchor = anchor
        self._incidents = tuple(each for each in INCIDENTS if each.account == self.name)
        #: The account as a user that sends mail itself.
        self.owner = self._make_owner()
        self.user_id = str(self.owner.user_id)
        # Paging asks for one day many times over, and needs to know who was there.
        self._present_on = lru_cache(maxsize=2)(self._find_present)

    def own_score_on(self, day: date) -> Score:
        """Return the account's own score; without username and values if it is not eligible."""
        return self.owner.score_on(day)

    def subusers_on(self, day: date) -> Sequence[Score]:
        """Return the scores of all subusers that exist on `day`, in ascending order of user_id."""
        return self.page_on(day, 0, len(self._indexes)).scores

    def page_on(self, day: date, after_id: int, limit: int) -> ScorePage:
        """Return the scores of the first `limit` subusers above `after_id`; it computes no others.

        Those who are not eligible on `day` are among them, without username and values.
        """
        present = self._present_on(day)
        start = bisect_right(present, after_id, key=self._user_id_of)
        indexes = present[start : start + limit]
        scores = [self._subuser(index).score_on(day) for index in indexes]
        return ScorePage(scores, has_more=start + limit < len(present))

    def list_on(self, day: date, offset: int, limit: int) -> Sequence[SimulatedUser]:
        """Return up to `limit` subusers that exist on `day`, eligible or not, after `offset`."""
        return [self._subuser(index) for index in self._present_on(day)[offset : offset + limit]]

    def find_username(self, username: str, day: date) -> SimulatedUser | None:
        """Return the subuser of that name, or None if there is none on `day`."""
        return self._find(self._index_by_username.get(username), day)

    def find_id(self, user_id: int, day: date) -> SimulatedUser | None:
        """Return the subuser of that id, or None if there is none on `day`."""
        index = bisect_left(self._indexes, user_id, key=self._user_id_of)
        is_known = index in self._indexes and self._user_id_of(index) == user_id
        return self._find(index if is_known else None, day)

    def _find(self, index: int | None, day: date) -> SimulatedUser | None:
        if index is None:
            return None
        subuser = self._subuser(index)
        return subuser if subuser.is_there_on(day) else None

    def _make_owner(self) -> SimulatedUser:
        (chance,) = draw(1, self._sender, "user_id")
        return SimulatedUser(
            user_id=_IDS_PER_ACCOUNT * self._position + 1_000_000 + int(1_000_000 * chance),
            username=self.username,
            email=f"postmaster@{self.name}.example",
            sender=self._sender,
            role=Role.STEADY,
            is_well_run=True,
            anchor=self._anchor,
            incidents=tuple((each, each.own_share) for each in self._incidents),
        )

    def _subuser(self, index: int) -> SimulatedUser:
        username = username_of(self._position, index)
        return SimulatedUser(
            user_id=self._user_id_of(index),
            username=username,
            email=f"{username}@{self.name}.example",
            sender=self._sender_of(index),
            role=role_of(index),
            is_well_run=index < WELL_RUN,
            anchor=self._anchor,
            incidents=tuple((each, 1.0) for each in self._incidents if each.hits(username)),
        )

    def _sender_of(self, index: int) -> str:
        return f"{self._sender}/{index}"

    def _user_id_of(self, index: int) -> int:
        """Return the user_id of the subuser at `index`; it rises with the index."""
        (chance,) = draw(1, self._sender_of(index), "user_id")
        return self.owner.user_id + _ID_GAP * (index + 1) + int(_ID_GAP * chance)

    def _find_present(self, day: date) -> Sequence[int]:
        days_ago = (self._anchor - day).days
        return [
            index
            for index in self._indexes
            if is_there(role_of(index), self._sender_of(index), days_ago)
        ]

    @cached_property
    def _index_by_username(self) -> dict[str, int]:
        return {username_of(self._position, index): index for index in self._indexes}


class Fleet:
    """`accounts` accounts with `subusers` subuser identities each, up to 1,000,000.

    The same arguments give the same fleet in every process. Incidents, newcomers and leavers are
    dated from the day `anchor`, usually today. Raises ValueError for numbers that make no fleet.
    """

    def __init__(
        self, seed: int = 1, accounts: int = 3, subusers: int = 40, *, anchor: date
    ) -> None:
        if accounts < 1:
            raise ValueError(f"a fleet has at least 1 account, not {accounts}")
        if not 0 <= subusers <= _MAX_SUBUSERS:
            raise ValueError(f"an account has 0 to {_MAX_SUBUSERS} subusers, not {subusers}")
        self.accounts: Sequence[SimulatedAccount] = tuple(
            SimulatedAccount(seed, position, subusers, anchor) for position in range(accounts)
        )
