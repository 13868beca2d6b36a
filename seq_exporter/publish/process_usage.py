"""What the process uses: CPU time, memory, file descriptors, garbage collections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric

#: Renders a registry in one of the exposition formats.
Renderer = Callable[[CollectorRegistry], bytes]

# How long a reading is used again. It takes a third of the time of a scrape, and Prometheus scrapes
# a target once a second at most.
_FRESH_SECONDS = 1.0


class ProcessUsage:
    """The metrics of what the process uses, read at most once a second.

    Two lines of the exposition:

        process_resident_memory_bytes 5.8089472e+07
        process_open_fds 11.0
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._rendered: dict[Renderer, tuple[float, bytes]] = {}

    def render(self, render: Renderer) -> bytes:
        """Return the metrics as `render` writes them. Call it in one thread."""
        now = self._monotonic()
        rendered = self._rendered.get(render)
        if rendered is None or now - rendered[0] >= _FRESH_SECONDS:
            rendered = now, render(self._registry)
            self._rendered[render] = rendered
        return rendered[1]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as prometheus-client reads them now."""
        yield from self._registry.collect()
