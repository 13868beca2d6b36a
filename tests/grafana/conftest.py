"""A Prometheus with the scores of several kinds of users, and what Grafana shows of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.queries import CHOICES, Query, list_queries
from tests.backfilled import DELAYED, LABELS, query_any, run_backfill, run_commands
from tests.grafana.frames import make_frames
from tests.processes import (
    Start,
    exporter_by,
    find_tool,
    free_port,
    running,
    start_simulator,
    wait_for,
    wait_until,
)
from tests.prometheus import start_prometheus
from tests.support import ROOT

#: The packages of `tests/grafana/package.json`, which `make test-grafana` installs.
INSTALLED = ROOT / ".venv" / "grafana"
RELEASES = ("grafana-data-10", "grafana-data-newest")
#: The variables' values: three accounts, one that has only its own score, and nothing.
CASES = {
    "fleet": CHOICES | {"job": "seq"},
    "alone": CHOICES | {"job": "alone", "owner": ".+"},
    "empty": CHOICES | {"job": "none", "account": "none"},
}
#: What numbers are asked to show besides their values, by what they are.
PROBES = {"missing": (None,), "score": (4, 4.5), "count": (8, 1234), "date": ()}

_SCRAPE = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: seq
    static_configs: [{{targets: ["{fleet}"], labels: {{instance: "seq-exporter:10737"}}}}]
  - job_name: alone
    static_configs: [{{targets: ["{alone}"]}}]
rule_files: [alerts.yaml]
"""
# Alerts with the labels of the shipped ones, which take hours to fire.
_ALERTS = """
groups:
  - name: seq
    interval: 1s
    rules:
      - alert: SeqFell
        expr: max by (account, subuser) (sendgrid_seq_score) < 2.5
        labels: {severity: critical, metric: open_rate, since: "2026-11-05"}
      - alert: SeqAccountPoor
        expr: max by (account) (sendgrid_seq_account_score) > 1
        labels: {severity: warning}
"""
_READY = (
    "count(increase(seq_exporter_poll_duration_seconds_count[1m]) > 0) == 4"
    ' and on () count(count by (alertname) (ALERTS{alertstate="firing"})) == 2'
)


@dataclass(frozen=True)
class Panel:
    """What a panel shows in one case and one theme."""

    case: str
    queries: Sequence[Query]
    answers: Sequence[Sequence[Any]]
    shown: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.queries[0].dashboard}, {self.json['title']}"

    @property
    def json(self) -> Mapping[str, Any]:
        """Return the panel as it is in the dashboard."""
        return self.queries[0].panel

    @property
    def has_data(self) -> bool:
        """Return whether any query returned a series."""
        return any(self.answers)

    @property
    def shared_labels(self) -> set[str]:
        """Return the labels that each query returned which returned anything."""
        found = [set().union(*(series["metric"] for series in each)) for each in self.answers]
        return set.intersection(*filter(None, found))

    @property
    def visible(self) -> list[Any]:
        """Return the fields that are not hidden."""
        return [field for field in self.shown["fields"] if not field["hidden"]]

    @property
    def painted(self) -> set[str]:
        """Return the names that only get a colour, whenever they appear."""
        overrides = self.json["fieldConfig"]["overrides"]
        return {
            override["matcher"]["options"]
            for override in overrides
            if {each["id"] for each in override["properties"]} == {"color"}
        }

    def find_query(self, field: Mapping[str, Any]) -> Query:
        """Return the query that a field's numbers come from."""
        ref = "".join(re.findall(r"Value #(\w)", field["rawName"]))
        queries = {query.target["refId"]: query for query in self.queries}
        return queries[ref or field["ref"] or next(iter(queries))]


#: A case, the queries of one panel, and the series that each of them returned.
Asked = tuple[str, Sequence[Query], Sequence[Sequence[Any]]]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start Prometheus on ninety days of a fleet, and on an account without subusers."""
    for tool in ("node", "npm", "prometheus"):
        find_tool(tool)
    folder = tmp_path_factory.mktemp("grafana")
    with running(folder) as start:
        addresses = {
            "alone": serve(start, folder, accounts=1, subusers=0),
            "fleet": serve(start, folder, accounts=3, subusers=40),
        }
        (folder / "data").mkdir()
        fast = "--requests-per-minute=6000"
        run_commands(run_backfill(folder, "--step=1d", DELAYED, fast, LABELS), folder)
        (folder / "alerts.yaml").write_text(_ALERTS)
        server = start_prometheus(start, folder, _SCRAPE.format(**addresses))
        wait_until(lambda: query_any(server.base, _READY), server.process)
        yield server.base


def serve(start: Start, folder: Path, accounts: int, subusers: int) -> str:
    """Start the exporter on so many of a simulator's accounts; return its address."""
    exporter = exporter_by(start)
    _, simulator = start_simulator(exporter, subusers, DELAYED, "--rate-limit=60000")
    config = {
        "accounts": yaml.safe_load(simulator.config)["accounts"][:accounts],
        "poll": {"interval": "1s", "refresh_interval": "1s"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    served = exporter("serve", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", served)
    return address


@pytest.fixture(scope="session")
def asked(base: str) -> list[Asked]:
    """Ask the queries of every panel in every case."""
    now = time.time()
    found: list[Asked] = []
    for case, choices in CASES.items():
        each = groupby(list_queries(choices), lambda query: (query.dashboard, query.panel["id"]))
        for _, group in each:
            queries = list(group)
            answers = [query.send(base, now) for query in queries]
            found.append((case, queries, [answer["data"]["result"] for answer in answers]))
    return found


@pytest.fixture(scope="session", params=RELEASES)
def panels(request: pytest.FixtureRequest, asked: list[Asked]) -> list[Panel]:
    """Return every panel in every case as a release of Grafana shows it, in both themes."""
    return show_panels(request.param, asked)


def show_panels(release: str, asked: Sequence[Asked]) -> list[Panel]:
    """Return panels as a release of Grafana shows them, in both themes."""
    given = [
        {
            "panel": queries[0].panel,
            "frames": make_frames([query.target for query in queries], answers),
            "probes": [value for values in PROBES.values() for value in values],
        }
        for _, queries, answers in asked
    ]
    return [
        Panel(case, queries, answers, shown)
        for theme in run_grafana(release, given).values()
        for (case, queries, answers), shown in zip(asked, theme, strict=True)
    ]


def run_grafana(release: str, given: list[Any]) -> Any:
    """Return what a release shows, by theme."""
    script = Path(__file__).parent / "model.mjs"
    done = subprocess.run(
        [find_tool("node"), str(script), str(INSTALLED), release],
        input=json.dumps(given),
        env=os.environ | {"LC_ALL": "en_US.UTF-8"},  # or the unit `locale` writes 1.234
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\n`make test-grafana` installs the packages"
    return json.loads(done.stdout)
