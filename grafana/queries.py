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

#: The value of a variable that stands for all of its values. Grafana does not escape it.
ALL = ".+"
#: A variable's value, or several values of one.
Choice = str | tuple[str, ...]
CHOICES: dict[str, Choice] = {
    "job": ALL,
    "account": ALL,
    "subuser": "shop-de",
    "owner": "kettlewick",  # which has this subuser in the simulated fleet
    "metric": "overall",
    "search": "",
    "lowest": ALL,
    "fallen": ALL,
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


def list_panels(dashboard: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the panels of a dashboard, and those within closed rows."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def list_queries(choices: Mapping[str, Choice], span: int | None = None) -> Iterator[Query]:
    """Yield every query of every dashboard, with these variable values.

    `span` is the time range in seconds, if it is not the dashboard's own.
    """
    for name, dashboard in load_dashboards().items():
        usual = _parse(dashboard["time"]["from"].removeprefix("now-"))
        yield from _list_queries(name, dashboard, choices, span or usual)


def _list_queries(
    name: str, dashboard: Mapping[str, Any], choices: Mapping[str, Choice], span: int
) -> Iterator[Query]:
    for panel in list_panels(dashboard):
        pixels = _SCREEN_PIXELS * panel["gridPos"]["w"] // 24
        points = panel.get("maxDataPoints", pixels)
        step = max(_parse(panel.get("interval", "15s")), span // points)
        for target in panel.get("targets", ()):
            expression = fill(target["expr"], choices, span, step)
            yield Query(name, panel, target, expression, span, step)


def fill(expression: str, choices: Mapping[str, Choice], span: int = 0, step: int = 0) -> str:
    r"""Put the variables' values into a query over `span` seconds in steps of `step`.

    As Grafana does: `${account:regex}` becomes `a\+b`, or `(a\+b|c)`; `${subuser:raw}` stays.
    """
    times = {
        "__range": f"{span}s",
        "__interval": f"{step}s",
        "__rate_interval": f"{max(step + 15, 60)}s",
    }
    values = {**choices, **times}
    variable = r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)"
    return re.sub(variable, lambda f: _format(values[f[1] or f[3]], f[2]), expression)


def _format(value: Choice, form: str | None) -> str:
    if isinstance(value, tuple):
        return f"({'|'.join(_format(each, form) for each in value)})"
    if form == "regex" and value != ALL:
        return re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value)
    return value


def _parse(duration: str) -> int:
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _get(url: str, parameters: Mapping[str, str]) -> Any:
    return requests.get(url, parameters, timeout=_TIMEOUT_SECONDS).json()
