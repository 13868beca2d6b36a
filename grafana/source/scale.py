"""What scores look like: colours that those who tell red and green apart badly tell apart too."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

# Of Okabe and Ito's palette, from the one that asks for attention to the one that does not. Their
# lightness differs as well, for those who see no colours.
BAD = "#D55E00"
POOR = "#E69F00"
FAIR = "#F0E442"
GOOD = "#56B4E9"
PLAIN = "#8E8E8E"

#: A score is 1 to 5; each step is the lowest value that has its colour.
SCORE_STEPS: tuple[tuple[float | None, str], ...] = ((None, BAD), (2, POOR), (3, FAIR), (4, GOOD))

# Of rounded differences: -1.0 is bad, -0.5 is poor, and +0.5 is good.
CHANGE_STEPS: tuple[tuple[float | None, str], ...] = (
    (None, BAD),
    (-0.95, POOR),
    (-0.45, PLAIN),
    (0.45, GOOD),
)
#: A number above zero that should be zero.
FAULT_STEPS: tuple[tuple[float | None, str], ...] = ((None, GOOD), (0.001, BAD))
#: 1 is well, 0 is not.
WELL_STEPS: tuple[tuple[float | None, str], ...] = ((None, BAD), (1, GOOD))
PLAIN_STEPS: tuple[tuple[float | None, str], ...] = ((None, PLAIN),)
# A day's scores, counted from its midnight, are 24 hours old when the day ends, and 48 or more
# when those of the next day replace them: how many more, SendGrid does not say.
AGE_STEPS: tuple[tuple[float | None, str], ...] = (
    (None, GOOD),
    (84 * 3600, POOR),
    (132 * 3600, BAD),
)

Steps = tuple[tuple[float | None, str], ...]


def thresholds(steps: Steps) -> ThresholdsConfig:
    """Return the steps as a panel takes them."""
    made = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def band_name(band: int) -> str:
    """Return what a band is called: the last one holds 5 alone."""
    return "5" if band == 5 else f"{band} to {band + 1}"
