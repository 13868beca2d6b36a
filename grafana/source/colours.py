"""Colours of scores, which people with red-green colour blindness can distinguish too."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

# From Okabe and Ito's palette, ordered by how much attention they need. They also differ in
# lightness, for people who see no colours.
BAD = "#D55E00"
POOR = "#E69F00"
FAIR = "#F0E442"
GOOD = "#56B4E9"
PLAIN = "#8E8E8E"

#: A score is 1 to 5; each step holds the lowest value with its colour.
SCORE_STEPS: tuple[tuple[float | None, str], ...] = ((None, BAD), (2, POOR), (3, FAIR), (4, GOOD))

# For rounded differences: -1.0 is bad, -0.5 is poor, and +0.5 is good.
CHANGE_STEPS: tuple[tuple[float | None, str], ...] = (
    (None, BAD),
    (-0.95, POOR),
    (-0.45, PLAIN),
    (0.45, GOOD),
)
#: A number above zero that should be zero.
FAULT_STEPS: tuple[tuple[float | None, str], ...] = ((None, GOOD), (0.001, BAD))
#: 1 is good, 0 is bad.
WELL_STEPS: tuple[tuple[float | None, str], ...] = ((None, BAD), (1, GOOD))
PLAIN_STEPS: tuple[tuple[float | None, str], ...] = ((None, PLAIN),)
# A day's scores, counted from its midnight, are 24 hours old when the day ends, and 48 or more when
# the next day's scores replace them. SendGrid does not document how many more.
AGE_STEPS: tuple[tuple[float | None, str], ...] = (
    (None, GOOD),
    (84 * 3600, POOR),
    (132 * 3600, BAD),
)

Steps = tuple[tuple[float | None, str], ...]


def thresholds(steps: Steps) -> ThresholdsConfig:
    """Return the steps in the form that a panel needs."""
    made = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def band_name(band: int) -> str:
    """Return the name of a band: the last one holds only 5."""
    return "5" if band == 5 else f"{band} to {band + 1}"
