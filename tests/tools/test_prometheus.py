"""A real Prometheus scrapes the exporter, and has what the simulator says."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.processes import Start, exporter_by, find_tool, free_port, running, wait_for
from tests.simulator import Samples, Simulator
from tests.support import GIVE_UP_SECONDS

SCRAPE = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: seq-exporter
    static_configs: [{{targets: ["{address}"]}}]
"""


@pytest.fixture(scope="module")
def served(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start `serve` on the simulator; return its address, host and port, once it has scores."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "config.yaml").write_text(simulator.config)
    address = f"127.0.0.1:{free_port()}"
    with running(folder) as start:
        process = exporter_by(start)("serve", f"--web.listen-address={address}")
        wait_for(f"http://{address}/-/ready", process)
        yield address


def query(base: str, expression: str) -> Samples:
    """Return the instant vector of `expression` by name and label values."""
    answer = requests.get(f"{base}/api/v1/query", {"query": expression}, timeout=GIVE_UP_SECONDS)
    samples: Samples = {}
    for found in answer.json()["data"]["result"]:
        name = found["metric"].pop("__name__")
        labels = {k: v for k, v in found["metric"].items() if k not in ("instance", "job")}
        key = (name, *(value for _, value in sorted(labels.items())))
        assert key not in samples
        samples[key] = float(found["value"][1])
    return samples


def test_prometheus_has_the_scores_of_the_simulator(
    start: Start, served: str, simulator: Simulator, tmp_path: Path
) -> None:
    prometheus = find_tool("prometheus")
    (tmp_path / "prometheus.yml").write_text(SCRAPE.format(address=served))
    base = f"http://127.0.0.1:{free_port()}"
    server = start(
        prometheus,
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address={base.removeprefix('http://')}",
    )
    wait_for(f"{base}/-/ready", server)
    scores = '{__name__=~"sendgrid_seq_(account_)?(metric_)?score"}'
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not (found := query(base, scores)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == simulator.read_newest()
    assert query(base, 'up{job="seq-exporter"}') == {("up",): 1}
    assert set(query(base, "seq_exporter_account_up").values()) == {1}
    scored = sum(1 for labels in found if labels[0] == "sendgrid_seq_score")
    assert sum(query(base, 'sendgrid_seq_subusers{state="scored"}').values()) == scored
    assert sum(query(base, "sendgrid_seq_subuser_eligible").values()) == scored


def test_promtool_has_nothing_to_say_about_the_page(served: str) -> None:
    promtool = find_tool("promtool")
    text = {"Accept": "text/plain"}
    page = requests.get(f"http://{served}/metrics", headers=text, timeout=GIVE_UP_SECONDS)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=page.content, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
