"""The README's table of values, made from the comments in values.yaml.

A comment that begins with `--`, as for helm-docs, describes the value below it:

    # -- Port of the Service.
    port: 10737
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z]\w*):")
_COMMENT = re.compile(r"^ *# (?P<begins>-- )?(?P<text>.*)$")


class Value(NamedTuple):
    """A value of the chart: `service.port`, 10737, and the text of its comment."""

    path: tuple[str, ...]
    default: Any
    description: str


def describe_values(path: Path) -> str:
    """Return a Markdown table of the values that have a description, in the file's order."""
    rows = [
        f"| `{'.'.join(value.path)}` | {_show(value.default)} | {value.description} |"
        for value in read_values(path)
    ]
    return "\n".join(["| value | default | what it does |", "|---|---|---|", *rows]) + "\n"


def read_values(path: Path) -> Iterator[Value]:
    """Yield each value with a description."""
    text = path.read_text(encoding="utf-8")
    defaults = yaml.safe_load(text)
    place: list[tuple[int, str]] = []
    words: list[str] | None = None
    for line in text.splitlines():
        if comment := _COMMENT.match(line):
            if comment["begins"]:
                words = [comment["text"]]
            elif words is not None:
                words.append(comment["text"])
            continue
        if key := _KEY.match(line):
            indent = len(key["indent"])
            place = [outer for outer in place if outer[0] < indent] + [(indent, key["key"])]
            if words is not None:
                keys = tuple(name for _, name in place)
                yield Value(keys, _find(defaults, keys), " ".join(words))
        words = None


def _find(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def _show(default: Any) -> str:
    """Return a default on one line; refer to values.yaml for long ones."""
    text = json.dumps(default)
    return f"`{text}`" if len(text) <= 60 else "see values.yaml"
