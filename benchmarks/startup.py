"""Time until `serve` answers, and until it stops during a poll that gets no answer."""

from __future__ import annotations

import socket
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.processes import python, running_exporter

_RUNS = 5
_ACCEPT_SECONDS = 30.0
# Memory and CPU time are read after all work of the start is done.
_SETTLE_SECONDS = 0.5


def measure_startup(folder: Path) -> Figures:
    """Return medians, and the time of an empty Python program, because machines differ."""
    bare: list[float] = []
    found: list[Figures] = []
    for _ in range(_RUNS):
        bare.append(_measure_bare_python())
        found.append(_measure_serve(folder))
    medians = {name: statistics.median(each[name] for each in found) for name in found[0]}
    return medians | {"bare python": statistics.median(bare)}


def _measure_bare_python() -> float:
    started = time.monotonic()
    # Without a time limit: with one, `subprocess` looks for the end in growing intervals, and 17 ms
    # would count as 32.
    subprocess.run(python("-c", "pass"), check=True)
    return time.monotonic() - started


def _measure_serve(folder: Path) -> Figures:
    with socket.create_server(("127.0.0.1", 0)) as sendgrid:
        sendgrid.settimeout(_ACCEPT_SECONDS)
        url = f"http://127.0.0.1:{sendgrid.getsockname()[1]}"
        started = time.monotonic()
        config = f"accounts: [{{name: acme, api_key: k, base_url: '{url}'}}]"
        with running_exporter(folder, config) as exporter:
            healthy = time.monotonic() - started
            healthy_cpu_seconds = exporter.cpu_seconds
            connection, _ = sendgrid.accept()
            with connection:
                connection.settimeout(_ACCEPT_SECONDS)
                connection.recv(1)  # the poll has begun, and waits for its answer
                time.sleep(_SETTLE_SECONDS)
                figures = {
                    "healthy": healthy,
                    "start memory": exporter.memory(),
                    "start cpu": exporter.cpu_seconds,
                    # Importing what the first poll needs, up to its first request.
                    "first request cpu": exporter.cpu_seconds - healthy_cpu_seconds,
                }
                stopping = time.monotonic()
                status = exporter.end()
                assert status == 0, f"exit status {status} after SIGTERM"
                return figures | {"stopped": time.monotonic() - stopping}
