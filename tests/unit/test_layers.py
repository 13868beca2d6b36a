"""A score flows one way: a module imports only from lines above its own."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "seq_exporter"

ORDER = (
    "scores",
    "errors",
    "durations",
    "secret",
    "shard",
    "yamlfile",
    "config",
    "configfile",
    "clock",
    "items",
    "session",
    "transport",
    "sendgrid",
    "pieces",
    "exposition",
    "instruments",
    "telemetry",
    "store",
    "state",
    "naming",
    "newest",
    "health",
    "polling",
    "threads",
    "watch",
    "app",
    "web",
    "simulator",
    "logs",
    "process",
    "flags",
    "backfill",
    "checking",
    "scoreboard",
    "cli",
    "__main__",
)


def layer_of(module: str) -> str:
    return module.split(".")[1]


def imports_of(file: Path) -> set[str]:
    """Return the layers that a module imports from."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {layer_of(name) for name in names if name.startswith("seq_exporter.")}
    return found - {"__version__"}


def test_every_module_has_its_place() -> None:
    modules = {file.stem for file in PACKAGE.glob("*.py")} - {"__init__"}
    folders = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    assert modules | folders == set(ORDER)


def test_a_module_imports_only_from_above() -> None:
    for file in PACKAGE.rglob("*.py"):
        own = file.relative_to(PACKAGE).with_suffix("").parts[0]
        if own == "__init__":
            continue
        allowed = set(ORDER[: ORDER.index(own) + 1])
        if own in ("web", "simulator"):
            allowed.add(own)
        assert imports_of(file) <= allowed, file.name


def test_the_simulator_knows_only_what_a_score_is() -> None:
    for file in (PACKAGE / "simulator").glob("*.py"):
        assert imports_of(file) <= {"scores", "simulator"}, file.name


def test_modules_stay_small() -> None:
    lengths = {file.name: len(file.read_text().splitlines()) for file in PACKAGE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 300} == {}
