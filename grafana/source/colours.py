"""Colours of scores, which people with red-green colour blindness can distinguish too.

The first step of each scale is transparent: Grafana paints what has no value with it.

Grafana writes on a solid colour in white or in black, as its brightness is, and on a tint (an
opacity under 0.3) as on the page. So cells and numbers with text are solid only in `BAD`, whose
contrast with white is 4.9, and otherwise tinted.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

NONE = "transparent"

# From Okabe and Ito's palette, ordered by how much attention they need; the worst is darker than
# theirs. They also differ in lightness, for people who see no colours.
BAD = "#B84A00"
POOR = "#E69F00"
FAIR = "#F0E442"
GOOD = "#56B4E9"

_POOR_TINT = "rgba(230, 159, 0, 0.28)"
_GOOD_TINT = "rgba(86, 180, 233, 0.28)"

Steps = tuple[tuple[float | None, str], ...]

#: A score is 1 to 5; each step holds the lowest value with its colour.
SCORE_STEPS: Steps = ((None, NONE), (1, BAD), (2, POOR), (3, FAIR), (4, GOOD))

# With text on them, only what needs help has a colour.
SCORE_CELLS: Steps = ((None, NONE), (1, BAD), (2, _POOR_TINT), (3, NONE))
#: For rounded differences: -1.0 is bad, -0.5 is poor, and +0.5 is good.
CHANGE_CELLS: Steps = (
    (None, NONE),
    (-4, BAD),
    (-0.95, _POOR_TINT),
    (-0.45, NONE),
    (0.45, _GOOD_TINT),
)
#: A number above zero that should be zero.
FAULT_CELLS: Steps = ((None, NONE), (0, NONE), (0.001, BAD))
#: 1 is good, 0 is bad.
WELL_CELLS: Steps = ((None, NONE), (0, BAD), (1, NONE))
#: The severity of an alert: 1 is info, 2 is warning, 3 is critical.
SEVERITY_CELLS: Steps = ((None, NONE), (1, NONE), (2, _POOR_TINT), (3, BAD))
# In days. A day's scores, counted from its midnight, are one day old when the day ends, and two or
# more when the next day's scores replace them. SendGrid does not document how many more.
AGE_CELLS: Steps = ((None, NONE), (0, NONE), (3.5, _POOR_TINT), (5.5, BAD))
PLAIN_STEPS: Steps = ((None, NONE),)
#: What is neither good nor bad.
NEUTRAL = "#8E8E8E"
#: Kinds of failures, told apart: neither green nor blue, which look like success.
FAILURES = (
    "dark-orange",
    "purple",
    "yellow",
    "red",
    "super-light-orange",
    "dark-purple",
    "super-light-red",
    "orange",
    "dark-red",
    "light-purple",
    "dark-yellow",
    "light-red",
    NEUTRAL,
)
#: Bars and lines without a meaning of their own.
BAR_STEPS: Steps = ((None, NONE), (0, GOOD))


def thresholds(steps: Steps) -> ThresholdsConfig:
    """Return the steps in the form that a panel needs."""
    made = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def band_name(band: int) -> str:
    """Return the name of a band: the last one holds only 5."""
    return "5" if band == 5 else f"{band} to {band + 1}"
