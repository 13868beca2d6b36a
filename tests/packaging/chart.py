"""The chart, rendered by the real Helm, and what the kubelet would make of it."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT

CHART = ROOT / "helm" / "seq-exporter"
CI = sorted((CHART / "ci").glob("*-values.yaml"))

Object = dict[str, Any]
#: The content of each Secret that the chart does not make itself, by its name.
Secrets = Mapping[str, Mapping[str, str]]


def find_helm(name: str) -> str:
    """Return Helm's path; `make test-packaging` lays it beside Python."""
    found = Path(sys.prefix) / "bin" / name
    path = str(found) if found.exists() else shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not installed: make test-packaging does it")
    return path


def find_chart_tool(name: str) -> str:
    """Return the path of a tool that has an environment of its own beside Python's."""
    found = Path(sys.prefix) / "chart" / "bin" / name
    if not found.exists():
        pytest.fail(f"{name} is not installed: make test-packaging does it")
    return str(found)


def run_helm(*arguments: str | Path, name: str = "helm") -> subprocess.CompletedProcess[str]:
    """Run Helm, or `helm-oldest`."""
    command = [find_helm(name), *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@cache
def render_text(*values: str | Path) -> str:
    """Return what `helm template` prints; `values` are files or `name=value`.

    Helm runs once for the same values, so the files must not change.
    """
    done = run_helm("template", "seq", CHART, "--namespace", "mail", *_flags(values))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def render(*values: str | Path) -> list[Object]:
    """Return the rendered objects."""
    # libyaml: twenty times as fast as safe_load_all.
    return [found for found in yaml.load_all(render_text(*values), yaml.CSafeLoader) if found]


def refuse(*values: str | Path) -> list[str]:
    """Return the mistakes of which `helm template` tells."""
    done = run_helm("template", "seq", CHART, *_flags(values))
    assert done.returncode != 0
    assert done.stdout == ""
    return [line[2:] for line in done.stderr.splitlines() if line.startswith("  ")]


def _flags(values: tuple[str | Path, ...]) -> list[str]:
    return [
        f"--values={value}" if isinstance(value, Path) else f"--set-json={value}"
        for value in values
    ]


def find(objects: list[Object], kind: str, name: str = "") -> Object:
    """Return the only object of that kind, or that with this name too."""
    (found,) = [
        each for each in objects if each["kind"] == kind and name in ("", each["metadata"]["name"])
    ]
    return found


def find_pod(objects: list[Object]) -> Object:
    """Return what the pods of the Deployment or StatefulSet are made from."""
    (workload,) = [each for each in objects if each["kind"] in ("Deployment", "StatefulSet")]
    pod: Object = workload["spec"]["template"]
    return pod


def lay_out(objects: list[Object], secrets: Secrets, volume: str, folder: Path) -> None:
    """Write the files of the pod's projected volume to `folder`, as the kubelet would."""
    (found,) = [each for each in find_pod(objects)["spec"]["volumes"] if each["name"] == volume]
    for source in found["projected"]["sources"]:
        ((kind, wanted),) = source.items()
        data = _read(objects, secrets, kind, wanted["name"])
        items = wanted.get("items") or [{"key": key, "path": key} for key in data]
        for item in items:
            path = folder / item["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data[item["key"]])


def _read(objects: list[Object], secrets: Secrets, kind: str, name: str) -> Mapping[str, str]:
    if name in secrets:
        return secrets[name]
    found = find(objects, {"configMap": "ConfigMap", "secret": "Secret"}[kind], name)
    if kind == "configMap":
        data: dict[str, str] = found["data"]
        return data
    decoded: dict[str, str] = {
        key: base64.b64decode(value).decode() for key, value in found.get("data", {}).items()
    }
    decoded.update(found.get("stringData", {}))
    return decoded


def make_command(objects: list[Object], places: Mapping[str, Path]) -> list[str]:
    """Return how the pod starts the exporter, with its mount points elsewhere."""
    arguments = find_pod(objects)["spec"]["containers"][0]["args"]
    command = [sys.executable, "-m", "seq_exporter"]
    for argument in arguments:
        for mounted, place in places.items():
            argument = argument.replace(f"{mounted}/", f"{place}/")
        command.append(argument)
    return command
