"""A file is replaced whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seq_exporter.files import find_leftovers, replacing


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text("old")
    with replacing(path, mode=0o644) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_private_unless_a_mode_is_given(tmp_path: Path) -> None:
    with replacing(tmp_path / "scores.json") as file:
        file.write(b"new")
    assert (tmp_path / "scores.json").stat().st_mode & 0o777 == 0o600


def test_an_error_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.writelines(_one_line_and_an_error())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_are_those_of_the_same_file(tmp_path: Path) -> None:
    left = tmp_path / ".a[1].json.x1.tmp"
    for name in (left.name, ".a1.json.x1.tmp", "a[1].json", ".b.json.x1.tmp"):
        (tmp_path / name).touch()
    assert list(find_leftovers(tmp_path / "a[1].json")) == [left]


def _one_line_and_an_error() -> Iterator[bytes]:
    yield b"half"
    raise ZeroDivisionError
