"""The chart goes through a real registry, as its README says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.packaging.chart import CHART, CI, render_text, run_helm
from tests.processes import Start, find_tool, free_port, wait_for

VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]


@pytest.fixture
def registry(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Start a registry that is empty, and return where it holds charts."""
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"HELM_{name}_HOME", str(tmp_path / name))
    address = f"127.0.0.1:{free_port()}"
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": address},
    }
    (tmp_path / "registry.yaml").write_text(yaml.safe_dump(config))
    process = start(find_tool("docker-registry"), "serve", str(tmp_path / "registry.yaml"))
    wait_for(f"http://{address}/v2/", process)
    return f"oci://{address}/charts"


def test_helm_installs_what_it_has_pushed(registry: str, tmp_path: Path) -> None:
    assert run_helm("package", CHART, "--destination", tmp_path).returncode == 0
    package = tmp_path / f"seq-exporter-{VERSION}.tgz"
    pushed = run_helm("push", package, registry, "--plain-http")
    assert pushed.returncode == 0, pushed.stderr

    source = (f"{registry}/seq-exporter", f"--version={VERSION}", "--plain-http")
    shown = run_helm("show", "values", *source)
    assert shown.stdout.strip() == (CHART / "values.yaml").read_text().strip()
    values = next(path for path in CI if path.name == "kube-prometheus-stack-values.yaml")
    pulled = run_helm("template", "seq", *source, "--namespace=mail", f"--values={values}")
    assert pulled.stdout == render_text(values)
