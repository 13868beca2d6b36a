"""The dashboard of one subuser: its scores over time, its last drop, and remedies."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.builders.timeseries import Panel as Graph
from grafana_foundation_sdk.models.common import AxisPlacement, GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DynamicConfigValue,
    FieldColorModeId,
)

from grafana.source import alerts, columns, drops, links, panels, promql
from grafana.source.colours import (
    AGE_CELLS,
    CHANGE_CELLS,
    PLAIN_STEPS,
    SCORE_CELLS,
    SCORE_STEPS,
    thresholds,
)
from grafana.source.dashboard import DashboardLayout, choose_owner, choose_subuser
from grafana.source.metric_texts import METRIC_NAMES, SCORE_NAMES, TEXTS

# Several accounts may have a subuser of this name: one of them is shown.
CHOSEN = ("account=`${owner:raw}`", "subuser=`${subuser:raw}`")
_WHY = "Where the exporter explains this subuser's score."
# A path and no link: no dashboard knows the exporter's address. And no command with the name in it:
# whoever pastes one would run what a name like `x'; rm -r ~; '` holds.
_EXPLAINED = """\
The exporter's page of this subuser says in plain words what changed and when, who fell too, what \
helps, and where to look. Open this path below the address of the exporter:

```text
/subuser?account=${owner:percentencode}&subuser=${subuser:percentencode}
```

`seq-exporter explain`, followed by the name of the subuser, says the same in a terminal.
"""
_NO_SCORE = (
    "No score in this time. If no subuser is listed at the top, no selected account has any. "
    "On the first day, choose the last hour."
)


def build_subuser() -> Dashboard:
    """Make the dashboard."""
    layout = DashboardLayout(
        "seq-subuser",
        "SendGrid Engagement Quality / Subuser",
        "One subuser's scores over time, the metrics behind each change, and remedies.",
        begins="now-90d",
    )
    layout.choose(choose_subuser())
    layout.choose(choose_owner())
    layout.link(links.from_top_to_fleet("owner"))
    layout.mark(alerts.mark_alerts(*CHOSEN))
    _place_numbers(layout)
    layout.place(8, (24, _overall()))
    layout.place(9, (12, _then_and_now()), (12, drops.last_drop(*CHOSEN)))
    layout.place(9, (24, _timeline()))
    layout.place(5, (24, panels.note("Why it changed", _WHY, _EXPLAINED)))
    for metric, name in METRIC_NAMES.items():
        layout.row(name)
        remedy = panels.note(f"{name}: remedies", f"Meaning and remedies: {name}.", TEXTS[metric])
        layout.place(7, (16, _metric(metric, name)), (8, remedy))
    return layout.build()


def _place_numbers(layout: DashboardLayout) -> None:
    number = panels.number
    now = number("Overall", _NOW, promql.score(*CHOSEN), "none", SCORE_CELLS, 1)
    asked = number("Eligible", _ELIGIBLE, _eligible(), "none", PLAIN_STEPS)
    since = number("Eligible for", _SINCE, _eligible_for(), "suffix:days", PLAIN_STEPS, 1)
    fell = number("Last fell", drops.WHEN, drops.when(*CHOSEN), "dateTimeFromNow", PLAIN_STEPS)
    row = (
        now,
        _change("7d", 7),
        _change("30d", 30),
        fell.max_data_points(promql.MOST_POINTS).no_value("not known"),
        asked.mappings([panels.words({"0": "no", "1": "yes"})]),
        since.max_data_points(promql.MOST_POINTS),
        number("Days scored", _DAYS, _days_with_a_score(), "locale", PLAIN_STEPS),
        number("Score age", _AGE, _age(), "suffix:days", AGE_CELLS, 1),
    )
    layout.place(4, *((3, panel) for panel in row))


_NOW = "The current overall score."
_ELIGIBLE = (
    "Whether SendGrid rates the subuser now. It requires open tracking and at least 1,000 "
    "messages in the last 30 days."
)
_SINCE = (
    "How long SendGrid has rated the subuser without a break, within the dashboard's time range; "
    "0 if the subuser has no score now."
)
_DAYS = "Number of days with an overall score within the dashboard's time range."
_AGE = (
    "The age of these scores, counted from midnight UTC of their day. Two to three days are "
    "normal: SendGrid rates a day after its end."
)


def _eligible() -> str:
    return promql.held("sendgrid_seq_subuser_eligible", *CHOSEN, by="account, subuser")


def _eligible_for() -> str:
    # A sample with the value 0 (not eligible) counts for as long as samples are held.
    eligible = _eligible()
    ended = f"max_over_time(timestamp({eligible} == 0)[$__range:{promql.PACE}])"
    began = f"min_over_time(timestamp({eligible})[$__range:{promql.PACE}])"
    now = f"timestamp({eligible})"  # before the subquery has its first point
    return f"(time() - ({ended} or {began} or {now})) / 86400"


def _age() -> str:
    return promql.age(CHOSEN[0], 'scope="subusers"', by="account")


def _days_with_a_score() -> str:
    scored = promql.score(*CHOSEN)
    return f"count_over_time({scored}[$__range:1d]) or 0 * {scored} + 1"  # in less than a day


def _change(ago: str, days: int) -> panels.Panel:
    description = f"Change of the overall score in {days} days."
    changed = promql.change(*CHOSEN, ago=ago)
    panel = panels.number(f"In {days} days", description, changed, "none", CHANGE_CELLS, 1)
    return panel.no_value("not known")


def _overall() -> panels.Panel:
    description = (
        "The overall score: 1 is poor, 5 is good. The background colour changes at 2, 3 and 4. "
        "A gap is a time without a score."
    )
    overall = [panels.query(promql.score(*CHOSEN), "Overall")]
    return _on_scale(panels.graph("Overall score over time", description, overall, "none", "10m"))


def _metric(metric: str, name: str) -> panels.Panel:
    scores = promql.metric_score(metric, *CHOSEN)
    description = f"The score of the metric {name.lower()}: 1 is poor, 5 is good."
    targets = [panels.query(scores, name)]
    return _on_scale(panels.graph(name, description, targets, "none", "10m"))


def _on_scale(panel: Graph) -> Graph:
    style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.AREA)
    panel = panel.thresholds(thresholds(SCORE_STEPS)).thresholds_style(style)
    panel = panel.min(1).max(5).decimals(1).axis_placement(AxisPlacement.LEFT)
    panel = panel.max_data_points(promql.MOST_POINTS)
    # A colour of its own would look like a judgement.
    line = FieldColor().mode(FieldColorModeId.FIXED).fixed_color("text")
    return panel.color_scheme(line).no_value(_NO_SCORE)


def _timeline() -> panels.Panel:
    description = (
        "All six scores by colour: the row that changes colour first is the metric that pulled the "
        "overall score with it."
    )
    metrics = promql.every_score(*CHOSEN, 'metric!=""')
    targets = [
        panels.query(promql.score(*CHOSEN), "overall"),
        panels.query(metrics, "{{metric}}", ref="B"),
    ]
    panel = panels.states("All scores over time", description, targets, "none", SCORE_STEPS)
    panel = panel.decimals(1).max_data_points(promql.MOST_POINTS)
    for metric, name in SCORE_NAMES.items():
        panel = panel.override_by_name(metric, [DynamicConfigValue("displayName", name)])
    return panel.no_value(_NO_SCORE)


def _then_and_now() -> panels.Panel:
    now = promql.every_score(*CHOSEN)
    numbers = {
        "Now": columns.scores(now),
        "7 days": columns.changes(_changed(now, "7d")),
        "30 days": columns.changes(_changed(now, "30d")),
        "Lowest": columns.scores(f"min_over_time({now}[$__range:{promql.PACE}]) or {now}"),
        "Highest": columns.scores(f"max_over_time({now}[$__range:{promql.PACE}]) or {now}"),
    }
    description = (
        "Each score now, its change in 7 and in 30 days, and its lowest and highest value within "
        "the dashboard's time range. A slow decline shows here first."
    )
    panel = columns.make_table("Then and now", description, ("metric",), numbers, has_pages=False)
    panel = panel.max_data_points(promql.MOST_POINTS)
    panel = columns.give_words(panel, "metric", SCORE_NAMES)
    return columns.sort_by(panel.no_value(_NO_SCORE), "Now")


def _changed(now: str, ago: str) -> str:
    return f"round({now} - {promql.every_score(*CHOSEN, ago=ago)}, 0.1)"
