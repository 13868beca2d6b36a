"""The alerts that fire: a number, a list, and marks in graphs. They need the alerting rules."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.source import columns, links, panels, promql
from grafana.source.colours import BAD, FAULT_CELLS, SEVERITY_CELLS
from grafana.source.metric_texts import COLUMN_NAMES

_SEVERITIES = {"critical": 3, "warning": 2, "info": 1}
_URGENT = 'severity=~"critical|warning"'


def count_firing() -> panels.Panel:
    """Show how many alerts fire that are not for information only."""
    description = (
        "Alerts of severity critical and warning that fire now for the selected accounts, or for "
        "any exporter. Not known without the alerting rules or scores."
    )
    firing = f"count({promql.firing(_URGENT)}) or 0 * {promql.rules_are_known()}"
    panel = panels.number("Alerts firing", description, firing, "locale", FAULT_CELLS)
    return panel.no_value("not known")


def list_firing() -> panels.Panel:
    """Make a table of the alerts that fire now, the most severe first."""
    by_severity = " or ".join(
        f"{number} * " + promql.firing(f'severity="{severity}"')
        for severity, number in _SEVERITIES.items()
    )
    detailed = f'label_join({by_severity}, "detail", "", {_DETAILS})'
    rows = f"max by (severity, alertname, account, subuser, detail, since) ({detailed})"
    words = {number: severity for severity, number in _SEVERITIES.items()}
    panel = columns.make_table(
        "Alerts that fire now",
        _DESCRIPTION,
        ("Severity", "alertname", "account", "subuser", "detail", "since"),
        {"Severity": columns.Numbers(rows, steps=SEVERITY_CELLS, words=words)},
        hidden=("severity",),
        has_pages=True,
    )
    panel = columns.title_column(panel, "alertname", "Alert")
    panel = columns.set_width(panel, "alertname", 205)
    panel = columns.give_words(panel, "detail", COLUMN_NAMES)
    panel = columns.set_width(panel, "since", 100)
    panel = columns.link_column(panel, "account", links.from_row_to_fleet())
    panel = columns.link_column(panel, "subuser", links.from_row_to_subuser())
    panel = columns.leave_empty(panel, "account", "subuser", "detail", "since")
    panel = panel.no_value("No alert fires, or Prometheus has no alerting rules.")
    return columns.sort_by(panel, "Severity", descending=True)


# An alert has one of these, or none: what it is about besides an account and a subuser.
_DETAILS = '"metric", "reason", "scope", "instance"'
_DESCRIPTION = (
    "The alerts of the selected accounts and of all exporters, the most severe first. "
    "docs/runbooks explains each. Falls have the day on which they began."
)


class _Marks(models.AnnotationQuery, Builder[models.AnnotationQuery]):
    """An annotation with the texts that Grafana's Prometheus data source reads beside it."""

    def to_json(self) -> dict[str, object]:
        # Grafana writes the name of a label that a series lacks, so all have these.
        texts = {"titleFormat": "{{alertname}}", "textFormat": "{{about}}"}
        return {**super().to_json(), **texts, "step": "1h"}

    def build(self) -> models.AnnotationQuery:
        """Return it: a dashboard takes only what is still to be built."""
        return self


def mark_alerts(*matchers: str) -> Builder[models.AnnotationQuery]:
    """Mark in graphs when alerts fired."""
    about = f'"account", "subuser", {_DETAILS}'
    return _Marks(
        name="Alerts",
        datasource=panels.DATASOURCE,
        icon_color=BAD,
        expr=f'label_join({promql.firing(_URGENT, *matchers)}, "about", " ", {about})',
    )
