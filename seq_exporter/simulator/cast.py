"""Which part a subuser plays: whether it is there, and whether it sends enough to be rated."""

from __future__ import annotations

from datetime import date
from enum import Enum

from seq_exporter.simulator.chance import draw

#: So many subusers of an account, the first ones, are always there, rated and well run, so that
#: incidents have somebody to happen to.
WELL_RUN = 10

# A newcomer has to send for some days before it is rated.
_DAYS_UNTIL_RATED = 7


class Role(Enum):
    """What becomes of a subuser in the 90 days that SendGrid remembers."""

    STEADY = "always there and rated"
    NEWCOMER = "created on some day"
    LEAVER = "deleted on some day"
    SEASONAL = "rated for some weeks, then not for as many"
    QUIET = "never rated: it sends too little"


# By place and not by chance, so that a small fleet has each of them too.
_ROLES_OF_25 = {
    11: Role.NEWCOMER,
    14: Role.SEASONAL,
    17: Role.QUIET,
    20: Role.LEAVER,
    23: Role.SEASONAL,
}


def role_of(index: int) -> Role:
    """Return the role of an account's subuser at `index`: 8 in 100 have no score on any day."""
    if index < WELL_RUN:
        return Role.STEADY
    return _ROLES_OF_25.get(index % 25, Role.STEADY)


def is_there(role: Role, sender: str, days_ago: int) -> bool:
    """Whether the subuser exists so many days before the fleet's anchor day."""
    if role is Role.NEWCOMER:
        return days_ago <= _turning_point(sender)
    if role is Role.LEAVER:
        return days_ago > _turning_point(sender)
    return True


def is_rated(role: Role, sender: str, day: date, days_ago: int) -> bool:
    """Whether the subuser, if it exists, is eligible for a score on `day`."""
    if role is Role.SEASONAL:
        length, phase = draw(2, sender, "season")
        return (day.toordinal() / (50 + 50 * length) + phase) % 1 < 0.5
    if role is Role.NEWCOMER:
        return days_ago <= _turning_point(sender) - _DAYS_UNTIL_RATED
    return role is not Role.QUIET


def _turning_point(sender: str) -> int:
    """Return on which day, 10 to 79 before the anchor day, a subuser is created or deleted."""
    (chance,) = draw(1, sender, "turning point")
    return 10 + int(70 * chance)
