"""The dashboard of the fleet: who needs help, how scores are distributed, and every account."""

from __future__ import annotations

from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.timeseries import Panel as Graph
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source import alerts, columns, panels, promql
from grafana.source.colours import (
    AGE_CELLS,
    BAR_STEPS,
    CHANGE_CELLS,
    FAULT_CELLS,
    PLAIN_STEPS,
    band_name,
)
from grafana.source.dashboard import DashboardLayout, choose_one, type_in
from grafana.source.metric_texts import COLUMN_NAMES, SCORE_NAMES
from grafana.source.promql import TEN

_OVERALL = 'metric="overall"'
_SEARCHED = "subuser=~`(?i).*${search:regex}.*`"
_NO_SUBUSER = "No subuser of the accounts has a score, or `series` leaves scores out."
_NO_OWN_SCORE = "No selected account has a score of its own."
#: Over ninety days, Grafana asks for a point every few hours: the first one may be still to come.
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
    layout.mark(alerts.mark_alerts("subuser=``"))
    _place_numbers(layout)
    layout.row("Who needs help")
    layout.place(9, (14, alerts.list_firing()), (10, _bands_now()))
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
    day = promql.newest_day(by="account, scope")
    scored, ineligible, missing = (
        f"sum({promql.subusers(state)})" for state in ("scored", "ineligible", "missing")
    )
    number = panels.number
    age = number("Oldest scores", _AGE, f"max(time() - {day})", "s", AGE_CELLS, 1)
    layout.place(
        4,
        (4, alerts.count_firing()),
        (4, number("Fell in 7 days", _FALLEN, fallen, "locale", PLAIN_STEPS)),
        (3, number("Under 3", _UNDER, f"sum({_under_3()})", "locale", PLAIN_STEPS)),
        (3, number("Scored", "Subusers that have a score.", scored, "locale", PLAIN_STEPS)),
        (3, number("Ineligible", _INELIGIBLE, ineligible, "locale", PLAIN_STEPS)),
        (3, number("Missing", _MISSING, missing, "locale", FAULT_CELLS)),
        (4, age),
    )


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


def _lowest() -> panels.Panel:
    lowest = f"bottomk({TEN}, {promql.score()})"
    of_these = f"and on ({_OF_A_SUBUSER}) {lowest}"
    asked = {
        "Score": lowest,
        "7 days": f"{promql.change(ago='7d')} {of_these}",
        "Its score": f"bottomk by ({_OF_A_SUBUSER}) (1, {promql.metric_scores()} {of_these})",
    }
    description = (
        "The ten lowest overall scores, their change in 7 days, and the metric with the lowest "
        "score. Click one to open the subuser."
    )
    order = ("account", "subuser", "Score", "7 days", "metric")
    panel = _table("Lowest scores now", description, order, asked, has_pages=False)
    panel = columns.name_metrics(panel, "Metric", COLUMN_NAMES)
    panel = columns.color_column(panel, "Score")
    panel = columns.color_column(panel, "7 days", CHANGE_CELLS)
    panel = columns.color_column(panel, "Its score")
    return columns.sort_by(panel.no_value(_NO_SUBUSER), "Score")


def _fell_most() -> panels.Panel:
    fell = f"bottomk({TEN}, {promql.change(ago='7d')}) < 0"
    of_these = f"and on ({_OF_A_SUBUSER}) ({fell})"
    changed = f"round({promql.metric_scores()} - {promql.metric_scores(ago='7d')}, 0.1)"
    asked = {
        "Score": f"{promql.score()} {of_these}",
        "Change": fell,
        "Its change": f"bottomk by ({_OF_A_SUBUSER}) (1, {changed} {of_these}) < 0",
    }
    description = (
        "The ten subusers whose overall score fell most since 7 days ago, and the metric that fell "
        "most in this time."
    )
    order = ("account", "subuser", "Score", "Change", "metric")
    panel = _table("Fell most in 7 days", description, order, asked, has_pages=False)
    panel = columns.name_metrics(panel, "Fell most", COLUMN_NAMES)
    panel = columns.color_column(panel, "Score")
    panel = columns.color_column(panel, "Change", CHANGE_CELLS)
    panel = columns.color_column(panel, "Its change", CHANGE_CELLS)
    panel = panel.no_value("No score fell, or there are no scores of 7 days ago.")
    return columns.sort_by(panel, "Change")


def _changed_most(direction: str, days: int) -> panels.Panel:
    falls = direction == "fell"
    changed = promql.change(ago=f"{days}d")
    most = f"bottomk({TEN}, {changed}) < 0" if falls else f"topk({TEN}, {changed}) > 0"
    title = f"{direction.capitalize()} most in {days} days"
    description = f"The ten subusers whose overall score {direction} most since {days} days ago."
    order = ("account", "subuser")
    panel = _table(title, description, order, {"Change": most}, has_pages=False)
    panel = columns.color_column(panel, "Change", CHANGE_CELLS)
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
    return panel.min(0).decimals(0).no_value(_NO_SUBUSER)


def _accounts() -> panels.Panel:
    date = promql.newest_day(by="account")
    asked = {
        "Own score": promql.own_score(),
        "Mean": f"avg by (account) ({promql.score()})",
        "Lowest": f"min by (account) ({promql.score()})",
        "Under 3": f"sum by (account) ({_under_3()})",
        "Scored": promql.subusers("scored"),
        "Ineligible": promql.subusers("ineligible"),
        "Missing": promql.subusers("missing"),
        "Newest day": f"{date} * 1000",
    }
    description = (
        "For each account: the score of its own mail, the mean and the lowest score of its "
        "subusers, and their number. Click a name to show only that account."
    )
    panel = _table("Accounts", description, ("account",), asked, has_pages=True)
    for name in ("Own score", "Mean", "Lowest"):
        panel = columns.color_column(panel, name)
    panel = columns.give_unit(panel, "Newest day", "time:YYYY-MM-DD")
    panel = columns.link_column(panel, "account", columns.link_row_to_account())
    panel = panel.no_value("No account has been polled: see the dashboard of the exporter.")
    return columns.sort_by(panel, "Under 3", descending=True)


def _own_scores() -> panels.Panel:
    asked = {"Overall": promql.own_score()}
    for metric, name in COLUMN_NAMES.items():
        asked[name] = promql.own_metric_score(metric)
    changes = {"7 days": f"round({promql.own_score()} - {promql.own_score(ago='7d')}, 0.1)"}
    description = "The scores of the accounts' own mail, and the change of the overall score."
    panel = _table("Own scores", description, ("account",), asked | changes, has_pages=True)
    for name in asked:
        panel = columns.color_column(panel, name)
    panel = columns.color_column(panel, "7 days", CHANGE_CELLS)
    panel = columns.link_column(panel, "account", columns.link_row_to_account())
    return columns.sort_by(panel.no_value(_NO_OWN_SCORE), "Overall")


def _own_scores_over_time() -> Graph:
    lowest = promql.ten(promql.own_score(), by="account", most=False)
    description = "The overall scores of the accounts' own mail: the ten that are lowest now."
    targets = [panels.query(lowest, "{{account}}")]
    panel = panels.graph("Own scores over time", description, targets, "none", "10m")
    return panel.min(1).max(5).decimals(1).no_value(_NO_POINT)


def _everyone() -> panels.Panel:
    scores = {"Overall": promql.score(_SEARCHED)}
    for metric, name in COLUMN_NAMES.items():
        scores[name] = promql.metric_score(metric, _SEARCHED)
    changes = {
        "7 days": promql.change(_SEARCHED, ago="7d"),
        "30 days": promql.change(_SEARCHED, ago="30d"),
    }
    description = (
        "Every scored subuser, worst first; “Subuser contains” filters them. "
        "The last columns show the change of the overall score."
    )
    order = ("account", "subuser")
    panel = _table("Every subuser", description, order, scores | changes, has_pages=True)
    for name in scores:
        panel = columns.color_column(panel, name)
    for name in changes:
        panel = columns.color_column(panel, name, CHANGE_CELLS)
    panel = panel.no_value("No subuser has a score or matches, or `series` leaves scores out.")
    return columns.sort_by(panel, "Overall")


def _table(
    title: str,
    description: str,
    order: tuple[str, ...],
    asked: dict[str, str],
    *,
    has_pages: bool,
) -> tables.Panel:
    letters = dict(zip("ABCDEFGHIJ", asked, strict=False))
    targets = [panels.query_rows(asked[name], ref=letter) for letter, name in letters.items()]
    panel = panels.table(title, description, targets, has_pages=has_pages)
    panel = columns.name_columns(panel, order, letters)
    if "subuser" not in order:
        return panel
    return columns.link_column(panel, "subuser", columns.link_row_to_subuser())
