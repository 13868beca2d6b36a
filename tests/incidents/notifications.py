"""What the shipped configuration of Alertmanager would send of alerts that fire and end."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import requests
import yaml

from seq_exporter.config.durations import parse_duration
from tests.incidents.replay import Firing
from tests.processes import free_port
from tests.support import GIVE_UP_SECONDS, ROOT

_ALERTNAME = re.compile(r'alertname=~?"(.*)"')
EXAMPLE = ROOT / "prometheus" / "alertmanager.example.yaml"


class Timing(NamedTuple):
    """When the groups of a receiver are sent, in seconds, and whether resolved alerts are."""

    wait: float
    interval: float
    repeat: float
    sends_resolved: bool


class Alertmanager:
    """A real Alertmanager that groups and inhibits as the shipped file says, and sends nothing."""

    def __init__(self, binary: str, folder: Path) -> None:
        port = free_port()
        config = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
        self._sends_resolved: dict[str, bool] = {}
        for receiver in config["receivers"]:
            hooks = receiver.pop("webhook_configs", [])
            if hooks:
                sends_resolved = any(hook.get("send_resolved", True) for hook in hooks)
                self._sends_resolved[receiver["name"]] = sends_resolved
        # What is asked for here is which alerts are grouped and inhibited, not when they are sent.
        (folder / "alertmanager.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        self._routes: Sequence[Mapping[str, Any]] = config["route"]["routes"]
        self._default: Mapping[str, str] = config["route"]
        self._url = f"http://127.0.0.1:{port}/api/v2"
        self._session = requests.Session()
        self._session.trust_env = False
        self._process = subprocess.Popen(
            [
                binary,
                f"--config.file={folder / 'alertmanager.yaml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._session.get(f"{self._url}/status", timeout=GIVE_UP_SECONDS).raise_for_status()
            except requests.RequestException:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("Alertmanager does not start")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()
        self._process.kill()
        self._process.wait()

    def group(self, firings: Sequence[Firing]) -> dict[tuple[str, str], dict[Firing, bool]]:
        """Make these the alerts that fire, and return each receiver's groups of them.

        An alert of a group is True if it is active, and False if it is inhibited.
        """
        by_labels = {frozenset(firing.labels.items()): firing for firing in firings}
        self._post(firings)
        groups: dict[tuple[str, str], dict[Firing, bool]] = {}
        for group in self._settle(set(by_labels)):
            if group["receiver"]["name"] not in self._sends_resolved:
                continue  # a receiver without a way to reach anybody
            groups[group["receiver"]["name"], str(sorted(group["labels"].items()))] = {
                by_labels[frozenset(alert["labels"].items())]: alert["status"]["state"] == "active"
                for alert in group["alerts"]
            }
        return groups

    def timing(self, receiver: str, group: str) -> Timing:
        """Return how the shipped file has a group of a receiver sent."""
        route = self._find_route(receiver, group)
        return Timing(
            wait=parse_duration(route["group_wait"]),
            interval=parse_duration(route["group_interval"]),
            repeat=parse_duration(route["repeat_interval"]),
            sends_resolved=self._sends_resolved[receiver],
        )

    def _find_route(self, receiver: str, group: str) -> Mapping[str, Any]:
        """Return the settings of the route that sends a group of alerts of one name."""
        for route in self._routes:
            names = [_ALERTNAME.fullmatch(matcher) for matcher in route["matchers"]]
            patterns = [found[1] for found in names if found]
            is_right = any(re.search(f"'alertname', '{each}'", group) for each in patterns)
            if route["receiver"] == receiver and is_right:
                return {**self._default, **route}
        return self._default

    def _post(self, firings: Sequence[Firing]) -> None:
        """Make these, and no others, the alerts that fire."""
        now = datetime.now(UTC)
        start, long = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
        ended = [{"labels": alert["labels"]} for alert in self._get("alerts")]
        wanted: list[dict[str, Any]] = [{"labels": dict(firing.labels)} for firing in firings]
        alerts = [
            *(alert | {"endsAt": now.isoformat()} for alert in ended if alert not in wanted),
            *(alert | {"endsAt": long} for alert in wanted),
        ]
        posted = [alert | {"startsAt": start} for alert in alerts]
        answer = self._session.post(f"{self._url}/alerts", json=posted, timeout=GIVE_UP_SECONDS)
        answer.raise_for_status()

    def _settle(self, wanted: set[frozenset[tuple[str, str]]]) -> list[Any]:
        """Return the groups, once they hold what is wanted and two answers are the same.

        Alertmanager passes alerts on to what groups and to what inhibits, one after the other.
        """
        deadline = time.monotonic() + GIVE_UP_SECONDS
        before: object = None
        while time.monotonic() < deadline:
            groups = self._get("alerts/groups")
            held = {frozenset(a["labels"].items()) for group in groups for a in group["alerts"]}
            states = sorted(str((a["labels"], a["status"])) for g in groups for a in g["alerts"])
            if held == wanted and states == before:
                return groups
            before = states
            time.sleep(0.05)
        raise AssertionError("Alertmanager does not settle")

    def _get(self, path: str) -> list[Any]:
        answer = self._session.get(f"{self._url}/{path}", timeout=GIVE_UP_SECONDS)
        answer.raise_for_status()
        return list(answer.json())
