"""The PromQL that panels share.

Scores change once a day. The live exporter is scraped each minute, but a backfill may have written
one sample a day. An instant selector looks back for five minutes and would miss these, so queries
on history take the last value of the past 25 hours.

Several replicas publish the same scores: `max by` the labels that matter merges them.
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
#: The distance between points when a panel searches the past of a series.
PACE = "1h"


def select(metric: str, *matchers: str) -> str:
    """Return the series of a metric that the variables select."""
    chosen = ('job=~"$job"', 'account=~"$account"', *matchers)
    return f"{metric}{{{', '.join(chosen)}}}"


def select_process(metric: str, *matchers: str) -> str:
    """Return the series of a metric of the whole exporter, without the label `account`."""
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
    """Return subusers' scores in one metric, without the label `metric`."""
    chosen = f'metric="{metric}"'
    return held("sendgrid_seq_metric_score", chosen, *matchers, by="account, subuser", ago=ago)


def every_score(*matchers: str, ago: str = "") -> str:
    """Return subusers' overall and metric scores, distinguished by the label `metric`."""
    overall = f'label_replace({score(*matchers, ago=ago)}, "metric", "overall", "", "")'
    by = "account, subuser, metric"
    return f"({overall} or {held('sendgrid_seq_metric_score', *matchers, by=by, ago=ago)})"


def change(*matchers: str, ago: str) -> str:
    """Return the change of overall scores, rounded because a score has one decimal."""
    return f"round({score(*matchers)} - {score(*matchers, ago=ago)}, 0.1)"


def bands(metric: str, *matchers: str) -> str:
    """Return the number of subusers in each band."""
    chosen = f'metric="{metric}"'
    counted = held("sendgrid_seq_score_subusers", chosen, *matchers, by="account, band")
    return f"sum by (band) ({counted})"


def subusers(state: str) -> str:
    """Return the number of subusers of each account in a state."""
    return held("sendgrid_seq_subusers", f'state="{state}"', by="account")
