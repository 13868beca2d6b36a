"""The dashboard of one subuser: its scores over time, its last drop, and remedies."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders.timeseries import Panel as Graph
from grafana_foundation_sdk.models.common import AxisPlacement, GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DynamicConfigValue,
    ValueMap,
    ValueMappingResult,
)

from grafana.source import columns, drops, panels, promql
from grafana.source.colours import (
    BAD,
    CHANGE_STEPS,
    GOOD,
    PLAIN_STEPS,
    SCORE_STEPS,
    WELL_STEPS,
    thresholds,
)
from grafana.source.dashboard import DashboardLayout, choose_subuser, find_owners
from grafana.source.metric_texts import METRIC_NAMES, REMEDIES

# Of many accounts, few have a subuser of this name: only their dates are read.
CHOSEN = ('account=~"$owner"', 'subuser="$subuser"')
_DAY = 86400


def build_subuser() -> Dashboard:
    """Make the dashboard."""
    layout = DashboardLayout(
        "seq-subuser",
        "SendGrid Engagement Quality / Subuser",
        "One subuser's scores over time, the metrics behind each change, and remedies.",
        begins="now-90d",
    )
    layout.choose(choose_subuser())
    layout.choose(find_owners())
    _place_numbers(layout)
    layout.place(8, (24, _overall()))
    layout.place(9, (24, _timeline()))
    layout.row("Drops and changes")
    layout.place(9, (12, drops.last_drop(*CHOSEN)), (12, _then_and_now()))
    for metric, name in METRIC_NAMES.items():
        layout.row(name)
        remedy = panels.note(
            f"{name}: remedies", f"Meaning and remedies: {name}.", REMEDIES[metric]
        )
        layout.place(7, (16, _metric(metric, name)), (8, remedy))
    return layout.build()


def _place_numbers(layout: DashboardLayout) -> None:
    number = panels.number
    eligible = promql.held("sendgrid_seq_subuser_eligible", *CHOSEN, by="account, subuser")
    words = {
        "0": ValueMappingResult(text="no", color=BAD),
        "1": ValueMappingResult(text="yes", color=GOOD),
    }
    now = number(
        "Overall score", "The current overall score.", promql.score(*CHOSEN), "none", SCORE_STEPS
    )
    asked = number("Eligible", _ELIGIBLE, eligible, "none", WELL_STEPS)
    layout.place(
        4,
        (4, now.decimals(1)),
        (3, _change("7d", 7)),
        (3, _change("30d", 30)),
        (3, asked.mappings([ValueMap(words)])),
        (4, number("Eligible for", _SINCE, _eligible_for(), "s", PLAIN_STEPS)),
        (3, number("Days with a score", _DAYS, _days_with_a_score(), "short", PLAIN_STEPS)),
        (4, number("Last fell", drops.WHEN, drops.when(*CHOSEN), "dateTimeFromNow", PLAIN_STEPS)),
    )


_ELIGIBLE = (
    "Whether SendGrid rates the subuser now. It requires open tracking and at least 1,000 "
    "messages in the last 30 days."
)
_SINCE = (
    "How long SendGrid has rated the subuser without a break, within the dashboard's time range; "
    "0 if the subuser has no score now."
)
_DAYS = "Number of days with an overall score within the dashboard's time range."


def _eligible_for() -> str:
    # A sample with the value 0 (not eligible) counts for as long as samples are held.
    eligible = promql.held("sendgrid_seq_subuser_eligible", *CHOSEN, by="account, subuser")
    ended = f"max_over_time(timestamp({eligible} == 0)[$__range:{promql.PACE}])"
    began = f"min_over_time(timestamp({eligible})[$__range:{promql.PACE}])"
    return f"time() - ({ended} or {began})"


def _days_with_a_score() -> str:
    return f"count_over_time({promql.score(*CHOSEN)}[$__range:1d])"


def _change(ago: str, days: int) -> panels.Panel:
    description = f"Change of the overall score in {days} days."
    changed = promql.change(*CHOSEN, ago=ago)
    return panels.number(f"In {days} days", description, changed, "none", CHANGE_STEPS).decimals(1)


def _overall() -> panels.Panel:
    description = (
        "The overall score: 1 is poor, 5 is good. The background colour changes at 2, 3 and 4. "
        "A gap is a time without a score."
    )
    overall = [panels.query(promql.score(*CHOSEN), "{{account}} / {{subuser}}")]
    return _on_scale(panels.graph("Overall score over time", description, overall, "none", "10m"))


def _metric(metric: str, name: str) -> panels.Panel:
    scores = promql.metric_score(metric, *CHOSEN)
    description = f"The score of the metric {name.lower()}: 1 is poor, 5 is good."
    targets = [panels.query(scores, "{{account}} / {{subuser}}")]
    return _on_scale(panels.graph(name, description, targets, "none", "10m"))


def _on_scale(panel: Graph) -> Graph:
    style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.AREA)
    panel = panel.thresholds(thresholds(SCORE_STEPS)).thresholds_style(style)
    return panel.min(1).max(5).decimals(1).axis_placement(AxisPlacement.LEFT)


def _timeline() -> panels.Panel:
    description = (
        "All six scores by colour: the row that changes colour first is the metric that pulled the "
        "overall score with it."
    )
    legend = "{{metric}}"
    targets = [panels.query(promql.every_score(*CHOSEN), legend)]
    panel = panels.states("All scores over time", description, targets, "none", SCORE_STEPS)
    for metric, name in {"overall": "Overall", **METRIC_NAMES}.items():
        panel = panel.override_by_name(metric, [DynamicConfigValue("displayName", name)])
    return panel


def _then_and_now() -> panels.Panel:
    now = promql.every_score(*CHOSEN)
    asked = {
        "Now": now,
        "7 days": f"round({now} - {promql.every_score(*CHOSEN, ago='7d')}, 0.1)",
        "30 days": f"round({now} - {promql.every_score(*CHOSEN, ago='30d')}, 0.1)",
        "Lowest": f"min_over_time({now}[$__range:{promql.PACE}])",
        "Highest": f"max_over_time({now}[$__range:{promql.PACE}])",
    }
    description = (
        "Each score now, its change in 7 and in 30 days, and its lowest and highest value within "
        "the dashboard's time range. A slow decline shows here first."
    )
    letters = dict(zip("ABCDE", asked, strict=True))
    targets = [panels.query_rows(asked[name], ref=letter) for letter, name in letters.items()]
    panel = panels.table("Then and now", description, targets, "none", PLAIN_STEPS)
    panel = columns.name_columns(panel, ("account", "subuser", "metric"), letters)
    for name in ("Now", "Lowest", "Highest"):
        panel = columns.color_column(panel, name)
    for name in ("7 days", "30 days"):
        panel = columns.color_column(panel, name, CHANGE_STEPS)
    return columns.sort_by(columns.hide_columns(panel, "account", "subuser"), "30 days")
