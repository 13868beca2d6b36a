"""Every fault that must do no harm."""

from __future__ import annotations

from tests.faults import answers, clocks, connections, items

FAULTS = [*connections.FAULTS, *answers.FAULTS, *items.FAULTS, *clocks.FAULTS]
