"""The exporter's processes, and whether Prometheus can scrape them."""

from __future__ import annotations

from grafana_foundation_sdk.builders.stat import Panel as Number

from grafana.source import panels
from grafana.source.colours import FAULT_CELLS
from grafana.source.promql import select_process


def of_exporters(metric: str) -> str:
    """Return the series of a metric that other targets of Prometheus have, too."""
    known = f"last_over_time({select_process('seq_exporter_build_info')}[7d])"
    return f"({select_process(metric)} and on (job, instance) {known})"


def count_down() -> Number:
    """Show whether Prometheus can scrape all processes, or how many it cannot."""
    description = (
        "How many exporters Prometheus cannot scrape now, of those that it could scrape within the "
        "last 7 days."
    )
    down = f"sum({of_exporters('up')} == bool 0)"
    panel = panels.number("Exporters", description, down, "suffix:down", FAULT_CELLS)
    return panel.mappings([panels.words({"0": "up"})]).no_value("none")
