"""A real Prometheus scrapes exporters, and has what the simulator says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest
import requests
import yaml

from tests.processes import Start, exporter_by, find_tool, free_port, running, wait_for
from tests.prometheus import Prometheus, start_prometheus
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS
from tests.tools.test_web import start_guarded

SCRAPE = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: seq-exporter
    static_configs: [{{targets: ["{served}"]}}]
  - job_name: guarded
    scheme: https
    tls_config: {{ca_file: ca.pem, server_name: localhost}}
    basic_auth: {{username: prometheus, password: right}}
    static_configs: [{{targets: ["localhost:{guarded_port}"]}}]
  - job_name: team
    params: {{account: ["{account}"]}}
    static_configs: [{{targets: ["{served}"]}}]
  - job_name: misspelt
    params: {{account: ["{account}x"]}}
    static_configs: [{{targets: ["{served}"]}}]
"""


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with running(tmp_path_factory.mktemp("scraped")) as start:
        yield start


@pytest.fixture(scope="module")
def account(simulator: Simulator) -> str:
    """Return the account of a team."""
    return str(yaml.safe_load(simulator.config)["accounts"][1]["name"])


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


@pytest.fixture(scope="module")
def prometheus(
    served: str, account: str, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Start the one Prometheus of these tests: it takes 5 s until it scrapes."""
    find_tool("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    with running(folder) as start:
        guarded_port = start_guarded(exporter_by(start), simulator, folder).port
        config = SCRAPE.format(served=served, guarded_port=guarded_port, account=account)
        yield start_prometheus(start, folder, config)


SCORES = '__name__=~"sendgrid_seq_(account_)?(metric_)?score"'


def test_prometheus_has_the_scores_of_the_simulator(
    prometheus: Prometheus, simulator: Simulator
) -> None:
    job = 'job="seq-exporter"'
    prometheus.wait_until(f"up{{{job}}}", {("up",): 1})
    found = prometheus.query(f"{{{SCORES}, {job}}}")
    assert found == simulator.read_newest()
    assert set(prometheus.query(f"seq_exporter_account_up{{{job}}}").values()) == {1}
    scored = sum(1 for labels in found if labels[0] == "sendgrid_seq_score")
    counted = prometheus.query(f'sendgrid_seq_subusers{{state="scored", {job}}}')
    assert sum(counted.values()) == scored
    eligible = prometheus.query(f"sendgrid_seq_subuser_eligible{{{job}}}")
    assert sum(eligible.values()) == scored


def test_prometheus_scrapes_it_behind_tls_and_a_password(
    prometheus: Prometheus, simulator: Simulator
) -> None:
    prometheus.wait_until('up{job="guarded"}', {("up",): 1})
    found = prometheus.query(f'{{{SCORES}, job="guarded"}}')
    assert found == simulator.read_newest()


def test_a_team_scrapes_its_own_account(prometheus: Prometheus, account: str) -> None:
    prometheus.wait_until('up{job="team"}', {("up",): 1})
    prometheus.wait_until('up{job="misspelt"}', {("up",): 0})
    own = prometheus.query('sendgrid_seq_account_score{job="team"}')
    assert [key[1] for key in own] == [account]


def read(served: str, query: str = "") -> str:
    """Return a page in Prometheus' own format."""
    headers = {"Accept": "text/plain"}
    url = f"http://{served}/metrics{query}"
    return requests.get(url, headers=headers, timeout=GIVE_UP_SECONDS).text


def accounts_of(page: str) -> set[str]:
    return set(re.findall(r'account="([^"]+)"', page))


def test_promtool_has_nothing_to_say_about_the_page(served: str, account: str) -> None:
    promtool = find_tool("promtool")
    whole, own = read(served), read(served, f"?account={account}")
    assert len(accounts_of(whole)) == 3
    assert accounts_of(own) == {account}
    for page in (whole, own):
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
