"""Whatever goes wrong: what was good stays, the reason is counted, and the next good poll heals."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.sendgrid.anomalies import ANOMALY_KINDS
from tests.faults.stage import Fault, Stage
from tests.faults.table import FAULTS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(fault: Fault, tmp_path: Path) -> None:
    assert Stage(tmp_path).play(fault).problems == []


def test_every_reason_and_every_kind_has_a_fault() -> None:
    counted = {name for fault in FAULTS for name in fault.counted}
    # No fault from outside may bring these about: a defect of ours, and what the user has set.
    ours = {"internal", "too_many_series"}
    assert counted - {"unsaved"} == {*POLL_FAILURE_REASONS, *ANOMALY_KINDS} - ours


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
