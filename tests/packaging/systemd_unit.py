"""The unit of systemd and its drop-in, read as systemd reads them."""

from __future__ import annotations

import re
import shlex
import subprocess

from tests.support import ROOT

FOLDER = ROOT / "systemd"
UNIT, KEYS = FOLDER / "seq-exporter.service", FOLDER / "keys.conf"


def read_service() -> dict[str, list[str]]:
    """Return the values of each directive of [Service], those of the drop-in last."""
    found: dict[str, list[str]] = {}
    for file in (UNIT, KEYS):
        section = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                section = line
            elif section == "[Service]" and line and not line.startswith(("#", ";")):
                name, _, value = line.partition("=")
                found.setdefault(name, []).append(value)
    return found


def split_command(command: str, **variables: str) -> list[str]:
    """Return the words of an Exec line, with `$VARIABLES` of the service manager filled in."""
    return [variables.get(word.removeprefix("$"), word) for word in shlex.split(command)]


def expand_system_calls(lines: list[str]) -> list[str]:
    """Return what SystemCallFilter= allows, asking systemd what is in its @groups."""
    allowed = _expand("@default")  # systemd adds it to every list of what is allowed
    for line in lines:
        named = set[str]().union(*map(_expand, line.removeprefix("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return sorted(allowed)


def _expand(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    command = ("systemd-analyze", "syscall-filter", "--no-pager", name)
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    members = re.findall(r"^ +([@\w-]+)$", text, re.MULTILINE)
    assert members, name
    return set[str]().union(*map(_expand, members))
