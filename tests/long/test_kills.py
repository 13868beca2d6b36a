"""Hundreds of kills at any moment of a save."""

from __future__ import annotations

from pathlib import Path

from tests.tools.test_restart import check_kills


def test_killed_at_any_moment_the_file_is_whole(tmp_path: Path) -> None:
    check_kills(300, tmp_path)
