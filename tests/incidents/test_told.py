"""The shipped files in a real Prometheus and a real Alertmanager: what reaches a person.

Of the files, only what they ask to change is changed, addresses, and what cannot be waited for: how
often is evaluated, how long a condition or a fall has to last, and how long a group is waited for.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.backfilled import DELAYED, run_backfill, run_commands, shown_at
from tests.processes import Start, find_tool, free_port, start_simulator, wait_for, wait_until
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS, ROOT

SHIPPED = ROOT / "prometheus"
FELL = "SeqScoreDropped"
FLEET = "SeqFleetScoreDropped"
# In the rule that says what a fall is.
FALL_LASTS = "<= time() - 12 * 3600"


@dataclass
class Webhooks:
    """What Alertmanager has sent, by the path that it was sent to."""

    url: str
    notifications: list[tuple[str, Any]] = field(default_factory=list)

    def about(self, alert: str) -> list[tuple[str, Any]]:
        """Return the notifications of one kind of alert, with the receiver of each."""
        return [
            (path, sent)
            for path, sent in self.notifications
            if sent["groupLabels"]["alertname"] == alert
        ]


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    """Listen on loopback to what Alertmanager sends."""
    made = Webhooks("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.notifications.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


class Stack:
    """Prometheus on the past of the pretend fleet, the exporter, and Alertmanager."""

    def __init__(self, start: Start, exporter: Start, folder: Path, webhooks: Webhooks) -> None:
        self._start = start
        self._exporter = exporter
        self._folder = folder
        self._address = f"127.0.0.1:{free_port()}"
        self.alertmanager = f"http://127.0.0.1:{free_port()}"
        self._webhooks = webhooks
        process, self.simulator = start_simulator(exporter, 30, DELAYED, "--rate-limit=6000")
        self._simulator_process = process
        config = f"{self.simulator.config}poll: {{interval: 1s}}\n"
        (folder / "config.yaml").write_text(config)
        (folder / "data").mkdir()
        labels = f"--label=job=seq-exporter,instance={self._address}"
        flags = ("--step=1h", DELAYED, labels, "--requests-per-minute=6000")
        run_commands(run_backfill(folder, *flags), folder)

    def stop_sendgrid(self) -> None:
        """End the simulator: the exporter gets no answer any more."""
        self._simulator_process.terminate()
        self._simulator_process.wait(GIVE_UP_SECONDS)

    def run(self, group_wait: str) -> None:
        """Start all of it, on the shipped files."""
        self._exporter("serve", f"--web.listen-address={self._address}")
        rules = (SHIPPED / "seq-exporter.rules.yaml").read_text()
        rules = re.sub(r"\bfor: \w+", "for: 0s", rules).replace("interval: 4m", "interval: 1s")
        assert FALL_LASTS in rules
        rules = rules.replace(FALL_LASTS, "<= time()")
        (self._folder / "seq-exporter.rules.yaml").write_text(rules)
        routes = (SHIPPED / "alertmanager.example.yaml").read_text()
        routes = routes.replace("http://localhost:9099", self._webhooks.url)
        routes = routes.replace("group_wait: 1m", f"group_wait: {group_wait}")
        (self._folder / "alertmanager.yaml").write_text(routes)
        scrapes = (SHIPPED / "prometheus.example.yaml").read_text()
        scrapes = scrapes.replace("localhost:10737", self._address)
        scrapes = scrapes.replace("localhost:9093", self.alertmanager.removeprefix("http://"))
        scrapes = re.sub(r"interval: 1m", "interval: 1s", scrapes)
        (self._folder / "prometheus.yaml").write_text(scrapes)
        self._run_alertmanager()
        self._run_prometheus()

    def _run_alertmanager(self) -> None:
        process = self._start(
            find_tool("prometheus-alertmanager"),
            "--config.file=alertmanager.yaml",
            "--storage.path=alertmanager",
            f"--web.listen-address={self.alertmanager.removeprefix('http://')}",
            "--cluster.listen-address=",
        )
        wait_for(f"{self.alertmanager}/-/ready", process)

    def _run_prometheus(self) -> None:
        address = f"127.0.0.1:{free_port()}"
        process = self._start(
            find_tool("prometheus"),
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=data",
            "--storage.tsdb.retention.time=100d",
            # Else what fires before it has found Alertmanager is sent again a minute later.
            "--rules.alert.resend-delay=1s",
            f"--web.listen-address={address}",
        )
        wait_for(f"http://{address}/-/ready", process)
        self.prometheus_process = process

    def list_alerts(self) -> list[Any]:
        """Return the alerts that Alertmanager has, whether it notifies anybody or not."""
        url = f"{self.alertmanager}/api/v2/alerts"
        return list(requests.get(url, timeout=GIVE_UP_SECONDS).json())


@pytest.fixture
def stack(start: Start, exporter: Start, tmp_path: Path, webhooks: Webhooks) -> Stack:
    return Stack(start, exporter, tmp_path, webhooks)


def read_shown(simulator: Simulator, at: datetime) -> dict[str, float]:
    """Return all scores of kettlewick's shop-de as the page had them at a moment."""
    day = at.date()
    while shown_at(day) > at:
        day -= timedelta(days=1)
    samples = simulator.read_day(day)
    scores = {
        key[2]: value
        for key, value in samples.items()
        if key[0] == "sendgrid_seq_metric_score" and (key[1], key[3]) == ("kettlewick", "shop-de")
    }
    return scores | {"overall": samples["sendgrid_seq_score", "kettlewick", "shop-de"]}


def describe_fall(simulator: Simulator) -> str:
    """Return what the notification has to say of shop-de."""
    now = datetime.now(UTC)
    yesterday = now - timedelta(days=1)
    present, before = read_shown(simulator, now), read_shown(simulator, yesterday)
    last = datetime.combine((now - timedelta(days=2)).date(), time_of_day(), UTC)
    days = [read_shown(simulator, last - timedelta(days=number)) for number in range(12)]
    usual = {name: find_typical([scores[name] for scores in days]) for name in present}
    fell = {name: usual[name] - max(present[name], before[name]) for name in present}
    worst = max(fell.keys() - {"overall"}, key=lambda name: fell[name])
    return (
        f"The score of subuser shop-de in account kettlewick has been lower since {yesterday.day} "
        f"{yesterday:%B}: it was usually {usual['overall']:.1f}, and is {present['overall']:.1f} "
        f"now. {worst} fell most, by {fell[worst]:.1f}."
    )


def find_typical(scores: Sequence[float]) -> float:
    """Return the 0.4 quantile, as Prometheus has it: between two scores, in proportion."""
    rank = 0.4 * (len(scores) - 1)
    low, high = sorted(scores)[math.floor(rank)], sorted(scores)[math.ceil(rank)]
    return low + (high - low) * (rank % 1)


def test_a_fall_reaches_a_person_once_and_in_good_words(stack: Stack, webhooks: Webhooks) -> None:
    stack.run(group_wait="5s")
    wait_until(
        lambda: bool(webhooks.about(FELL) and webhooks.about(FLEET)), stack.prometheus_process
    )
    time.sleep(3)  # for those that should not come
    ((path, fall),) = webhooks.about(FELL)
    assert path == "/deliverability"
    assert fall["groupLabels"] == {"alertname": FELL, "account": "kettlewick"}
    (alert,) = fall["alerts"]
    assert alert["labels"]["subuser"] == "shop-de"
    assert alert["annotations"] == {
        "summary": "A subuser's score fell.",
        "description": describe_fall(stack.simulator),
        "runbook_url": "https://seq-exporter.example/docs/runbooks/SeqScoreDropped.md",
        "dashboard_url": "https://grafana.seq-exporter.example/d/seq-subuser"
        "?var-account=kettlewick&var-subuser=shop-de",
        "status_url": "https://status.seq-exporter.example/subuser"
        "?account=kettlewick&subuser=shop-de",
    }
    # A dozen subusers of postmill fell: they are one alert, and so is the account's own score.
    ((path, fleet),) = webhooks.about(FLEET)
    assert path == "/deliverability"
    (alert,) = fleet["alerts"]
    assert re.fullmatch(
        r"In account postmill, 1\d subusers have fallen since \d+ [A-Z][a-z]+: "
        r"([\w-]+ by \d\.\d, ){5}and \d+ more\. "
        r"bounce_classification fell most, by \d\.\d on average\.",
        alert["annotations"]["description"],
    )
    about_postmill = [
        sent["groupLabels"]["alertname"]
        for path, sent in webhooks.notifications
        if sent["groupLabels"].get("account") == "postmill" and path == "/deliverability"
    ]
    assert about_postmill == [FLEET]


def test_while_sendgrid_does_not_answer_single_scores_are_silent(
    stack: Stack, webhooks: Webhooks
) -> None:
    stack.stop_sendgrid()
    # Long enough for two polls to fail in each account.
    stack.run(group_wait="12s")
    wait_until(lambda: len(webhooks.about("SeqPollFailing")) == 3, stack.prometheus_process)
    assert {path for path, _ in webhooks.about("SeqPollFailing")} == {"/operators"}
    for _, sent in webhooks.about("SeqPollFailing"):
        (alert,) = sent["alerts"]
        assert alert["labels"]["reason"] == "connection"
    single = [
        alert
        for alert in stack.list_alerts()
        if "subuser" in alert["labels"] and alert["labels"]["severity"] != "none"
    ]
    assert FELL in {alert["labels"]["alertname"] for alert in single}
    assert {alert["status"]["state"] for alert in single} == {"suppressed"}
    assert all(alert["status"]["inhibitedBy"] for alert in single)
    time.sleep(3)  # for those that should not come
    assert not webhooks.about(FELL)
    for _, sent in webhooks.notifications:
        assert not any("subuser" in alert["labels"] for alert in sent["alerts"])
