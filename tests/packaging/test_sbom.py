"""`make sbom` lists the packages of the image, all of them, as CycloneDX."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seq_exporter import __version__
from tests.locks import Locked, read_lock
from tests.support import ROOT

#: 2026-11-30 10:00 UTC, as the commit of a release may have.
COMMIT_SECONDS = "1796032800"


def make_sbom(file: Path) -> Path:
    """Run `make sbom` as a maintainer does, and return the file that it wrote."""
    environ = os.environ | {"SOURCE_DATE_EPOCH": COMMIT_SECONDS}
    done = subprocess.run(
        ["make", "--silent", "sbom", f"SBOM={file}"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return file


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sbom(tmp_path_factory.mktemp("sbom") / "made" / "sbom.cdx.json")


def read_component(component: dict[str, Any]) -> Locked:
    """Return version and hashes as the lock has them."""
    (distribution,) = component["externalReferences"]
    assert distribution["type"] == "distribution"
    hashes = {entry["content"] for entry in distribution["hashes"] if entry["alg"] == "SHA-256"}
    return Locked(component["version"], frozenset(hashes))


def test_the_sbom_lists_every_package_of_the_lock_with_its_hashes(made: Path) -> None:
    sbom = json.loads(made.read_text())
    listed = {component["name"]: read_component(component) for component in sbom["components"]}
    assert listed == read_lock("requirements.lock")
    assert len(sbom["components"]) == len(listed)
    for component in sbom["components"]:
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"


def test_the_sbom_names_the_release(made: Path) -> None:
    sbom = json.loads(made.read_text())
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert sbom["metadata"]["timestamp"] == "2026-11-30T10:00:00+00:00"
    described = sbom["metadata"]["component"]
    assert (described["name"], described["version"]) == ("seq-exporter", __version__)
    (license_,) = described["licenses"]
    assert license_["license"]["id"] == "Apache-2.0"


def test_the_sbom_of_a_commit_is_the_same_each_time(made: Path, tmp_path: Path) -> None:
    assert make_sbom(tmp_path / "again.json").read_bytes() == made.read_bytes()
