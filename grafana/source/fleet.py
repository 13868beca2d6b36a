"""The dashboard of the fleet: who needs help, how scores are distributed, and every account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.timeseries import Panel as Graph
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source import alerts, columns, links, panels, processes, promql
from grafana.source.colours import (
    AGE_CELLS,
    BAR_STEPS,
    FAULT_CELLS,
    PLAIN_STEPS,
    band_name,
)
from grafana.source.columns import Numbers
from grafana.source.dashboard import DashboardLayout, choose_one, find_subusers, type_in
from grafana.source.metric_texts import COLUMN_NAMES, SCORE_NAMES
from grafana.source.promql import TEN

_OVERALL = 'metric="overall"'
_SEARCHED = "subuser=~`(?i).*${search:regex}.*`"
_NO_SUBUSER = "No subuser of the accounts has a score, or `series` leaves scores out."
_NO_OWN_SCORE = "No selected account has a score of its own."
#: Over ninety days, Grafana asks for a point every hour or more: the first may be still to come.
_NO_POINT = "No scores in this time. On the first day, choose the last hour."
_OF_A_SUBUSER = "account, subuser"


def build_fleet() -> Dashboard:
    """Make the dashboard."""
    layout = DashboardLayout(
        "seq-fleet",
        "SendGrid Engagement Quality / Fleet",
        "Who needs help, how scores are distributed, and the scores of every account and subuser.",
        begins="now-90d",
    )
    layout.choose(choose_one("metric", "Bands of", tuple(SCORE_NAMES)))
    layout.choose(type_in("search", "Subuser contains"))
    layout.choose(find_subusers("lowest", _TEN_LOWEST))
    layout.choose(find_subusers("fallen", _TEN_FALLEN))
    layout.mark(alerts.mark_alerts("subuser=``"))
    _place_numbers(layout)
    layout.row("Who needs help")
    layout.place(9, (16, alerts.list_firing()), (8, _bands_now()))
    layout.place(12, (12, _fell_most()), (12, _lowest()))
    layout.row("Distribution of scores")
    layout.place(8, (24, _bands_over_time()))
    layout.row("Accounts")
    layout.place(12, (24, _accounts()))
    layout.place(9, (24, _own_scores()))
    layout.place(9, (24, _own_scores_over_time()))
    layout.row("All subusers")
    layout.place(18, (24, _everyone()))
    changes = _changed_most("fell", 30), _changed_most("rose", 7), _changed_most("rose", 30)
    layout.fold("Other changes", 12, *((8, panel) for panel in changes))
    return layout.build()


def _place_numbers(layout: DashboardLayout) -> None:
    fallen = f"sum({promql.change(ago='7d')} <= bool -0.95)"
    scored, ineligible, missing = (
        f"sum({promql.subusers(state)})" for state in ("scored", "ineligible", "missing")
    )
    number = panels.number
    fell = number("Fell in 7 days", _FALLEN, fallen, "locale", PLAIN_STEPS)
    oldest = f"max({promql.age(by='account, scope')})"
    age = number("Score age", _AGE, oldest, "suffix:days", AGE_CELLS, 1)
    row = (
        alerts.count_firing(),
        fell.no_value("not known"),
        number("Under 3", _UNDER, f"sum({_under_3()})", "locale", PLAIN_STEPS),
        number("Scored", "Subusers that have a score.", scored, "locale", PLAIN_STEPS),
        number("Ineligible", _INELIGIBLE, ineligible, "locale", PLAIN_STEPS),
        number("Missing", _MISSING, missing, "locale", FAULT_CELLS),
        age,
        processes.count_down(),
    )
    layout.place(4, *((3, panel) for panel in row))


_INELIGIBLE = (
    "Subusers without a score from SendGrid: open tracking is off, or they sent under 1,000 "
    "messages in 30 days. This is not a bad score."
)
_MISSING = "Subusers that the configuration names and SendGrid does not know: mistyped or deleted."
_UNDER = "Subusers whose overall score is under 3 now."
_FALLEN = "Subusers whose overall score is at least 1 point lower than 7 days ago."
_AGE = (
    "The age of the oldest account's scores, counted from midnight UTC of their day. Two to three "
    "days are normal: SendGrid rates a day after its end."
)


def _under_3() -> str:
    return promql.held("sendgrid_seq_score_subusers", _OVERALL, 'band=~"1|2"', by="account, band")


# Most of the time of a query goes into reading samples, so the ten are found once, among all
# subusers, by the variables `lowest` and `fallen`. The tables read only subusers of these names,
# and choose the ten again: other accounts may have subusers of the same names.
_TEN_LOWEST = f"bottomk({TEN}, {promql.score()})"
_TEN_FALLEN = f"bottomk({TEN}, {promql.change(ago='7d')}) < 0"
_IN_LOWEST = "subuser=~`${lowest:regex}`"
_IN_FALLEN = "subuser=~`${fallen:regex}`"


def _lowest() -> panels.Panel:
    ten = f"bottomk({TEN}, {promql.score(_IN_LOWEST)})"
    among = f"and on ({_OF_A_SUBUSER}) {ten}"
    worst = f"bottomk by ({_OF_A_SUBUSER}) (1, {promql.metric_scores(_IN_LOWEST)} {among})"
    description = (
        "The ten lowest overall scores, their change in 7 days, and the metric with the lowest "
        "score. Click one to open the subuser."
    )
    numbers = {
        "Score": columns.scores(ten),
        "7 days": columns.changes(f"{promql.change(_IN_LOWEST, ago='7d')} {among}"),
        "At": columns.scores(worst),
    }
    panel = _list_ten("Lowest scores now", description, numbers, "Lowest")
    return columns.sort_by(panel.no_value(_NO_SUBUSER), "Score")


def _fell_most() -> panels.Panel:
    ten = f"bottomk({TEN}, {promql.change(_IN_FALLEN, ago='7d')}) < 0"
    among = f"and on ({_OF_A_SUBUSER}) ({ten})"
    now, before = promql.metric_scores(_IN_FALLEN), promql.metric_scores(_IN_FALLEN, ago="7d")
    worst = f"bottomk by ({_OF_A_SUBUSER}) (1, round({now} - {before}, 0.1) {among}) < 0"
    description = (
        "The ten subusers whose overall score fell most since 7 days ago, and the metric that fell "
        "most in this time."
    )
    numbers = {
        "Score": columns.scores(f"{promql.score(_IN_FALLEN)} {among}"),
        "Change": columns.changes(ten),
        "By": columns.changes(worst),
    }
    panel = _list_ten("Fell most in 7 days", description, numbers, "Fell most")
    panel = panel.no_value("No score fell, or there are no scores of 7 days ago.")
    return columns.sort_by(panel, "Change")


def _list_ten(
    title: str, description: str, numbers: Mapping[str, Numbers], metric_title: str
) -> tables.Panel:
    """Make a table of subusers with two numbers each, a metric, and its number."""
    *first, _ = numbers
    panel = _list_subusers(title, description, numbers, (*first, "metric"))
    panel = columns.title_column(panel, "metric", metric_title)
    return columns.give_words(panel, "metric", COLUMN_NAMES)


def _list_subusers(
    title: str,
    description: str,
    numbers: Mapping[str, Numbers],
    order: Sequence[str] = (),
    *,
    has_pages: bool = False,
) -> tables.Panel:
    """Make a table of subusers, each a link to its dashboard."""
    order = ("account", "subuser", *order)
    panel = columns.make_table(title, description, order, numbers, has_pages=has_pages)
    return columns.link_column(panel, "subuser", links.from_row_to_subuser())


def _changed_most(direction: str, days: int) -> panels.Panel:
    falls = direction == "fell"
    changed = promql.change(ago=f"{days}d")
    most = f"bottomk({TEN}, {changed}) < 0" if falls else f"topk({TEN}, {changed}) > 0"
    title = f"{direction.capitalize()} most in {days} days"
    description = f"The ten subusers whose overall score {direction} most since {days} days ago."
    panel = _list_subusers(title, description, {"Change": columns.changes(most)})
    panel = panel.no_value(f"No score {direction}, or there are no scores of {days} days ago.")
    return columns.sort_by(panel, "Change", descending=not falls)


def _bands_over_time() -> panels.Panel:
    targets = [
        panels.query(
            promql.bands("$metric", f'band="{band}"'), band_name(band), ref="ABCDE"[band - 1]
        )
        for band in range(1, 6)
    ]
    description = (
        "Number of subusers with a score in each band; brighter means more. “Bands of” selects "
        "the overall score or one of the metrics."
    )
    panel = panels.heat("Bands over time: $metric", description, targets, "short")
    return panel.no_value(_NO_POINT)


def _bands_now() -> panels.Panel:
    targets = [
        panels.query_now(
            promql.bands("$metric", f'band="{band}"'), band_name(band), ref="ABCDE"[band - 1]
        )
        for band in range(5, 0, -1)
    ]
    description = "Number of subusers with a score in each band now."
    panel = panels.bars("Bands now: $metric", description, targets, "locale", BAR_STEPS)
    return panel.min(0).decimals(0).no_value("no scores")


def _accounts() -> panels.Panel:
    date = f"{promql.newest_day(by='account')} * 1000"
    numbers = {
        "Own score": columns.scores(promql.own_score()),
        "Mean": columns.scores(f"avg by (account) ({promql.score()})"),
        "Lowest": columns.scores(f"min by (account) ({promql.score()})"),
        "Under 3": columns.counts(f"sum by (account) ({_under_3()})"),
        "Scored": columns.counts(promql.subusers("scored")),
        "Ineligible": columns.counts(promql.subusers("ineligible")),
        "Missing": columns.counts(promql.subusers("missing")),
        "Newest day": Numbers(date, "time:YYYY-MM-DD"),
    }
    description = (
        "For each account: the score of its own mail, the mean and the lowest score of its "
        "subusers, and their number. Click a name to show only that account."
    )
    panel = _list_accounts("Accounts", description, numbers)
    panel = panel.no_value("No account has been polled: see the dashboard of the exporter.")
    return columns.sort_by(panel, "Under 3", descending=True)


def _own_scores() -> panels.Panel:
    changed = f"round({promql.own_score()} - {promql.own_score(ago='7d')}, 0.1)"
    numbers = {
        "Overall": columns.scores(promql.own_score()),
        **{
            name: columns.scores(promql.own_metric_score(metric))
            for metric, name in COLUMN_NAMES.items()
        },
        "7 days": columns.changes(changed),
    }
    description = "The scores of the accounts' own mail, and the change of the overall score."
    panel = _list_accounts("Own scores", description, numbers)
    return columns.sort_by(panel.no_value(_NO_OWN_SCORE), "Overall")


def _list_accounts(title: str, description: str, numbers: Mapping[str, Numbers]) -> tables.Panel:
    """Make a table of accounts, each a link to its fleet."""
    panel = columns.make_table(title, description, ("account",), numbers, has_pages=True)
    return columns.link_column(panel, "account", links.from_row_to_fleet())


def _own_scores_over_time() -> Graph:
    lowest = promql.ten(promql.own_score(), by="account", most=False)
    description = "The overall scores of the accounts' own mail: the ten that are lowest now."
    targets = [panels.query(lowest, "{{account}}")]
    panel = panels.graph("Own scores over time", description, targets, "none", "10m")
    return panel.max_data_points(promql.MOST_POINTS).min(1).max(5).decimals(1).no_value(_NO_POINT)


def _everyone() -> panels.Panel:
    numbers = {
        "Overall": columns.scores(promql.score(_SEARCHED)),
        **{
            name: columns.scores(promql.metric_score(metric, _SEARCHED))
            for metric, name in COLUMN_NAMES.items()
        },
        "7 days": columns.changes(promql.change(_SEARCHED, ago="7d")),
        "30 days": columns.changes(promql.change(_SEARCHED, ago="30d")),
    }
    description = (
        "Every scored subuser, worst first; “Subuser contains” filters them. "
        "The last columns show the change of the overall score."
    )
    panel = _list_subusers("Every subuser", description, numbers, has_pages=True)
    panel = panel.no_value("No subuser has a score or matches, or `series` leaves scores out.")
    return columns.sort_by(panel, "Overall")
