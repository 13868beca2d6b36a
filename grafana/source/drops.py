"""The last drop of a subuser's overall score, and the change of each metric at that time.

A drop is a fall by 0.5 or more within two days. During a drop, the differences from two days before
explain it; the last moment with such a difference belongs to the last drop. The window is two days
because a fall may take two days to show completely, and falls further apart are separate drops.
"""

from __future__ import annotations

from grafana.source import columns, panels, promql
from grafana.source.metric_texts import SCORE_NAMES

_WITHIN = "2d"
_WITHIN_SECONDS = 2 * 86400
_FALL = "-0.45"  # of rounded differences
_SHORT = "account, subuser"

WHEN = (
    "The time at which the overall score last began to fall by 0.5 or more within two days, within "
    "the dashboard's time range. Empty if there was no such fall."
)


def when(*matchers: str) -> str:
    """Return the moment of the last drop, in milliseconds."""
    last = f"max_over_time(timestamp({_falling(*matchers)})[$__range:{promql.PACE}])"
    return f"({last} - {_WITHIN_SECONDS}) * 1000"


def last_drop(*matchers: str) -> panels.Panel:
    """Make a table of the changes of the overall score and each metric at the last drop."""
    now, before = promql.every_score(*matchers), promql.every_score(*matchers, ago=_WITHIN)
    numbers = {
        "Before": columns.scores(_at_the_last_drop(before, *matchers)),
        "After": columns.scores(_at_the_last_drop(now, *matchers)),
        "Change": columns.changes(_at_the_last_drop(f"round({now} - {before}, 0.1)", *matchers)),
    }
    panel = columns.make_table("Last drop", _DESCRIPTION, ("metric",), numbers, has_pages=False)
    panel = panel.max_data_points(promql.MOST_POINTS)
    panel = columns.give_words(panel, "metric", SCORE_NAMES)
    panel = panel.no_value("No fall by 0.5 within two days is known in this time.")
    return columns.sort_by(panel, "Change")


_DESCRIPTION = (
    "The last fall of the overall score by 0.5 or more within two days, and the change of each "
    "metric in these days. The metric that fell most explains the drop. “Last fell” above shows "
    "the time. Empty if there was no such drop within the dashboard's time range."
)


def _falling(*matchers: str) -> str:
    fall = f"{promql.score(*matchers)} - {promql.score(*matchers, ago=_WITHIN)}"
    return f"round({fall}, 0.1) < {_FALL}"


def _at_the_last_drop(values: str, *matchers: str) -> str:
    during = f"{values} and on ({_SHORT}) {_falling(*matchers)}"
    return f"last_over_time(({during})[$__range:{promql.PACE}])"
