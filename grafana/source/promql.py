"""The PromQL that panels share.

Scores change once a day. The live exporter is scraped each minute, and a backfill may have left a
sample a day: an instant selector, which looks back for five minutes, would not see these. So
whatever has history is asked for as the last value of the past 25 hours.

Several replicas publish the same scores: `max by` the labels that matter makes one of them.
"""

from __future__ import annotations

HELD_FOR = "25h"
METRICS = (
    "engagement_recency",
    "open_rate",
    "bounce_classification",
    "bounce_rate",
    "spam_rate",
)
#: At which points a series is looked at where a panel searches its past.
PACE = "1h"


def select(metric: str, *matchers: str) -> str:
    """Return the series of a metric that the variables choose."""
    chosen = ('job=~"$job"', 'account=~"$account"', *matchers)
    return f"{metric}{{{', '.join(chosen)}}}"


def select_process(metric: str, *matchers: str) -> str:
    """Return the series of a metric of the exporter as a whole, which have no account."""
    chosen = ('job=~"$job"', *matchers)
    return f"{metric}{{{', '.join(chosen)}}}"


def held(metric: str, *matchers: str, by: str, ago: str = "") -> str:
    """Return the last values of a metric, one for each set of the labels `by`."""
    offset = f" offset {ago}" if ago else ""
    return f"max by ({by}) (last_over_time({select(metric, *matchers)}[{HELD_FOR}]{offset}))"


def score(*matchers: str, ago: str = "") -> str:
    """Return the overall scores of subusers."""
    return held("sendgrid_seq_score", *matchers, by="account, subuser", ago=ago)


def metric_score(metric: str, *matchers: str, ago: str = "") -> str:
    """Return subusers' scores in one metric, without its name."""
    chosen = f'metric="{metric}"'
    return held("sendgrid_seq_metric_score", chosen, *matchers, by="account, subuser", ago=ago)


def every_score(*matchers: str, ago: str = "") -> str:
    """Return subusers' overall scores and those in each metric, told apart by `metric`."""
    overall = f'label_replace({score(*matchers, ago=ago)}, "metric", "overall", "", "")'
    by = "account, subuser, metric"
    return f"({overall} or {held('sendgrid_seq_metric_score', *matchers, by=by, ago=ago)})"


def change(*matchers: str, ago: str) -> str:
    """Return by how much overall scores have changed; rounded, as a score has one decimal."""
    return f"round({score(*matchers)} - {score(*matchers, ago=ago)}, 0.1)"


def bands(metric: str, *matchers: str) -> str:
    """Return how many subusers are in each band."""
    chosen = f'metric="{metric}"'
    counted = held("sendgrid_seq_score_subusers", chosen, *matchers, by="account, band")
    return f"sum by (band) ({counted})"


def subusers(state: str) -> str:
    """Return how many subusers of each account are in a state."""
    return held("sendgrid_seq_subusers", f'state="{state}"', by="account")
