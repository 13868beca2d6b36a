"""Whole explanations, as a terminal of 80 columns shows them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
from rich.console import Console

from seq_exporter.commands.explain.text import print_explanation
from seq_exporter.explain.evidence import Evidence, Others
from seq_exporter.score import Score
from tests.support import TODAY

Scores = tuple[float, ...]


def evidence(
    *levels: tuple[int, Scores | None],
    subuser: str = "shop-de",
    others: Others | None = None,
) -> Evidence:
    """Make a month of levels, each of so many days, up to TODAY."""
    scores = [values for count, values in levels for _ in range(count)]
    first = TODAY - timedelta(days=len(scores) - 1)
    days: Mapping[date, Score] = {
        first + timedelta(days=number): Score("1", subuser, values[0], values[1:])
        for number, values in enumerate(scores)
        if values
    }
    return Evidence("acme", subuser, TODAY, days, others)


def explain(found: Evidence, width: int = 80) -> str:
    text = io.StringIO()
    print_explanation(found, Console(file=text, width=width, highlight=False))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


GOOD = (4.2, 4.1, 4.5, 4.2, 4.2, 4.6)
FALLEN = (2.8, 1.0, 3.4, 4.2, 4.2, 4.6)
BLOCKED = (2.0, 3.5, 3.5, 1.0, 3.6, 3.6)
TO_BE_SCORED = (
    "If it should have one: turn on open tracking (in SendGrid: Settings, Tracking), "
    "or find out why it sends so little."
)
NOBODY = Others(TODAY - timedelta(days=4), 33, 0, {})
MANY = Others(
    TODAY - timedelta(days=4),
    12,
    6,
    {"a": 1.5, "b": 1.4, "c\u202e": 1.2, "d": 1.0, "e": 0.8},
)


def test_a_fall_of_its_own() -> None:
    assert explain(evidence((26, GOOD), (4, FALLEN), others=NOBODY)) == (
        "shop-de of account acme, 2026-11-05\n"
        "\n"
        "                                 2026-10-07          2026-11-05\n"
        "overall                 2.8 ▼1.4 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▄▄▄▄\n"
        "engagement_recency      1.0 ▼3.1 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▁▁▁▁\n"
        "open_rate               3.4 ▼1.1 ██████████████████████████▅▅▅▅\n"
        "bounce_classification   4.2      ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
        "bounce_rate             4.2      ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
        "spam_rate               4.6      ██████████████████████████████\n"
        "\n"
        "The overall score fell from 4.2 to 2.8 on 2026-11-02.\n"
        "engagement_recency fell from 4.1 to 1.0 on 2026-11-02.\n"
        "open_rate fell from 4.5 to 3.4 on 2026-11-02.\n"
        "The other metrics have changed by less than 0.5.\n"
        "\n"
        "No other subuser fell by 0.5 or more since 2026-11-01. Look for the cause in its\n"
        "own mail.\n"
        "\n"
        "A low engagement_recency means that much of the mail goes to people who have not\n"
        "opened or clicked anything for a long time. Send one last message to people who\n"
        "have been silent for half a year and ask whether they want to stay, then stop\n"
        "writing to those who do not answer.\n"
        "\n"
        "In SendGrid, switch to shop-de. Open Stats, Overview, from 2026-10-30 on: what\n"
        "was sent that was not sent before? docs/remedies.md#engagement_recency has the\n"
        "steps for this metric."
    )


def tell(found: Evidence) -> list[str]:
    """Return the paragraphs below the picture, each in one line."""
    paragraphs = explain(found, width=500).split("\n\n")[2:]
    # Wrapped at 80 columns, however wide the terminal is.
    assert all(len(line) <= 80 for paragraph in paragraphs for line in paragraph.splitlines())
    return [" ".join(paragraph.split()) for paragraph in paragraphs]


def test_a_fall_together_with_others() -> None:
    said = tell(evidence((26, GOOD), (4, BLOCKED), others=MANY))
    assert said[1] == (
        "Of 12 other subusers with a score, 6 fell by 0.5 or more since 2026-11-01: a by 1.5, "
        r"b by 1.4, c\u202e by 1.2, d by 1.0, e by 0.8 and 1 more. "
        "Look for what they share: an IP pool, a domain, a template, a DNS record."
    )
    assert said[2].startswith("A low bounce_classification means")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (NOBODY, "No other subuser fell by 0.5 or more since 2026-11-01. {look}"),
        (
            replace(NOBODY, is_partial=True),
            "No other published subuser fell by 0.5 or more since 2026-11-01.",
        ),
        (
            Others(NOBODY.day, 1, 1, {"a": 0.6}, is_partial=True),
            "Of 1 other published subuser with a score, 1 fell by 0.5 or more since 2026-11-01: "
            "a by 0.6.",
        ),
    ],
)
def test_what_is_said_of_the_others(others: Others, said: str) -> None:
    """Nobody knows whether those fell that are not published: the cause may be shared."""
    look = "Look for the cause in its own mail."
    assert tell(evidence((26, GOOD), (4, BLOCKED), others=others))[1] == said.format(look=look)


def test_a_decline_names_the_metric_that_causes_the_others() -> None:
    """Opens fall most; reports of spam, which cause it, raise by more than half of that."""
    steps = [
        (4.2 - 0.05 * day, 4.0, 4.4 - 0.1 * day, 4.0, 4.0, 4.0 - 0.06 * day) for day in range(30)
    ]
    said = tell(evidence(*((1, step) for step in steps)))
    assert said[0].startswith(
        "The overall score has fallen from 4.2 to 2.8 since 2026-10-14. "
        "open_rate has fallen from 4.3 to 1.6 since"
    )
    assert said[1].startswith("A low spam_rate means")


@pytest.mark.parametrize(
    ("found", "paragraphs"),
    [
        (
            evidence((30, GOOD)),
            [
                "The overall score has changed by less than 0.5 in 30 days. "
                "The five metrics have changed by less than 0.5."
            ],
        ),
        (
            evidence((26, FALLEN), (4, GOOD)),
            [
                "The overall score rose from 2.8 to 4.2 on 2026-11-02. "
                "engagement_recency rose from 1.0 to 4.1 on 2026-11-02. "
                "open_rate rose from 3.4 to 4.5 on 2026-11-02. "
                "The other metrics have changed by less than 0.5."
            ],
        ),
        (
            evidence((15, GOOD), (14, FALLEN), (1, GOOD)),
            [
                "The overall score fell from 4.2 to 2.8 on 2026-10-22, and is back at 4.2. "
                "engagement_recency fell from 4.1 to 1.0 on 2026-10-22, and is back at 4.1. "
                "open_rate fell from 4.5 to 3.4 on 2026-10-22, and is back at 4.5. "
                "The other metrics have changed by less than 0.5."
            ],
        ),
        (
            evidence((20, GOOD), (10, None)),
            [
                "It has had no score since 2026-10-27: open tracking is off, or fewer than 1,000 "
                "messages were sent in 30 days.",
                TO_BE_SCORED,
            ],
        ),
        (
            evidence((10, GOOD), (12, FALLEN), (8, GOOD)),
            [
                "The overall score fell from 4.2 to 2.8 on 2026-10-17, and is back at 4.2. "
                "engagement_recency fell from 4.1 to 1.0 on 2026-10-17, and is back at 4.1. "
                "open_rate fell from 4.5 to 3.4 on 2026-10-17, and is back at 4.5. "
                "The other metrics have changed by less than 0.5."
            ],
        ),
        (
            evidence((1, GOOD)),
            ["Only 1 day has a score in the last 30: too few to see a change."],
        ),
        (
            evidence((3, GOOD)),
            ["Only 3 days have a score in the last 30: too few to see a change."],
        ),
        (
            evidence((30, None)),
            [
                "It has had no score for 30 days: open tracking is off, or fewer than 1,000 "
                "messages were sent in 30 days.",
                TO_BE_SCORED,
            ],
        ),
    ],
    ids=["steady", "risen", "over", "silent", "dip", "new", "three days", "never"],
)
def test_what_needs_no_remedy(found: Evidence, paragraphs: list[str]) -> None:
    assert tell(found) == paragraphs


def test_what_has_long_been_poor() -> None:
    said = tell(evidence((30, BLOCKED), subuser=""))
    assert said[0] == (
        "The overall score has changed by less than 0.5 in 30 days. It is poor. "
        "The five metrics have changed by less than 0.5."
    )
    assert said[1].startswith("A low bounce_classification means")
    assert said[2] == "docs/remedies.md#bounce_classification has the steps for this metric."


def test_a_comparison_that_failed_is_named() -> None:
    found = replace(evidence((26, GOOD), (4, FALLEN)), failure="503: SendGrid is down")
    assert tell(found)[1] == (
        "How the other subusers have fared is not known: 503: SendGrid is down"
    )


@pytest.mark.parametrize(("width", "bars"), [(60, 27), (50, 17), (40, 7)])
def test_a_narrow_terminal_shows_the_newest_days_too(width: int, bars: int) -> None:
    shown = explain(evidence((26, GOOD), (4, FALLEN)), width).splitlines()
    (overall,) = [line for line in shown if line.startswith("overall ")]
    picture = overall.split()[-1]
    assert len(picture) == bars
    assert picture.startswith("▇▇▇")
    assert picture.endswith("▄")
    assert max(map(len, shown)) <= width
