"""Read a file of locked packages: `requirements.lock` of the image, `build.lock` of its build."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support import ROOT


@dataclass(frozen=True)
class Locked:
    """A package's version, and the SHA-256 of each file that may be installed."""

    version: str
    hashes: frozenset[str]


def read_lock(file: str) -> dict[str, Locked]:
    """Return the packages of a lock by name."""
    text = (ROOT / file).read_text()
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    packages = {}
    for entry in entries:
        found = re.match(r"([a-z0-9.-]+)==(\S+) (?:; platform_machine in '[^']+' )?\\\n", entry)
        assert found, entry
        hashes = re.findall(r"^    --hash=sha256:([0-9a-f]{64})(?: \\)?$", entry, re.MULTILINE)
        packages[found[1]] = Locked(found[2], frozenset(hashes))
    assert len(packages) == len(entries)
    return packages
