"""One version, which `seq_exporter/__init__.py` holds and every other place repeats."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from itertools import pairwise

import pytest

from seq_exporter import __version__
from tests.support import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

#: Each file that names the version, and how.
PLACES = {
    "seq_exporter/__init__.py": r'^__version__ = "(.*)"$',
    "CHANGELOG.md": r"^## \[(\d.*?)\]",  # the newest one: below [Unreleased], if that is there
    "Dockerfile": r"^ARG VERSION=(.*)$",
    "man/seq-exporter.1": r'^\.TH .* "seq\\-exporter (.*?)"',
    "helm/seq-exporter/Chart.yaml": r"^appVersion: (.*)$",
}

#: A heading of the changelog: a version with its day, or what has none yet.
HEADING = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d|Unreleased)")
SECTIONS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def split_at(level: str, text: str) -> list[tuple[str, str]]:
    """Return each heading of that level, `## ` or `### `, and what is below it."""
    _, *parts = re.split(rf"^{level}", text, flags=re.MULTILINE)
    return [
        (heading, below.strip()) for heading, _, below in (part.partition("\n") for part in parts)
    ]


@pytest.mark.parametrize("place", PLACES)
def test_every_place_names_the_same_version(place: str) -> None:
    found = re.search(PLACES[place], (ROOT / place).read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    assert found[1] == __version__


@pytest.mark.parametrize("place", PLACES)
def test_who_releases_is_told_of_every_place(place: str) -> None:
    assert f"`{place}`" in (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")


def test_the_packages_take_theirs_from_the_code() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in settings["project"]
    assert settings["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "seq_exporter.__version__"
    }


def test_versions_of_the_changelog_fall_and_have_their_days() -> None:
    headings = [heading for heading, _ in split_at("## ", CHANGELOG)]
    if headings[0] == "[Unreleased]":
        del headings[0]
    found = [HEADING.fullmatch(heading) for heading in headings]
    assert all(found), headings
    released = [match.groups() for match in found if match]
    versions = [tuple(map(int, numbers)) for *numbers, _ in released]
    assert all(newer > older for newer, older in pairwise(versions))
    days = [date.fromisoformat(day) for *_, day in released if day != "Unreleased"]
    assert all(newer >= older for newer, older in pairwise(days))
    assert "Unreleased" not in [day for *_, day in released[1:]]


def test_every_change_is_in_a_section_of_its_kind() -> None:
    for heading, below in split_at("## ", CHANGELOG):
        kinds = split_at("### ", below)
        assert {kind for kind, _ in kinds} <= set(SECTIONS), heading
        assert len(kinds) == len(dict(kinds)), heading
        assert all(changes.startswith("- ") for _, changes in kinds), heading
        if heading != "[Unreleased]":
            assert kinds, heading
        assert "\n- " not in f"\n{below.partition('### ')[0]}", heading
