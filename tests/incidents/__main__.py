"""`python -m tests.incidents 1 2 3` plays these fleets, and prints what the alerts found.

`python -m tests.incidents --kind=integers 1 2 3` plays fleets of that kind, `--kind=all` of every
kind. It prints a line for each: subuser-years; false alarms a subuser-year by severity; incidents
that have to be told, told in time / ever / all; others, told / all; the median of days until then;
the most notifications of an incident, and of a poor score in a quarter; falls reported resolved too
early.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence

from seq_exporter.simulator.kinds import KINDS
from tests.incidents.table import (
    Row,
    list_details,
    list_misses,
    play_kinds,
    write_header,
    write_row,
)
from tests.processes import find_tool


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.incidents")
    parser.add_argument("--kind", choices=("all", *KINDS), default="default", metavar="KIND")
    parser.add_argument("--subusers", type=int, help="at most so many in an account of a kind")
    parser.add_argument("--details", action="store_true", help="list incidents and false alarms")
    parser.add_argument("seeds", nargs="*", type=int)
    given = parser.parse_args(arguments)
    tools = find_tool("promtool"), find_tool("prometheus-alertmanager")
    kinds = [*KINDS] if given.kind == "all" else [given.kind]
    rows = play_kinds(kinds, given.seeds or [1], *tools, given.subusers)
    return print_rows(rows, details=given.details)


def print_rows(rows: Iterable[Row], *, details: bool) -> int:
    """Print the table, then a line for each target that is missed; return the exit status."""
    print(write_header())
    misses = []
    for row in rows:
        print(write_row(row), flush=True)
        if details:
            print(*list_details(row), sep="\n", flush=True)
        misses += list_misses(row)
    print(*misses, sep="\n")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
