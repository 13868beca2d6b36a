"""Processes of the packages under test start and end as those of the tools do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.distributions import Distributions, build_distributions, install_wheel
from tests.processes import exporter, find_tool, start

__all__ = ["distributions", "exporter", "installed", "start"]


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """Build what is uploaded at a release: needs git, and a package index."""
    find_tool("git")
    return build_distributions(tmp_path_factory.mktemp("distributions"))


@pytest.fixture(scope="session")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` of an environment with the wheel and what it needs alone."""
    return install_wheel(distributions.wheel, tmp_path_factory.mktemp("installed") / "venv")
