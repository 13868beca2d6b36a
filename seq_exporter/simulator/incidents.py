"""What happened to whom, and on which days: the part of the fleet's history that is no chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase


class Shape(Enum):
    """How an incident's strength goes from its first day to its last."""

    SUDDEN = "all of it at once, to the last day"
    DECLINE = "from nothing to all of it, slowly at first"
    RECOVERY = "from all of it to nothing, evenly"
    SILENCE = "no scores at all: too little mail is sent to be rated"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened in `account` to the `subusers` (usernames or globs on them).

    `first` and `last` count days before the fleet's anchor day; negative ones lie after it.
    `drops` are the points that each metric loses at full strength, `heals_in` the days after
    `last` in which they come back, `own_share` the part (0..1) that hits the account's own score.
    """

    story: str
    account: str
    subusers: tuple[str, ...]
    first: int
    last: int
    shape: Shape
    drops: Mapping[str, float] = field(default_factory=dict)
    heals_in: int = 0
    own_share: float = 0.0

    def hits(self, username: str) -> bool:
        """Whether the subuser `username` is among those that it happened to."""
        return any(fnmatchcase(username, glob) for glob in self.subusers)

    def strength_on(self, days_ago: int) -> float:
        """Return how much of the incident, 0..1, is felt so many days before the anchor day."""
        if days_ago > self.first:
            return 0.0
        if days_ago < self.last:
            ends_badly = self.shape in (Shape.SUDDEN, Shape.DECLINE)
            return max(0.0, 1 - (self.last - days_ago) / (self.heals_in + 1)) * ends_badly
        progress = (self.first - days_ago) / max(self.first - self.last, 1)
        if self.shape is Shape.DECLINE:
            return progress**2
        return 1 - progress if self.shape is Shape.RECOVERY else 1.0


#: Every incident, those long ago first. Those whose `last` is negative go on today.
INCIDENTS = (
    Incident(
        "The winter sale had gone to people who opted out; since then only members get mail.",
        account="kettlewick",
        subusers=("loyalty-es",),
        first=88,
        last=35,
        shape=Shape.RECOVERY,
        drops={"spam_rate": 3.2, "engagement_recency": 1.4},
        own_share=0.1,
    ),
    Incident(
        "Between two projects the company itself sent next to nothing.",
        account="tallyfern",
        subusers=(),
        first=76,
        last=63,
        shape=Shape.SILENCE,
        own_share=1.0,
    ),
    Incident(
        "A hotel mailed the visitor list of another one, which it had bought: every third bounced.",
        account="postmill",
        subusers=("hotel-truro",),
        first=60,
        last=52,
        shape=Shape.SUDDEN,
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
        shape=Shape.SUDDEN,
        drops={"bounce_classification": 3.3, "spam_rate": 2.8},
        heals_in=9,
        own_share=0.15,
    ),
    Incident(
        "Nobody has removed the trial users who left; ever fewer of the recipients read anything.",
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
        "A competition's entrants were bought and imported: the mailboxes do not exist.",
        account="kettlewick",
        subusers=("newsletter-uk",),
        first=25,
        last=16,
        shape=Shape.SUDDEN,
        drops={"bounce_rate": 3.4, "engagement_recency": 0.8},
        heals_in=7,
        own_share=0.2,
    ),
    Incident(
        "The clearance sale was blasted to every address since the shop opened.",
        account="kettlewick",
        subusers=("shop-de",),
        first=4,
        last=-10,
        shape=Shape.SUDDEN,
        drops={"engagement_recency": 3.4, "open_rate": 1.0},
        heals_in=20,
        own_share=0.3,
    ),
    Incident(
        "One client's phishing had the shared IP pool put on a blocklist: all who send from it"
        " are turned away.",
        account="postmill",
        subusers=("bakery-*", "florist-*", "gym-*", "brewery-*"),
        first=3,
        last=-3,
        shape=Shape.SUDDEN,
        drops={"bounce_classification": 3.4, "open_rate": 0.6},
        heals_in=5,
        own_share=1.0,
    ),
    Incident(
        "Reviews are asked for in the shop's own mail now; this subuser hardly sends any more.",
        account="kettlewick",
        subusers=("reviews-at",),
        first=2,
        last=-60,
        shape=Shape.SILENCE,
    ),
)
