"""Time to read a configuration with a list of usernames, compared with PyYAML's own loaders.

`python -m benchmarks.configuration FILE` prints the figures of one file as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks.figures import Figures
from benchmarks.processes import run_python
from seq_exporter.config.file import load_config

_RUNS = 5
_SECONDS = 600.0


def measure_configuration(folder: Path, subusers: int) -> Figures:
    """Return the medians for one account that lists so many usernames."""
    file = folder / "names.yaml"
    names = "".join(f"  - customer-{number:06d}.example\n" for number in range(subusers))
    file.write_text(f"accounts:\n- name: acme\n  api_key: k\n  subusers:\n{names}")
    figures: Figures = run_python("benchmarks.configuration", str(file), seconds=_SECONDS)
    return figures


def main() -> None:
    """Measure in turns, in a process of its own: its garbage is not that of the others."""
    file = Path(sys.argv[1])
    fastest = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    calls: dict[str, Callable[[], object]] = {
        "configuration": lambda: load_config(file, {}),
        "yaml": lambda: yaml.load(file.read_bytes(), fastest),
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_RUNS):
        for name, call in calls.items():
            started = time.process_time()
            call()
            found[name].append(time.process_time() - started)
    print(json.dumps({name: statistics.median(each) for name, each in found.items()}))


if __name__ == "__main__":
    main()
