"""A small form may be left out where its full size runs: there is one, and it checks the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support import ROOT

#: A test by its name: what it calls to check something.
Checks = dict[str, set[str]]


def read_checks(folder: Path, *, marked: str = "") -> Checks:
    """Return the tests in a folder, or those with a mark, and the `check_...` that each calls."""
    functions = [
        node
        for file in sorted(folder.glob("test_*.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    return {
        each.name: {
            node.func.id
            for node in ast.walk(each)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id.startswith("check_")
        }
        for each in functions
        if not marked or marked in map(ast.unparse, each.decorator_list)
    }


FULL = read_checks(ROOT / "tests" / "long")
SMALL = read_checks(ROOT / "tests" / "tools", marked="pytest.mark.small")


@pytest.mark.parametrize("name", SMALL)
def test_a_small_form_has_a_full_size(name: str) -> None:
    assert SMALL[name]
    assert SMALL[name] == FULL.get(name)
