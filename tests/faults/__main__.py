"""`python -m tests.faults` plays every fault and prints what was seen of it, a line each."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.faults.stage import HELD, NEW, Fault, Stage
from tests.faults.table import FAULTS

_WIDTHS = (43, 14, 20)


def main() -> int:
    """Return the exit status: 1 if any fault did what it must not."""
    failed = 0
    _print_row("what goes wrong", "page shows", "counted as", "ok")
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            problems = Stage(Path(folder)).play(fault).problems
        counted = ", ".join(fault.counted) or "nothing"
        _print_row(fault.name, _describe(fault), counted, "NO" if problems else "yes")
        for problem in problems:
            print(f"  {problem}")
        failed += bool(problems)
    print(f"{len(FAULTS)} faults, {failed} failed")
    return min(failed, 1)


def _describe(fault: Fault) -> str:
    """Say what the page shows while the fault lasts, beside what it held and what is new."""
    if fault.shows == HELD:
        return "what it held"
    if not fault.shows:
        return "nothing"
    return "what is new" if fault.shows == NEW else "all the rest"


def _print_row(*cells: str) -> None:
    *first, last = cells
    print("".join(cell.ljust(width) for cell, width in zip(first, _WIDTHS, strict=True)) + last)


if __name__ == "__main__":
    sys.exit(main())
