"""A real Prometheus that a test starts and asks."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.processes import Start, find_tool, free_port, wait_for, wait_until
from tests.simulator import Samples
from tests.support import GIVE_UP_SECONDS


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus, and its base URL."""

    base: str
    process: subprocess.Popen[str]

    def query(self, expression: str) -> Samples:
        """Return the instant vector of `expression` by name and label values."""
        answer = requests.get(
            f"{self.base}/api/v1/query", {"query": expression}, timeout=GIVE_UP_SECONDS
        )
        samples: Samples = {}
        for found in answer.json()["data"]["result"]:
            name = found["metric"].pop("__name__")
            labels = {k: v for k, v in found["metric"].items() if k not in ("instance", "job")}
            key = (name, *(value for _, value in sorted(labels.items())))
            assert key not in samples
            samples[key] = float(found["value"][1])
        return samples

    def wait_until(self, expression: str, expected: Samples) -> None:
        """Return once `expression` has the expected value."""
        wait_until(lambda: self.query(expression) == expected, self.process)


def start_prometheus(start: Start, folder: Path, config: str, *flags: str) -> Prometheus:
    """Start it in `folder` with `config`, on what is in `data`."""
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text(config)
    process = start(
        find_tool("prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100d",
        # It begins to scrape 5 s after its start; without this, sometimes 10 s.
        "--scrape.discovery-reload-interval=100ms",
        f"--web.listen-address={address}",
        *flags,
    )
    wait_for(f"http://{address}/-/ready", process)
    return Prometheus(f"http://{address}", process)
