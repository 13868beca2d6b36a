"""The metrics of the process: its configuration and version, and what it uses at this moment."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Gauge, PlatformCollector
from prometheus_client.metrics_core import Metric

from seq_exporter import __version__
from seq_exporter.publish.formats import FORMATS, Format
from seq_exporter.publish.process_usage import ProcessUsage

# The HELP text of each gauge that an event sets, by name, in the order of the page.
_GAUGES: Mapping[str, str] = {
    "seq_exporter_config_last_reload_successful": (
        "Whether the last reading of the configuration succeeded (1) or failed (0)."
    ),
    "seq_exporter_config_last_reload_success_timestamp_seconds": (
        "When the current configuration was read."
    ),
    "seq_exporter_web_config_last_reload_successful": (
        "Whether the last reading of the web configuration and the certificates succeeded (1) "
        "or failed (0)."
    ),
    "seq_exporter_shard_ordinal": (
        "The number of this process among those that share the work, counted from 0."
    ),
    "seq_exporter_shards": "How many processes share the work; 1 if it is not shared.",
}


class ProcessMetrics:
    """The metrics of the process, in registries of prometheus-client.

    Those that an event sets are rendered then; what the process uses is read for a scrape.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._events = CollectorRegistry()
        self._gauges = {
            name: Gauge(name, text, registry=self._events) for name, text in _GAUGES.items()
        }
        build_info = Gauge(
            "seq_exporter_build_info",
            "The running version; always 1.",
            ("version", "python_version"),
            registry=self._events,
        )
        build_info.labels(__version__, platform.python_version()).set(1)
        PlatformCollector(registry=self._events)
        self._usage = ProcessUsage(monotonic)
        self.write("seq_exporter_web_config_last_reload_successful", True)

    def write(self, name: str, value: float) -> None:
        """Set the gauge `name`."""
        self._gauges[name].set(value)
        self._rendered = {each: each.render_part(self._events) for each in FORMATS}

    def render(self, chosen: Format) -> bytes:
        """Return all metrics, up to the end of the page."""
        return self._rendered[chosen] + self._usage.render(chosen.render)

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics, as prometheus-client does."""
        yield from self._events.collect()
        yield from self._usage.collect()
