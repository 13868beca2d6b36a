"""The exposition formats: Prometheus' text format, and OpenMetrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

# The last line of OpenMetrics.
_END = b"# EOF\n"


class Format(NamedTuple):
    """An exposition format: its full media type, and the function that renders a registry."""

    content_type: str
    render: Callable[[CollectorRegistry], bytes]

    def render_part(self, registry: CollectorRegistry) -> bytes:
        """Return `registry` without the line that ends the exposition."""
        return self.render(registry).removesuffix(_END)

    def header(self, metric: Metric) -> str:
        """Return the lines before the samples of `metric`, which has none itself."""
        return self.render_part(_Given([metric])).decode()


TEXT = Format(CONTENT_TYPE_PLAIN_0_0_4, generate_latest)
OPENMETRICS = Format(
    "application/openmetrics-text; version=1.0.0; charset=utf-8", openmetrics.generate_latest
)
FORMATS = (TEXT, OPENMETRICS)


class _Given(CollectorRegistry):
    """A registry of given metrics."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        super().__init__()
        self._given = metrics

    def collect(self) -> Iterator[Metric]:
        return iter(self._given)
