"""Serve the same series with stock prometheus_client: `stock_client.py PAGE PORT`.

PAGE is a page of the exporter. Each of its series becomes a Gauge child, served by the library's
own server.
"""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, start_http_server

_SERIES = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)\n")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def fill(registry: CollectorRegistry, page: Path) -> int:
    """Make a gauge for every series on `page`, and return their number.

    Reads line by line, so in the end the process holds only its gauges.
    """
    gauges: dict[str, Gauge] = {}
    count = 0
    with page.open() as lines:
        for line in lines:
            found = _SERIES.fullmatch(line)
            if not found:
                continue
            name, text, value = found.groups()
            labels = {key: _unescape(value) for key, value in _LABEL.findall(text or "")}
            if name not in gauges:
                gauges[name] = Gauge(name, "A family of the exporter.", labels, registry=registry)
            gauge = gauges[name].labels(**labels) if labels else gauges[name]
            gauge.set(float(value))
            count += 1
    return count


def _unescape(text: str) -> str:
    return re.sub(r"\\.", lambda found: _ESCAPED[found[0]], text) if "\\" in text else text


def main() -> None:
    """Serve until the process is stopped."""
    registry = CollectorRegistry()
    count = fill(registry, Path(sys.argv[1]))
    start_http_server(int(sys.argv[2]), "127.0.0.1", registry)
    print(count, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
