"""A fleet of accounts and subusers with scores for any day, computed on request and not stored."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import NamedTuple

from seq_exporter.score import Score
from seq_exporter.simulator.events import HISTORY_DAYS, Course, Event, make_incident
from seq_exporter.simulator.incidents import INCIDENTS, Incident
from seq_exporter.simulator.kinds import DEFAULT, Kind
from seq_exporter.simulator.publication import hours_late
from seq_exporter.simulator.randomness import draw_numbers, draw_text
from seq_exporter.simulator.usernames import account_name, subuser_username
from seq_exporter.simulator.users import (
    GOOD_SENDERS,
    Lifecycle,
    SimulatedUser,
    exists,
    lifecycle_of,
)

# The user ids of an account are close together, with gaps: 51300482, its subusers a little above.
_IDS_PER_ACCOUNT = 50_000_000
_ID_GAP = 40
_MAX_SUBUSERS = 1_000_000


class ScorePage(NamedTuple):
    """Scores in ascending order of user_id, and whether more users follow the last of them."""

    scores: Sequence[Score]
    has_more: bool


class SimulatedAccount:
    """One account, its API key and its subusers; the first account of a fleet is `kettlewick`."""

    def __init__(
        self, seed: int, position: int, subusers: int, anchor: date, kind: Kind = DEFAULT
    ) -> None:
        self.name = account_name(position)
        self._seed = f"{seed}/{self.name}"
        secret = draw_text(22 + 43, self._seed, "api key")
        self.api_key = f"SG.{secret[:22]}.{secret[22:]}"
        self._position = position
        self._indexes = range(subusers)
        self._anchor = anchor
        self._kind = kind
        (number,) = draw_numbers(1, self._seed, "user_id")
        self._own_id = _IDS_PER_ACCOUNT * position + 1_000_000 + int(1_000_000 * number)
        #: The planned events in its history. To plan one takes a user, who has none yet.
        self.incidents: tuple[Incident, ...] = ()
        self.incidents = self._plan_incidents()
        #: The account as a user that sends mail itself.
        self.owner = self._make_owner()
        # Paging requests the same day many times, and each page needs the subusers of that day.
        self._existing_on = lru_cache(maxsize=2)(self._find_existing)

    def subusers_on(self, day: date) -> Sequence[Score]:
        """Return the scores of all subusers that exist on `day`, in ascending order of user_id."""
        return self.page_on(day, 0, len(self._indexes)).scores

    def page_on(self, day: date, after_id: int, limit: int) -> ScorePage:
        """Return the scores of the first `limit` subusers above `after_id`; compute no others.

        Subusers that are not eligible on `day` are included, without username and values.
        """
        existing = self._existing_on(day)
        start = bisect_right(existing, after_id, key=self._user_id_of)
        indexes = existing[start : start + limit]
        scores = [self._subuser(index).score_on(day) for index in indexes]
        return ScorePage(scores, has_more=start + limit < len(existing))

    def list_on(self, day: date, offset: int, limit: int) -> Sequence[SimulatedUser]:
        """Return up to `limit` subusers that exist on `day`, eligible or not, after `offset`."""
        return [self._subuser(index) for index in self._existing_on(day)[offset : offset + limit]]

    def find_username(self, username: str, day: date) -> SimulatedUser | None:
        """Return the subuser with that username, or None if it does not exist on `day`."""
        return self._find(self._index_by_username.get(username), day)

    def find_id(self, user_id: int, day: date) -> SimulatedUser | None:
        """Return the subuser with that user_id, or None if it does not exist on `day`."""
        index = bisect_left(self._indexes, user_id, key=self._user_id_of)
        is_known = index in self._indexes and self._user_id_of(index) == user_id
        return self._find(index if is_known else None, day)

    def _find(self, index: int | None, day: date) -> SimulatedUser | None:
        if index is None:
            return None
        subuser = self._subuser(index)
        return subuser if subuser.exists_on(day) else None

    def _plan_incidents(self) -> tuple[Incident, ...]:
        if self._kind.has_default_incidents:
            return tuple(each for each in INCIDENTS if each.account == self.name)
        return tuple(self._plan(event) for event in self._kind.events)

    def _plan(self, event: Event) -> Incident:
        hit = [self._subuser(index) for index in event.indexes if index in self._indexes]
        user = hit[0] if hit else self._make_owner()
        # What is low from before the history on is measured in its middle.
        days_ago = min(event.first, HISTORY_DAYS)
        if event.course is Course.LEVEL:
            days_ago = HISTORY_DAYS // 2
        day = self._anchor - timedelta(days=days_ago)
        names = [one.username for one in hit]
        return make_incident(event, self.name, names, user.levels_on(day), user.seed)

    def _make_owner(self) -> SimulatedUser:
        return SimulatedUser(
            user_id=self._own_id,
            username=self.name,
            email=f"postmaster@{self.name}.example",
            seed=self._seed,
            lifecycle=Lifecycle.STEADY,
            is_good_sender=True,
            anchor=self._anchor,
            incidents=tuple((each, each.own_share) for each in self.incidents),
            # An account sends enough mail every day, even if each of its subusers does not.
            kind=replace(self._kind, scored_days=7, every_other_day=False),
        )

    def _subuser(self, index: int) -> SimulatedUser:
        username = subuser_username(self._position, index)
        return SimulatedUser(
            user_id=self._user_id_of(index),
            username=username,
            email=f"{username}@{self.name}.example",
            seed=self._seed_of(index),
            lifecycle=lifecycle_of(index),
            is_good_sender=index < GOOD_SENDERS,
            anchor=self._anchor,
            incidents=tuple((each, 1.0) for each in self.incidents if each.hits(username)),
            kind=self._kind,
        )

    def _seed_of(self, index: int) -> str:
        return f"{self._seed}/{index}"

    def _user_id_of(self, index: int) -> int:
        """Return the user_id of the subuser at `index`; it rises with the index."""
        (number,) = draw_numbers(1, self._seed_of(index), "user_id")
        return self._own_id + _ID_GAP * (index + 1) + int(_ID_GAP * number)

    def _find_existing(self, day: date) -> Sequence[int]:
        days_ago = (self._anchor - day).days
        return [
            index
            for index in self._indexes
            if exists(lifecycle_of(index), self._seed_of(index), days_ago)
        ]

    @cached_property
    def _index_by_username(self) -> dict[str, int]:
        return {subuser_username(self._position, index): index for index in self._indexes}


class Fleet:
    """`accounts` accounts, each with `subusers` subusers, at most 1,000,000.

    `subusers` counts every subuser that exists on any day. The same arguments give the same fleet
    in every process. Incidents, and the days on which subusers are created and deleted, are dated
    from the day `anchor`, usually today. `kind` is how scores vary, and which incidents there are.
    Raises ValueError for a number out of range.
    """

    def __init__(
        self,
        seed: int = 1,
        accounts: int = 3,
        subusers: int = 40,
        *,
        anchor: date,
        kind: Kind = DEFAULT,
    ) -> None:
        if accounts < 1:
            raise ValueError(f"a fleet has at least 1 account, not {accounts}")
        if not 0 <= subusers <= _MAX_SUBUSERS:
            raise ValueError(f"an account has 0 to {_MAX_SUBUSERS} subusers, not {subusers}")
        self.accounts: Sequence[SimulatedAccount] = tuple(
            SimulatedAccount(seed, position, subusers, anchor, kind) for position in range(accounts)
        )
        self._seed = seed
        self._kind = kind

    def hours_late(self, day: date) -> float:
        """Return how many hours later than usual SendGrid publishes the scores of `day`."""
        return hours_late(self._kind, self._seed, day)


#: The first line of a configuration for the simulator.
CONFIG_MARK = "# Accounts of a simulated SendGrid."


def render_config(fleet: Fleet, base_url: str) -> str:
    """Return YAML that makes the exporter poll every account of `fleet` at `base_url`.

    # Accounts of a simulated SendGrid.
    accounts:
      - name: kettlewick
        api_key: SG....
        base_url: "http://127.0.0.1:8080"
    """
    # Every JSON string is a YAML string too, whatever it contains; names and keys need no quotes.
    return f"{CONFIG_MARK}\naccounts:\n" + "".join(
        f"  - name: {account.name}\n"
        f"    api_key: {account.api_key}\n"
        f"    base_url: {json.dumps(base_url)}\n"
        for account in fleet.accounts
    )
