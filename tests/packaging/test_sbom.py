"""`make sbom` lists the packages of the image, all of them, as CycloneDX."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from seq_exporter import __version__
from tests.locks import Locked, read_lock
from tests.support import ROOT

#: 2026-11-30 10:00 UTC, as the commit of a release may have.
COMMIT_SECONDS = "1796032800"


def make_sbom(file: Path) -> dict[str, Any]:
    """Run `make sbom` as a maintainer does, and return what it wrote."""
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
    sbom: dict[str, Any] = json.loads(file.read_text())
    return sbom


def read_component(component: dict[str, Any]) -> Locked:
    """Return version and hashes as the lock has them."""
    (distribution,) = component["externalReferences"]
    assert distribution["type"] == "distribution"
    hashes = {entry["content"] for entry in distribution["hashes"] if entry["alg"] == "SHA-256"}
    return Locked(component["version"], frozenset(hashes))


def test_the_sbom_lists_every_package_of_the_lock_with_its_hashes(tmp_path: Path) -> None:
    sbom = make_sbom(tmp_path / "made" / "sbom.cdx.json")
    listed = {component["name"]: read_component(component) for component in sbom["components"]}
    assert listed == read_lock("requirements.lock")
    assert len(sbom["components"]) == len(listed)
    for component in sbom["components"]:
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"


def test_the_sbom_names_the_release(tmp_path: Path) -> None:
    sbom = make_sbom(tmp_path / "sbom.cdx.json")
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert sbom["metadata"]["timestamp"] == "2026-11-30T10:00:00+00:00"
    described = sbom["metadata"]["component"]
    assert (described["name"], described["version"]) == ("seq-exporter", __version__)
    (license_,) = described["licenses"]
    assert license_["license"]["id"] == "Apache-2.0"


def test_the_sbom_of_a_commit_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    make_sbom(first)
    make_sbom(second)
    assert first.read_bytes() == second.read_bytes()
