"""The dashboard of the fleet: the distribution of scores, the worst, and the largest changes."""

from __future__ import annotations

from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source import columns, panels, promql
from grafana.source.colours import (
    AGE_STEPS,
    CHANGE_STEPS,
    FAULT_STEPS,
    PLAIN_STEPS,
    SCORE_STEPS,
    band_name,
)
from grafana.source.dashboard import DashboardLayout, choose_one, type_in
from grafana.source.metric_texts import METRIC_NAMES

_OVERALL = 'metric="overall"'
_SEARCHED = 'subuser=~"(?i).*${search}.*"'
_WORST = 10


def build_fleet() -> Dashboard:
    """Make the dashboard."""
    layout = DashboardLayout(
        "seq-fleet",
        "SendGrid Engagement Quality / Fleet",
        "All subusers' scores: their distribution, the worst, and the largest changes.",
        begins="now-90d",
    )
    layout.choose(choose_one("metric", "Bands of", ("overall", *promql.METRICS)))
    layout.choose(type_in("search", "Subuser contains"))
    _place_numbers(layout)
    layout.row("Distribution of scores")
    layout.place(9, (16, _bands_over_time()), (8, _bands_now()))
    layout.row("Lowest scores")
    layout.place(11, (10, _worst()), (14, _accounts()))
    layout.row("Largest changes")
    layout.place(9, (12, _movers("fell", "7d", 7)), (12, _movers("fell", "30d", 30)))
    layout.place(9, (12, _movers("rose", "7d", 7)), (12, _movers("rose", "30d", 30)))
    layout.row("All subusers")
    layout.place(18, (24, _everyone()))
    return layout.build()


def _place_numbers(layout: DashboardLayout) -> None:
    under = promql.held("sendgrid_seq_score_subusers", _OVERALL, 'band=~"1|2"', by="account, band")
    fallen = f"count({promql.change(ago='7d')} <= -0.95) or vector(0)"
    day = promql.newest_day(by="account, scope")
    scored, ineligible, missing = (
        f"sum({promql.subusers(state)})" for state in ("scored", "ineligible", "missing")
    )
    number = panels.number
    layout.place(
        4,
        (4, number("Scored", "Subusers that have a score.", scored, "short", PLAIN_STEPS)),
        (4, number("Ineligible", _INELIGIBLE, ineligible, "short", PLAIN_STEPS)),
        (4, number("Missing", _MISSING, missing, "short", FAULT_STEPS)),
        (4, number("Score under 3", _UNDER, f"sum({under})", "short", FAULT_STEPS)),
        (4, number("Fell by 1 or more in 7 days", _FALLEN, fallen, "short", FAULT_STEPS)),
        (4, number("Age of the oldest scores", _AGE, f"max(time() - {day})", "s", AGE_STEPS)),
    )


_INELIGIBLE = (
    "Subusers without a score from SendGrid: open tracking is off, or they sent under 1,000 "
    "messages in 30 days. This is not a bad score."
)
_MISSING = "Subusers that the configuration names and SendGrid does not know: mistyped or deleted."
_UNDER = "Subusers whose overall score is under 3 now."
_FALLEN = "Subusers whose overall score is at least 1 point lower than 7 days ago."
_AGE = (
    "Counted from midnight UTC of the scores' day, for the account with the oldest scores. Two to "
    "three days are normal: SendGrid rates a day after its end."
)


def _bands_over_time() -> panels.Panel:
    targets = [
        panels.query(
            promql.bands("$metric", f'band="{band}"'), band_name(band), ref="ABCDE"[band - 1]
        )
        for band in range(1, 6)
    ]
    description = (
        "Number of subusers with a score in each band on each day; brighter means more. "
        "“Bands of” selects the overall score or one of the metrics."
    )
    return panels.heat("Bands over time: $metric", description, targets, "short")


def _bands_now() -> panels.Panel:
    targets = [
        panels.query_now(
            promql.bands("$metric", f'band="{band}"'), band_name(band), ref="ABCDE"[band - 1]
        )
        for band in range(5, 0, -1)
    ]
    description = "Number of subusers with a score in each band now."
    return panels.bars("Bands now: $metric", description, targets, "short", PLAIN_STEPS).min(0)


def _worst() -> panels.Panel:
    worst = f"sort(bottomk({_WORST}, {promql.score()}))"
    panel = panels.bars(
        "Worst ten now",
        "The ten lowest overall scores. Click one to open the subuser.",
        [panels.query_now(worst, "{{account}} / {{subuser}}")],
        "none",
        SCORE_STEPS,
    )
    return panel.min(1).max(5).decimals(1).data_links([columns.link_series_to_subuser()])


def _accounts() -> panels.Panel:
    under = promql.held("sendgrid_seq_score_subusers", _OVERALL, 'band=~"1|2"', by="account, band")
    date = promql.newest_day(by="account")
    asked = {
        "Own score": promql.held("sendgrid_seq_account_score", by="account"),
        "Mean": f"avg by (account) ({promql.score()})",
        "Lowest": f"min by (account) ({promql.score()})",
        "Under 3": f"sum by (account) ({under})",
        "Scored": promql.subusers("scored"),
        "Ineligible": promql.subusers("ineligible"),
        "Missing": promql.subusers("missing"),
        "Day": f"{date} * 1000",
    }
    description = (
        "For each account: the score of its own mail, the mean and the lowest score of its "
        "subusers, and their number. Click a name to show only that account."
    )
    panel = _table("Accounts", description, ("account",), asked)
    for name in ("Own score", "Mean", "Lowest"):
        panel = columns.color_column(panel, name)
    panel = columns.give_unit(panel, "Day", "dateTimeAsIso")
    panel = columns.link_column(panel, "account", columns.link_row_to_account())
    return columns.sort_by(panel, "Lowest")


def _movers(direction: str, ago: str, days: int) -> panels.Panel:
    falls = direction == "fell"
    changed = promql.change(ago=ago)
    most = f"bottomk({_WORST}, {changed}) < 0" if falls else f"topk({_WORST}, {changed}) > 0"
    panel = _table(
        f"{direction.capitalize()} most in {days} days",
        f"The ten subusers whose overall score {direction} most since {days} days ago. "
        "Empty if no score did, or if there are no scores of that day.",
        ("account", "subuser"),
        {"Change": most},
    )
    panel = columns.color_column(panel, "Change", CHANGE_STEPS)
    panel = columns.link_column(panel, "subuser", columns.link_row_to_subuser())
    return columns.sort_by(panel, "Change", descending=not falls)


def _everyone() -> panels.Panel:
    scores = {"Overall": promql.score(_SEARCHED)}
    for metric, name in METRIC_NAMES.items():
        scores[name] = promql.metric_score(metric, _SEARCHED)
    changes = {
        "7 days": promql.change(_SEARCHED, ago="7d"),
        "30 days": promql.change(_SEARCHED, ago="30d"),
    }
    description = (
        "Every scored subuser, worst first; “Subuser contains” filters them. "
        "The last columns show the change of the overall score."
    )
    panel = _table("Every subuser", description, ("account", "subuser"), scores | changes)
    for name in scores:
        panel = columns.color_column(panel, name)
    for name in changes:
        panel = columns.color_column(panel, name, CHANGE_STEPS)
    panel = columns.link_column(panel, "subuser", columns.link_row_to_subuser())
    return columns.sort_by(panel, "Overall")


def _table(
    title: str, description: str, keys: tuple[str, ...], asked: dict[str, str]
) -> tables.Panel:
    letters = dict(zip("ABCDEFGHIJ", asked, strict=False))
    targets = [panels.query_rows(asked[name], ref=letter) for letter, name in letters.items()]
    panel = panels.table(title, description, targets, "none", PLAIN_STEPS)
    return columns.name_columns(panel, keys, letters)
