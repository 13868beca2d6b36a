"""A thousand clients that misbehave, and files of the web server that change one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Start, exporter_by, running, start_simulator
from tests.simulator import Simulator
from tests.tools.test_web import MISBEHAVIOUR, check_crowd, check_renewals, start_guarded


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Start a simulator of a page of megabytes."""
    with running(tmp_path_factory.mktemp("large")) as start:
        yield start_simulator(exporter_by(start), 1000, "--rate-limit=60000")[1]


@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_clients_that_misbehave_are_not_noticed(
    how: str, large: Simulator, exporter: Start, tmp_path: Path
) -> None:
    check_crowd(how, 1000, large, exporter, tmp_path)


def test_a_new_certificate_and_a_new_password_hold_within_seconds(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    check_renewals(start_guarded(exporter, simulator, tmp_path), one_by_one=True)
