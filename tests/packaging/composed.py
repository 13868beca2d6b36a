"""Runs in the sandbox: start what Compose would, look at it as a person would, say what is there.

Reads the services from standard input. Fails with what a service said, if one ends or is not there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
import yaml

EXPORTER = "http://exporter:10737"
Services = dict[str, dict[str, Any]]


class Stack:
    """The running services."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running = {name: self.start(name) for name in services if name != "history"}

    def start(self, name: str) -> subprocess.Popen[str]:
        service = self._services[name]
        log = open(f"/tmp/{name}.log", "w")  # noqa: SIM115 - the process keeps it
        environ = os.environ | service["environment"]
        if name != "notifications":
            # As in the image.
            environ["SEQ_EXPORTER_CONFIG_FILE"] = "/etc/seq-exporter/config.yaml"
        return subprocess.Popen(service["command"], env=environ, stdout=log, stderr=log, text=True)

    def wait_for(self, what: str, find: Callable[[], Any], seconds: float = 300) -> Any:
        """Return what is found, as soon as there is something."""
        deadline = time.monotonic() + seconds
        while True:
            for name, process in self._running.items():
                assert process.poll() is None, f"{name} ended: {self.read_log(name)}"
            try:
                if found := find():
                    print(f"{what}: {found}")
                    return found
            except requests.ConnectionError:
                pass
            assert time.monotonic() < deadline, f"no {what}"
            time.sleep(0.2)

    def read_log(self, name: str) -> str:
        with open(f"/tmp/{name}.log") as log:
            return log.read()

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for name, process in self._running.items():
            assert process.wait(120) in (0, -15), f"{name}: {self.read_log(name)}"


def ask(path: str) -> Any:
    return requests.get(f"http://prometheus:9090/api/v1/{path}", timeout=60).json()["data"]


def query(expression: str) -> float:
    result = ask(f"query?query={expression}")["result"]
    return float(result[0]["value"][1]) if result else 0


def main(services: Services) -> None:
    stack = Stack(services)
    stack.wait_for("ready", lambda: requests.get(f"{EXPORTER}/-/ready", timeout=60).ok)
    page = requests.get(f"{EXPORTER}/metrics", timeout=60).text
    shown = page.count("\nsendgrid_seq_score{")
    count = 'count(sendgrid_seq_score{job="seq-exporter",instance="exporter:10737"})'
    assert stack.wait_for("scores in Prometheus", lambda: query(count)) == shown

    with open("/etc/prometheus/seq-exporter.rules.yaml") as file:
        shipped = yaml.safe_load(file)["groups"]
    assert count_rules(ask("rules")["groups"]) == count_rules(shipped)
    stack.wait_for("Alertmanager", lambda: list_alertmanagers(ask("alertmanagers")))

    history = stack.start("history")
    assert history.wait(300) == 0, stack.read_log("history")
    past = 'count(last_over_time(sendgrid_seq_score{instance="exporter:10737"}[25h] offset 60d))'
    assert stack.wait_for("scores of 60 days ago", lambda: query(past)) > shown / 2

    alert = {
        "status": "firing",
        "labels": {"alertname": "SeqScorePoor", "account": "acme", "subuser": "shop-de"},
        "annotations": {"summary": "poor"},
    }
    url = receivers(services)["digest"]
    assert requests.post(url, json={"alerts": [alert]}, timeout=60).ok
    said = "digest: firing SeqScorePoor acme shop-de: poor"
    assert stack.wait_for("notified", lambda: stack.read_log("notifications").strip()) == said
    stack.stop()


def count_rules(groups: list[dict[str, Any]]) -> dict[str, int]:
    return {group["name"]: len(group["rules"]) for group in groups}


def list_alertmanagers(found: Mapping[str, Any]) -> list[str]:
    return [each["url"] for each in found["activeAlertmanagers"]]


def receivers(services: Services) -> dict[str, str]:
    """Return the address of each receiver, as Alertmanager reads it."""
    (flag,) = [part for part in services["alertmanager"]["command"] if "--config.file=" in part]
    with open(flag.partition("=")[2]) as file:
        found = yaml.safe_load(file)["receivers"]
    reached = [each for each in found if "webhook_configs" in each]  # `nobody` has none
    return {each["name"]: each["webhook_configs"][0]["url"] for each in reached}


main(json.load(sys.stdin))
