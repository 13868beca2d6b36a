"""Run the dashboards' queries as Grafana does: with variables filled in and a suitable step."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

_FOLDER = Path(__file__).parent
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SCREEN_PIXELS = 1600
_TIMEOUT_SECONDS = 60

#: Values of the variables; `.+` is the value of "All".
CHOICES = {
    "job": ".+",
    "account": ".+",
    "subuser": "shop-de",
    "owner": "kettlewick",  # which has this subuser in the simulated fleet
    "metric": "overall",
    "search": "",
}


def load_dashboards() -> dict[str, Any]:
    """Return the committed dashboards by their uid."""
    paths = sorted(_FOLDER.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


@dataclass(frozen=True)
class Query:
    """One of a panel's queries; `expression` has its variables filled in."""

    dashboard: str
    panel: Mapping[str, Any]
    target: Mapping[str, Any]
    expression: str
    range_seconds: int
    step_seconds: int

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel['title']} {self.target['refId']}: {self.expression}"

    def send(self, base: str, now: float) -> Any:
        """Return the JSON answer of the Prometheus at `base`."""
        asked = {"query": self.expression}
        if self.target["instant"]:
            return _get(f"{base}/api/v1/query", asked | {"time": str(now)})
        start = now - self.range_seconds // self.step_seconds * self.step_seconds
        times = {"start": str(start), "end": str(now), "step": str(self.step_seconds)}
        return _get(f"{base}/api/v1/query_range", asked | times)


def list_queries(choices: Mapping[str, str]) -> Iterator[Query]:
    """Return every query of every dashboard, with these variable values."""
    for name, dashboard in load_dashboards().items():
        span = _parse(dashboard["time"]["from"].removeprefix("now-"))
        for panel in dashboard["panels"]:
            pixels = _SCREEN_PIXELS * panel["gridPos"]["w"] // 24
            step = max(_parse(panel.get("interval", "15s")), span // pixels)
            for target in panel.get("targets", ()):
                expression = fill(target["expr"], choices, span, step)
                yield Query(name, panel, target, expression, span, step)


def fill(expression: str, choices: Mapping[str, str], span: int = 0, step: int = 0) -> str:
    """Put the variables' values into a query over `span` seconds in steps of `step`."""
    times = {
        "__range": f"{span}s",
        "__interval": f"{step}s",
        "__rate_interval": f"{max(step + 15, 60)}s",
    }
    values = {**choices, **times}
    variable = r"\$\{(\w+)(?::\w+)?\}|\$(\w+)"
    return re.sub(variable, lambda found: values[found[1] or found[2]], expression)


def _parse(duration: str) -> int:
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _get(url: str, parameters: Mapping[str, str]) -> Any:
    return requests.get(url, parameters, timeout=_TIMEOUT_SECONDS).json()
