"""The PromQL that panels share.

Scores change once a day. The live exporter is scraped each minute, but a backfill may have written
one sample a day. An instant selector looks back for five minutes and would miss these, so queries
on history take the last value of the past 25 hours.

Several replicas publish the same scores: `max by` the labels that matter merges them. A replica
that cannot reach SendGrid keeps publishing its last good day, so only those with the newest count.

Names of accounts and subusers may hold any character. A string in backticks takes all but the
backtick as they are, so Grafana's formats `raw` and `regex` need no further escapes in it.
"""

from __future__ import annotations

import re

HELD_FOR = "25h"
#: The distance between points when a panel searches the past of a series: with MOST_POINTS, an hour
#: of ninety days, and seconds of a quarter of an hour.
PACE = "$__interval"
MOST_POINTS = 2000
#: The most lines in a graph, and the most rows in a list of the worst.
TEN = 10

_OF_ACCOUNTS = "account=~`${account:regex}`"


def select(metric: str, *matchers: str) -> str:
    """Return the series of a metric that the variables select.

    A matcher of the label `account` replaces that of the variable.
    """
    accounts = () if _accounts(matchers) else (_OF_ACCOUNTS,)
    return select_process(metric, *accounts, *matchers)


def select_process(metric: str, *matchers: str) -> str:
    """Return the series of a metric of the whole exporter, without the label `account`."""
    chosen = ('job=~"$job"', *matchers)
    return f"{metric}{{{', '.join(chosen)}}}"


def _accounts(matchers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in matchers if each.startswith("account"))


def held(metric: str, *matchers: str, by: str, ago: str = "") -> str:
    """Return the last values of a score or a count, one for each set of the labels `by`."""
    values = _last(select(metric, *matchers), ago)
    scope = "own" if metric.startswith("sendgrid_seq_account_") else "subusers"
    return _merge(values, _outdated(scope, matchers, ago), by)


def _merge(values: str, outdated: str, by: str) -> str:
    """Return one of the values for each set of the labels `by`; outdated replicas do not count."""
    return f"max by ({by}) ({values} unless ignoring ({_NOT_OF_TARGETS}) ({outdated}))"


# All other labels of scores and dates, such as `instance`, say which target published them.
_NOT_OF_TARGETS = "band, metric, scope, state, subuser, user_id"
_DATE = "sendgrid_seq_score_date_timestamp_seconds"


def _outdated(scope: str, matchers: tuple[str, ...], ago: str) -> str:
    """Return the dates that are older than the account's newest, by the target that published them.

    Of shards by subuser, only one publishes the account's date. The subusers of the others stay,
    whenever they find the new day. After a change of the number of shards, it may be another one
    that publishes the date; the last date of the one before says nothing about its subusers then.
    """
    dates = _last(select(_DATE, f'scope="{scope}"', *_accounts(matchers)), ago)
    older = f"{dates} < on (account) group_left () max by (account) ({dates})"
    shards = select_process("seq_exporter_shards")
    changed = f"{shards}{_offset(ago)} != {shards}{_offset(ago + HELD_FOR)}"
    return f"{older} unless ignoring (account, scope) ({changed})"


def newest_day(*matchers: str, by: str) -> str:
    """Return midnight of the newest day that any replica has."""
    return f"max by ({by}) ({_last(select(_DATE, *matchers))})"


def age(*matchers: str, by: str) -> str:
    """Return the days since midnight of the newest day."""
    return f"(time() - {newest_day(*matchers, by=by)}) / 86400"


def publishing_delay() -> str:
    """Return the hours from the end of the newest day until a replica that has it first saw it."""
    by = "account, scope"
    seen = _last(select("sendgrid_seq_score_date_first_seen_timestamp_seconds"))
    day = f"({_last(select(_DATE))} == on ({by}) group_left () {newest_day(by=by)})"
    return f"max by ({by}) ({seen} - {day} - 86400) / 3600"


def _last(selector: str, ago: str = "") -> str:
    return f"last_over_time({selector}[{HELD_FOR}]{_offset(ago)})"


def _offset(ago: str) -> str:
    return f" offset {ago}" if ago else ""


def ten(values: str, *, by: str, most: bool = True) -> str:
    """Return the lines of the ten that are highest, or lowest, at the end of the time range.

    Without this, `topk` chooses ten others at each step: hundreds of lines.
    """
    choose = "topk" if most else "bottomk"
    return f"({values}) and on ({by}) {choose}({TEN}, {_at_the_end(values)})"


# Variables with braces stand in backticks.
_SELECTOR = r"\w+\{(?:`[^`]*`|[^`}])*\}"


def _at_the_end(values: str) -> str:
    """Return the values at the end of the time range, or the last ones before it."""
    lone = rf"({_SELECTOR})(?=\))"  # as the only argument of a function
    held_on = re.sub(lone, r"last_over_time(\1[$__range])", values)
    return re.sub(rf"{_SELECTOR}(\[[^]]*\])?", r"\g<0> @ end()", held_on)


def score(*matchers: str, ago: str = "") -> str:
    """Return the overall scores of subusers."""
    scores = held("sendgrid_seq_score", *matchers, by="account, subuser", ago=ago)
    return scores if ago else f"({scores} unless {_without_score(*matchers)})"


def metric_score(metric: str, *matchers: str) -> str:
    """Return subusers' scores in one metric, without the label `metric`."""
    chosen = f'metric="{metric}"'
    scores = held("sendgrid_seq_metric_score", chosen, *matchers, by="account, subuser")
    return f"({scores} unless {_without_score(*matchers)})"


def metric_scores(*matchers: str, ago: str = "") -> str:
    """Return subusers' scores in all metrics."""
    by = "account, subuser, metric"
    return held("sendgrid_seq_metric_score", *matchers, by=by, ago=ago)


def every_score(*matchers: str, ago: str = "") -> str:
    """Return subusers' overall and metric scores, distinguished by the label `metric`."""
    scores = _last(select("", '__name__=~"sendgrid_seq_(metric_)?score"', *matchers), ago)
    named = f'label_replace({scores}, "metric", "overall", "metric", "")'
    merged = _merge(named, _outdated("subusers", matchers, ago), "account, subuser, metric")
    return merged if ago else f"({merged} unless on (account, subuser) {_without_score(*matchers)})"


def _without_score(*matchers: str) -> str:
    """Return the subusers that have lost their score: for 25 hours, the last one is still there.

    An outdated replica may think otherwise. Then they are shown for so long, which costs less than
    to find out. One hour is enough while the exporter lives, and costs little: most of the time of
    a query goes into reading samples.
    """
    eligible = select("sendgrid_seq_subuser_eligible", *matchers)
    return f"max by (account, subuser) (last_over_time({eligible}[1h])) == 0"


def change(*matchers: str, ago: str) -> str:
    """Return the change of overall scores, rounded because a score has one decimal."""
    return f"round({score(*matchers)} - {score(*matchers, ago=ago)}, 0.1)"


def own_score(*, ago: str = "") -> str:
    """Return the overall scores of the accounts themselves."""
    return held("sendgrid_seq_account_score", by="account", ago=ago)


def own_metric_score(metric: str) -> str:
    """Return the accounts' own scores in one metric."""
    return held("sendgrid_seq_account_metric_score", f'metric="{metric}"', by="account")


def bands(metric: str, *matchers: str) -> str:
    """Return the number of subusers in each band."""
    chosen = f'metric="{metric}"'
    counted = held("sendgrid_seq_score_subusers", chosen, *matchers, by="account, band")
    return f"sum by (band) ({counted})"


def subusers(state: str) -> str:
    """Return the number of subusers of each account in a state."""
    return held("sendgrid_seq_subusers", f'state="{state}"', by="account")


def quantile(part: float, histogram: str, *, by: str = "") -> str:
    """Return a quantile of what a histogram counted, where it counted anything.

    Elsewhere it is NaN, which Grafana writes as "NaN" and does not draw.
    """
    labels = f"le, {by}" if by else "le"
    counted = f"sum by ({labels}) (rate({histogram}[$__rate_interval]))"
    return f"histogram_quantile({part}, {counted}) >= 0"


def firing(*matchers: str) -> str:
    """Return the alerts that fire for the chosen accounts, or for the exporter as a whole."""
    accounts = () if _accounts(matchers) else ("account=~`|${account:regex}`",)
    chosen = ('alertname=~"Seq.+"', 'alertstate="firing"', *accounts, *matchers)
    return f"max by ({_LABELS_OF_ALERTS}) (ALERTS{{{', '.join(chosen)}}})"


def rules_are_known() -> str:
    """Return a number if Prometheus evaluates the alerting rules and knows the chosen accounts."""
    return "max(account_scope:sendgrid_seq_score_date:newest{account=~`${account:regex}`})"


_LABELS_OF_ALERTS = (
    "severity, alertname, account, subuser, metric, since, reason, scope, job, instance"
)
