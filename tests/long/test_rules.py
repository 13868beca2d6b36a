"""The shipped rules, evaluated as often as the files of `prometheus/tests` say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.test_rules import CASES, check_alerts


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_when_they_must_and_only_then(case: Path, tmp_path: Path) -> None:
    check_alerts(case, 2, tmp_path)
