"""What the image installs is what the project asks for."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import ROOT

DEPENDENCIES = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9.-]+)==(\S+) \\$", LOCK, re.MULTILINE))


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_every_dependency_is_locked_to_a_version_that_will_do(dependency: str) -> None:
    wanted = Requirement(dependency)
    assert LOCKED[canonicalize_name(wanted.name)] in wanted.specifier


def test_every_package_of_the_lock_has_the_hashes_of_its_files() -> None:
    packages = re.split(r"^(?=[a-z])", LOCK, flags=re.MULTILINE)[1:]
    assert len(packages) == len(LOCKED) >= len(DEPENDENCIES)
    for package in packages:
        assert re.search(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$", package, re.MULTILINE)
    assert "://" not in LOCK
