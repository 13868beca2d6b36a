"""A real Prometheus scrapes the exporter, and has what the simulator says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.processes import Start, exporter_by, find_tool, free_port, running, wait_for
from tests.prometheus import start_prometheus
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS

SCRAPE = """
global: {{scrape_interval: 200ms}}
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


def test_prometheus_has_the_scores_of_the_simulator(
    start: Start, served: str, simulator: Simulator, tmp_path: Path
) -> None:
    prometheus = start_prometheus(start, tmp_path, SCRAPE.format(address=served))
    prometheus.wait_until('up{job="seq-exporter"}', {("up",): 1})
    found = prometheus.query('{__name__=~"sendgrid_seq_(account_)?(metric_)?score"}')
    assert found == simulator.read_newest()
    assert set(prometheus.query("seq_exporter_account_up").values()) == {1}
    scored = sum(1 for labels in found if labels[0] == "sendgrid_seq_score")
    assert sum(prometheus.query('sendgrid_seq_subusers{state="scored"}').values()) == scored
    assert sum(prometheus.query("sendgrid_seq_subuser_eligible").values()) == scored


def test_promtool_has_nothing_to_say_about_the_page(served: str) -> None:
    promtool = find_tool("promtool")
    text = {"Accept": "text/plain"}
    page = requests.get(f"http://{served}/metrics", headers=text, timeout=GIVE_UP_SECONDS)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=page.content, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
