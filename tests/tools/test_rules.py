"""The shipped rules and examples, by Prometheus' own judgement.

`tests/long` evaluates the rules as often as the files of `prometheus/tests` say.
Here it is every 6 hours, which is how often a case asks: a third of the time.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.processes import find_tool
from tests.support import ROOT

FOLDER = ROOT / "prometheus"
CASES = sorted((FOLDER / "tests").glob("*.yaml"))


def run(tool: str, *arguments: str) -> str:
    """Run it and return what it says; it must be content."""
    done = subprocess.run(
        [find_tool(tool), *arguments],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=300,
        # A third less of CPU: Go collects less often, and on the one processor that it needs.
        env=os.environ | {"GOGC": "400", "GOMAXPROCS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_free_of_lint() -> None:
    said = run(
        "promtool", "check", "rules", "--lint=all", "--lint-fatal", "seq-exporter.rules.yaml"
    )
    assert "SUCCESS" in said


def test_vmalert_takes_the_rules_or_names_the_field_that_it_does_not_know() -> None:
    done = subprocess.run(
        [find_tool("vmalert"), "-dryRun", "-rule=seq-exporter.rules.yaml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    is_old = "unknown fields in rule: keep_firing_for" in done.stderr
    assert done.returncode == (255 if is_old else 0), done.stderr


def check_alerts(case: Path, hours: int, folder: Path) -> None:
    """Play a file of rule tests; evaluate the rules every so many hours where it has two."""
    text = case.read_text(encoding="utf-8").replace("rule_files: [..", f"rule_files: [{FOLDER}")
    played = folder / case.name
    played.write_text(
        text.replace("evaluation_interval: 2h\n", f"evaluation_interval: {hours}h\n"),
        encoding="utf-8",
    )
    assert "SUCCESS" in run("promtool", "test", "rules", str(played))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_when_they_must_and_only_then(case: Path, tmp_path: Path) -> None:
    check_alerts(case, 6, tmp_path)


def test_prometheus_takes_the_example() -> None:
    said = run("promtool", "check", "config", "prometheus.example.yaml")
    assert "rules found" in said


def test_alertmanager_takes_the_example() -> None:
    said = run("amtool", "check-config", "alertmanager.example.yaml")
    assert "SUCCESS" in said


@pytest.mark.parametrize(
    ("alert", "receiver"),
    [
        (("alertname=SeqScoreDropped", "severity=warning"), "deliverability"),
        (("alertname=SeqFleetScoreDropped", "severity=critical"), "deliverability"),
        (("alertname=SeqAccountScoreDropped", "severity=critical"), "deliverability"),
        (("alertname=SeqScoreDeclining", "severity=info"), "digest"),
        (("alertname=SeqAccountUnauthorized", "severity=critical"), "operators"),
        (("alertname=SeqWebConfigReloadFailed", "severity=warning"), "operators"),
        (("alertname=SeqExporterDown", "severity=critical"), "operators"),
        (("alertname=SeqReplicaStuck", "severity=warning"), "operators"),
        (("alertname=SeqSubuserVanished", "severity=info"), "digest"),
        (("alertname=SeqMuteResolved", "severity=none", "of=fall"), "nobody"),
    ],
)
def test_alerts_reach_those_whom_they_concern(alert: tuple[str, str], receiver: str) -> None:
    command = ("config", "routes", "test", "--config.file=alertmanager.example.yaml")
    assert run("amtool", *command, *alert).strip() == receiver
