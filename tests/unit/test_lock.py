"""What the image installs, and builds with, is what the project asks for, each file by its hash."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.locks import read_lock
from tests.support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "build.lock": PROJECT["build-system"]["requires"],
}


@pytest.mark.parametrize(
    ("lock", "dependency"),
    [(lock, dependency) for lock, wanted in WANTED.items() for dependency in wanted],
)
def test_every_dependency_is_locked_to_a_version_that_will_do(lock: str, dependency: str) -> None:
    wanted = Requirement(dependency)
    assert read_lock(lock)[canonicalize_name(wanted.name)].version in wanted.specifier


@pytest.mark.parametrize("lock", WANTED)
def test_every_package_of_a_lock_has_the_hashes_of_its_files(lock: str) -> None:
    packages = read_lock(lock)
    assert len(packages) >= len(WANTED[lock])
    for package in packages.values():
        assert package.hashes
    assert "://" not in (ROOT / lock).read_text()


def test_pip_fetches_nothing_for_the_image_but_wheels_with_a_hash() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    found = re.findall(r"\bpip (?:--python \S+ +)?(?:install|wheel|download) [^&\n]*", text)
    commands = [command.split() for command in found]
    online = [words for words in commands if "--no-index" not in words]
    assert {words[words.index("--requirement") + 1] for words in online} == set(WANTED)
    for words in online:
        assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(words)
    # The project itself is built from source, with the packages of build.lock.
    (built,) = (words for words in commands if words[-1] == ".")
    assert {"--no-index", "--no-build-isolation"} <= set(built)
