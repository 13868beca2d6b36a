"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq_exporter.files import find_leftovers, replacing, writing_to


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


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    target, link = tmp_path / "data" / "scores.json", tmp_path / "scores.json"
    link.symlink_to(target)
    for content in (b"new", b"newer"):  # at first, the link leads nowhere
        with replacing(link) as file:
            file.write(content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    (target.parent / ".scores.json.x1.tmp").touch()
    assert list(find_leftovers(link)) == [target.parent / ".scores.json.x1.tmp"]


def test_a_named_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with writing_to(pipe) as file:
        file.write(b"new")
    assert os.read(reader, 100) == b"new"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_device_is_written_to() -> None:
    with writing_to(Path(os.devnull)) as file:
        file.write(b"new")
    assert Path(os.devnull).is_char_device()


def test_a_regular_file_that_a_user_named_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with writing_to(path, mode=0o644) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644


def test_leftovers_are_those_of_the_same_file(tmp_path: Path) -> None:
    left = tmp_path / ".a[1].json.x1.tmp"
    for name in (left.name, ".a1.json.x1.tmp", "a[1].json", ".b.json.x1.tmp"):
        (tmp_path / name).touch()
    assert list(find_leftovers(tmp_path / "a[1].json")) == [left]


def _one_line_and_an_error() -> Iterator[bytes]:
    yield b"half"
    raise ZeroDivisionError
