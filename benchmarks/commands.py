"""CPU time of commands that print a line, compared with a Python that does nothing."""

from __future__ import annotations

import resource
import statistics
import subprocess
from collections.abc import Mapping, Sequence

from benchmarks.figures import Figures
from benchmarks.processes import environment, python

_RUNS = 11
# What bash sets when Tab is pressed behind `seq-exporter serve --sh`.
_TAB = {
    "_SEQ_EXPORTER_COMPLETE": "bash_complete",
    "COMP_WORDS": "seq-exporter serve --sh",
    "COMP_CWORD": "2",
}
_PROGRAM = ("-m", "seq_exporter")


def measure_commands() -> Figures:
    """Return the medians of runs in turns."""
    commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {
        "bare python cpu": (("-c", "pass"), {}),
        "version cpu": ((*_PROGRAM, "--version"), {}),
        "help cpu": ((*_PROGRAM, "scores", "--help"), {}),
        "tab cpu": (_PROGRAM, _TAB),
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(_RUNS):
        for name, (arguments, variables) in commands.items():
            found[name].append(_measure(arguments, variables))
    return {name: statistics.median(each) for name, each in found.items()}


def _measure(arguments: Sequence[str], variables: Mapping[str, str]) -> float:
    before = _children_seconds()
    subprocess.run(
        python(*arguments),
        env={**environment(), **variables},
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    return _children_seconds() - before


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
