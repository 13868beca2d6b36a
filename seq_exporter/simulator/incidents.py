"""Incidents: the planned events in the fleet's history; everything else in it is random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase


class Shape(Enum):
    """How an incident's strength changes from its first day to its last."""

    SUDDEN = "full strength from the first day to the last"
    DECLINE = "rises from nothing to full strength, slowly at first"
    SLOPE = "rises evenly from nothing to full strength, and stays there"
    RECOVERY = "falls evenly from full strength to nothing"
    SILENCE = "no score: too little mail is sent to be eligible"


@dataclass(frozen=True, slots=True)
class Incident:
    """An event that lowers the scores of some `subusers` (usernames or globs) of `account`.

    `first` and `last` count days before the fleet's anchor day; a negative number is a day after
    it. `drops` are the points that each metric loses at full strength, `heals_in` is the number of
    days after `last` until they are back, and `own_share` is the part (0..1) of the drops that
    applies to the account's own score.
    """

    description: str
    account: str
    subusers: tuple[str, ...]
    first: int
    last: int
    shape: Shape = Shape.SUDDEN
    drops: Mapping[str, float] = field(default_factory=dict)
    heals_in: int = 0
    own_share: float = 0.0

    def hits(self, username: str) -> bool:
        """Return whether the incident affects the subuser `username`."""
        return any(fnmatchcase(username, glob) for glob in self.subusers)

    def strength_on(self, days_ago: int) -> float:
        """Return the strength, 0..1, of the incident `days_ago` days before the anchor day."""
        if days_ago > self.first:
            return 0.0
        if days_ago < self.last:
            if self.shape is Shape.SLOPE:
                return 1.0
            ends_badly = self.shape in (Shape.SUDDEN, Shape.DECLINE)
            return max(0.0, 1 - (self.last - days_ago) / (self.heals_in + 1)) * ends_badly
        progress = (self.first - days_ago) / max(self.first - self.last, 1)
        if self.shape is Shape.SLOPE:
            return progress
        if self.shape is Shape.DECLINE:
            return progress**2
        return 1 - progress if self.shape is Shape.RECOVERY else 1.0


#: Every incident, the oldest first. Where `last` is negative, the incident continues today.
INCIDENTS = (
    Incident(
        "The winter sale was mailed to people who had opted out; since then only members get mail.",
        account="kettlewick",
        subusers=("loyalty-es",),
        first=88,
        last=35,
        shape=Shape.RECOVERY,
        drops={"spam_rate": 3.2, "engagement_recency": 1.4},
        own_share=0.1,
    ),
    Incident(
        "Between two projects, the company itself sent almost no mail.",
        account="tallyfern",
        subusers=(),
        first=76,
        last=63,
        shape=Shape.SILENCE,
        own_share=1.0,
    ),
    Incident(
        "A hotel bought another hotel's visitor list and mailed it: one in three messages bounced.",
        account="postmill",
        subusers=("hotel-truro",),
        first=60,
        last=52,
        drops={"bounce_rate": 3.4, "spam_rate": 1.0},
        heals_in=12,
        own_share=0.1,
    ),
    Incident(
        "Addresses scraped for a webinar were spam traps: a week of blocks and complaints.",
        account="tallyfern",
        subusers=("webinars-uk",),
        first=47,
        last=41,
        drops={"bounce_classification": 3.3, "spam_rate": 2.8},
        heals_in=9,
        own_share=0.15,
    ),
    Incident(
        "Trial users who left stay on the list; fewer and fewer recipients read the mail.",
        account="tallyfern",
        subusers=("onboarding-eu",),
        first=44,
        last=-2,
        shape=Shape.DECLINE,
        drops={"engagement_recency": 3.6, "open_rate": 3.6, "spam_rate": 3.0},
        heals_in=30,
        own_share=0.2,
    ),
    Incident(
        "A list of competition entrants was bought and imported: the mailboxes do not exist.",
        account="kettlewick",
        subusers=("newsletter-uk",),
        first=25,
        last=16,
        drops={"bounce_rate": 3.4, "engagement_recency": 0.8},
        heals_in=7,
        own_share=0.2,
    ),
    Incident(
        "The clearance sale was mailed to every address collected since the shop opened.",
        account="kettlewick",
        subusers=("shop-de",),
        first=4,
        last=-10,
        drops={"engagement_recency": 3.4, "open_rate": 1.0},
        heals_in=20,
        own_share=0.3,
    ),
    Incident(
        "One client's phishing put the shared IP pool on a blocklist: mail of every client that"
        " sends from it is rejected.",
        account="postmill",
        subusers=("bakery-*", "florist-*", "gym-*", "brewery-*"),
        first=3,
        last=-3,
        drops={"bounce_classification": 3.4, "open_rate": 0.6},
        heals_in=5,
        own_share=1.0,
    ),
    Incident(
        "The shop's own mail now asks for reviews; this subuser sends almost no mail any more.",
        account="kettlewick",
        subusers=("reviews-at",),
        first=2,
        last=-60,
        shape=Shape.SILENCE,
    ),
)
