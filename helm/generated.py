"""Files of the chart that are generated from others: rules, dashboards, the schema, a table.

Helm packs no file from outside the chart's folder. Symbolic links would work, but Helm prints a
message for each at every command, and not every checkout supports them.
"""

from __future__ import annotations

import json
from pathlib import Path

from helm.schema import SCHEMA
from helm.values_table import describe_values

CHART = Path(__file__).parent / "seq-exporter"
PROJECT = CHART.parents[1]
COPIED = (
    "prometheus/seq-exporter.rules.yaml",
    "grafana/seq-fleet.json",
    "grafana/seq-subuser.json",
    "grafana/seq-exporter.json",
)
BEGIN, END = "<!-- values: make chart -->\n", "<!-- end of values -->\n"


def make_files() -> dict[str, str]:
    """Return the content of each generated file by its name in the chart."""
    copies = {f"files/{Path(name).name}": (PROJECT / name).read_text() for name in COPIED}
    return copies | {
        "values.schema.json": json.dumps(SCHEMA, indent=2) + "\n",
        "README.md": _fill_in((CHART / "README.md").read_text()),
    }


def _fill_in(readme: str) -> str:
    """Return the README with the table of the current values."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + describe_values(CHART / "values.yaml") + "\n" + END + after
