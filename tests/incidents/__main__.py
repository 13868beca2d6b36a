"""`python -m tests.incidents 1 2 3` plays these fleets, and prints what the alerts found."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.incidents.play import play
from tests.incidents.report import print_summary
from tests.processes import find_tool


def main(seeds: Sequence[str]) -> int:
    """Return the exit status: 1 if an incident was missed, or told of late or too often."""
    promtool, alertmanager = find_tool("promtool"), find_tool("prometheus-alertmanager")
    summary = play([int(seed) for seed in seeds] or [1], promtool, alertmanager)
    print_summary(summary)
    return 0 if summary.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
