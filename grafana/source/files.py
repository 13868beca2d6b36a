"""The list of dashboards, and their JSON files."""

from __future__ import annotations

from collections.abc import Callable

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.exporter import build_exporter
from grafana.source.fleet import build_fleet
from grafana.source.subuser import build_subuser

DASHBOARDS: tuple[Callable[[], Dashboard], ...] = (build_fleet, build_subuser, build_exporter)


def render_all() -> dict[str, str]:
    """Return the content of each file by its name."""
    built = [build() for build in DASHBOARDS]
    return {f"{dashboard.uid}.json": _render(dashboard) for dashboard in built}


def _render(dashboard: Dashboard) -> str:
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard) + "\n"
