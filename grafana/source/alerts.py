"""The alerts that fire: a number, a list, and marks in graphs. They need the alerting rules."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.source import columns, panels, promql
from grafana.source.colours import BAD, FAULT_CELLS, SEVERITY_CELLS
from grafana.source.metric_texts import COLUMN_NAMES

_SEVERITIES = {"critical": 3, "warning": 2, "info": 1}
_URGENT = 'severity=~"critical|warning"'


def count_firing() -> panels.Panel:
    """Show how many alerts fire that are not for information only."""
    description = (
        "Alerts of severity critical and warning that fire now for the selected accounts, or for "
        "the exporter. They need the alerting rules."
    )
    firing = f"count({promql.firing(_URGENT)})"
    panel = panels.number("Alerts firing", description, firing, "locale", FAULT_CELLS)
    return panel.no_value("none")


def list_firing() -> panels.Panel:
    """Make a table of the alerts that fire now, the most severe first."""
    by_severity = " or ".join(
        f"{number} * " + promql.firing(f'severity="{severity}"')
        for severity, number in _SEVERITIES.items()
    )
    order = ("Severity", "alertname", "account", "subuser", "metric", "since")
    targets = [panels.query_rows(by_severity)]
    panel = panels.table("Alerts that fire now", _DESCRIPTION, targets, has_pages=True)
    panel = columns.name_columns(panel, order, {"A": "Severity"}, hidden=("severity",))
    panel = columns.title_column(panel, "alertname", "Alert")
    panel = columns.set_width(panel, "alertname", 205)
    panel = columns.set_width(panel, "since", 100)
    panel = columns.name_metrics(panel, "Metric", COLUMN_NAMES)
    panel = columns.color_column(panel, "Severity", SEVERITY_CELLS)
    words = {
        str(number): models.ValueMappingResult(text=severity)
        for severity, number in _SEVERITIES.items()
    }
    panel = panel.override_by_name(
        "Severity", [models.DynamicConfigValue("mappings", [models.ValueMap(words)])]
    )
    panel = columns.link_column(panel, "subuser", columns.link_row_to_subuser())
    panel = panel.no_value("No alert fires, or Prometheus has no alerting rules.")
    return columns.sort_by(panel, "Severity", descending=True)


_DESCRIPTION = (
    "The alerts of the selected accounts and of the exporter, the most severe first. docs/runbooks "
    "explains each. Falls have the day on which they began."
)


class _Marks(models.AnnotationQuery, Builder[models.AnnotationQuery]):
    """An annotation with the texts that Grafana's Prometheus data source reads beside it."""

    def to_json(self) -> dict[str, object]:
        texts = {"titleFormat": "{{alertname}}", "textFormat": "{{account}} {{subuser}} {{metric}}"}
        return {**super().to_json(), **texts, "step": promql.PACE}

    def build(self) -> models.AnnotationQuery:
        """Return it: a dashboard takes only what is still to be built."""
        return self


def mark_alerts(*matchers: str) -> Builder[models.AnnotationQuery]:
    """Mark in graphs when alerts fired."""
    return _Marks(
        name="Alerts",
        datasource=panels.DATASOURCE,
        icon_color=BAD,
        expr=promql.firing(_URGENT, *matchers),
    )
