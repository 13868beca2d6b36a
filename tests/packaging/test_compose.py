"""compose.yaml is valid and careful, its files exist, and its processes work together from them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.composition import (
    FILE,
    list_mounts,
    read_services,
    run_in_sandbox,
)
from tests.processes import find_tool
from tests.support import ROOT

KEY = {"SENDGRID_API_KEY": "SG.pretended"}
SERVICES = read_services({})


def test_it_is_what_compose_specifies() -> None:
    run("check-jsonschema", "--builtin-schema=vendor.compose-spec", FILE, beside_python=True)


def test_the_environment_has_an_example_for_every_variable() -> None:
    example = (ROOT / ".env.example").read_text()
    used = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    assert used == set(re.findall(r"^# (\w+)=", example, re.MULTILINE))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])


@pytest.mark.parametrize("environ", [{}, KEY], ids=["simulator", "key"])
def test_every_mounted_file_exists_and_every_volume_is_declared(environ: dict[str, str]) -> None:
    declared = yaml.safe_load(FILE.read_text())["volumes"]
    services = read_services(environ).values()
    mounts = [mount for service in services for mount in list_mounts(service)]
    files = [mount for mount in mounts if mount.is_file]
    assert len(files) > 8
    for mount in files:
        assert (ROOT / mount.source).is_file(), mount
        assert mount.is_read_only
    assert {mount.source for mount in mounts if not mount.is_file} == set(declared)


@pytest.mark.parametrize(
    ("environ", "base_url", "accounts"),
    [
        ({}, "http://sendgrid:10738", 3),
        ({"SENDGRID_API_KEY": ""}, "http://sendgrid:10738", 3),
        (KEY, None, 1),
    ],
)
def test_one_line_switches_to_a_real_key(
    environ: dict[str, str], base_url: str | None, accounts: int
) -> None:
    exporter = read_services(environ)["exporter"]
    path = find_mounted(exporter, "/etc/seq-exporter/config.yaml")
    found = yaml.safe_load(path.read_text())["accounts"]
    assert (len(found), found[0].get("base_url")) == (accounts, base_url)
    said = run(
        *(sys.executable, "-m", "seq_exporter", "check", "--offline", f"--config.file={path}"),
        **exporter["environment"],
    )
    assert "no mistake" in said


def test_prometheus_and_alertmanager_take_their_files(tmp_path: Path) -> None:
    for mount in list_mounts(SERVICES["prometheus"]):
        if mount.is_file:
            content = (ROOT / mount.source).read_text()
            (tmp_path / Path(mount.target).name).write_text(content)
    run(find_tool("promtool"), "check", "config", tmp_path / "prometheus.yaml")
    path = find_mounted(SERVICES["alertmanager"], "/etc/alertmanager/alertmanager.yaml")
    run(find_tool("amtool"), "check-config", path)


def test_grafana_finds_prometheus_and_its_dashboards() -> None:
    grafana = SERVICES["grafana"]
    targets = {mount.target for mount in list_mounts(grafana)}
    (source,) = read(grafana, "/etc/grafana/provisioning/datasources/prometheus.yaml")[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    assert "--web.listen-address" not in " ".join(SERVICES["prometheus"]["command"])
    (provider,) = read(grafana, "/etc/grafana/provisioning/dashboards/seq-exporter.yaml")[
        "providers"
    ]
    folder = provider["options"]["path"]
    for dashboard in ROOT.glob("grafana/*.json"):
        assert f"{folder}/{dashboard.name}" in targets
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] in targets


def test_together_they_show_scores_and_their_past(tmp_path: Path) -> None:
    for tool in ("bwrap", "prometheus", "prometheus-alertmanager"):
        find_tool(tool)
    said = run_in_sandbox(
        Path(__file__).with_name("composed.py"), SERVICES, hosts=tmp_path / "hosts"
    )
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "ready",
        "scores in Prometheus",
        "Alertmanager",
        "scores of 60 days ago",
        "notified",
    ]


def find_mounted(service: dict[str, Any], target: str) -> Path:
    (mount,) = [mount for mount in list_mounts(service) if mount.target == target]
    return ROOT / mount.source


def read(service: dict[str, Any], target: str) -> Any:
    return yaml.safe_load(find_mounted(service, target).read_text())


def run(*command: str | Path, beside_python: bool = False, **environ: str) -> str:
    """Return what a command prints, which must succeed."""
    program, *arguments = (str(part) for part in command)
    if beside_python:
        program = str(Path(sys.executable).with_name(program))
    done = subprocess.run(
        [program, *arguments],
        env={"PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
