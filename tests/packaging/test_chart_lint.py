"""The chart keeps to the rules of chart-testing (`ct lint`) and of Artifact Hub."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.packaging.chart import CHART, CI, find_chart_tool, run_helm
from tests.processes import find_tool
from tests.support import ROOT

ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())


def test_the_yaml_is_as_chart_testing_wants_it() -> None:
    files = [CHART / "Chart.yaml", CHART / "values.yaml", *CI]
    config = Path(__file__).with_name("yamllint.yaml")
    command = [find_chart_tool("yamllint"), "--strict", f"--config-file={config}"]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


NEEDED = {"apiVersion": str, "name": str, "version": str, "description": str, "home": str}
POSSIBLE = {
    "appVersion": str,
    "type": str,
    "icon": str,
    "kubeVersion": str,
    "keywords": list,
    "sources": list,
    "maintainers": list,
    "annotations": dict,
}


def test_the_chart_says_what_chart_testing_wants_to_know() -> None:
    assert NEEDED.keys() <= ABOUT.keys() <= NEEDED.keys() | POSSIBLE.keys()
    types = {name: type(value) for name, value in ABOUT.items()}
    assert types.items() <= (NEEDED | POSSIBLE).items()
    assert ABOUT["maintainers"]
    for maintainer in ABOUT["maintainers"]:
        assert {"name"} <= maintainer.keys() <= {"name", "email", "url"}


def test_artifact_hub_shows_links_images_and_changes() -> None:
    notes = {
        name.removeprefix("artifacthub.io/"): yaml.safe_load(text)
        for name, text in ABOUT["annotations"].items()
    }
    kinds = {"added", "changed", "deprecated", "removed", "fixed", "security"}
    for change in notes["changes"]:
        assert change.keys() == {"kind", "description"}
        assert change["kind"] in kinds
    (image,) = notes["images"]
    assert image["name"] == "seq-exporter"
    assert image["image"].endswith(f"/seq-exporter:{ABOUT['appVersion']}")
    assert notes["links"]


def test_every_address_leads_to_a_file_of_the_repository() -> None:
    """As soon as the project has an address: docs/releasing.md says where to write it."""
    paths = re.findall(r"https://seq-exporter\.example(\S*)", (CHART / "Chart.yaml").read_text())
    assert len(paths) == 7
    assert [path for path in paths if not (ROOT / path.removeprefix("/")).exists()] == []


def test_the_readme_installs_this_version() -> None:
    readme = (CHART / "README.md").read_text()
    named = re.findall(r"seq-exporter-(\d.*)\.tgz|--version=(\S*)", readme)
    assert [one or other for one, other in named] == [ABOUT["version"]] * 4


def find_version_to_raise(repository: Path) -> str | None:
    """Return the chart's version if the chart has changed since the last release without it."""

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [find_tool("git"), "-C", str(repository), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    chart = "helm/seq-exporter"
    release = git("describe", "--tags", "--abbrev=0", "--match=v*").stdout.strip()
    if not release or git("diff", "--quiet", release, "--", chart).returncode == 0:
        return None
    old = yaml.safe_load(git("show", f"{release}:{chart}/Chart.yaml").stdout)["version"]
    new = yaml.safe_load((repository / chart / "Chart.yaml").read_text())["version"]
    raised = [int(part) for part in new.split(".")] > [int(part) for part in old.split(".")]
    return None if raised else new


def test_a_changed_chart_has_a_new_version() -> None:
    assert find_version_to_raise(ROOT) is None


@pytest.mark.parametrize(
    ("version", "values", "to_raise"),
    [
        ("0.9.0", "a: 1\n", None),
        ("0.9.0", "a: 2\n", "0.9.0"),
        ("0.10.0", "a: 2\n", None),
        ("0.8.9", "a: 2\n", "0.8.9"),
    ],
)
def test_a_version_that_was_not_raised_is_found(
    version: str, values: str, to_raise: str | None, tmp_path: Path
) -> None:
    chart = tmp_path / "helm" / "seq-exporter"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text("version: 0.9.0\n")
    (chart / "values.yaml").write_text("a: 1\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (
        ("init", "--quiet"),
        ("add", "."),
        (*who, "commit", "--quiet", "--message=a"),
        (*who, "tag", "--annotate", "--message=a", "v0.1.0"),
    ):
        subprocess.run([find_tool("git"), "-C", str(tmp_path), *command], check=True)
    assert find_version_to_raise(tmp_path) is None
    (chart / "Chart.yaml").write_text(f"version: {version}\n")
    (chart / "values.yaml").write_text(values)
    assert find_version_to_raise(tmp_path) == to_raise


def test_a_package_holds_nothing_else(tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / "seq-exporter")
    for stray in (".git/config", ".idea/a.xml", ".DS_Store", "values.yaml.orig", "a.swp", "b~"):
        (chart / stray).parent.mkdir(exist_ok=True)
        (chart / stray).write_text("a: b\n")
    done = run_helm("package", chart, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as opened:
        held = {name.removeprefix("seq-exporter/") for name in opened.getnames()}
    files = {str(path.relative_to(CHART)) for path in CHART.rglob("*") if path.is_file()}
    assert held == {name for name in files if not name.startswith("ci/")}
