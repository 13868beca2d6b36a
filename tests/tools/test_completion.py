"""A shell completes commands, flags and values."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import find_tool

#: Completes the words of $@, of which the last is being typed, and prints what bash would offer.
COMPLETE = """
eval "$(_SEQ_EXPORTER_COMPLETE=bash_source seq-exporter)"
COMP_WORDS=(seq-exporter "$@")
COMP_CWORD=$#
_seq_exporter_completion seq-exporter
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return an environment where `seq-exporter` is a command."""
    program = tmp_path / "seq-exporter"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m seq_exporter "$@"\n')
    program.chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["se"], ["serve"]),
        (["b"], ["backfill"]),
        (["serve", "--sh"], ["--shard", "--shard-by"]),
        (["serve", "--log.level", ""], ["debug", "info", "warn", "error"]),
        # Bash makes words of what is before and behind a `=`.
        (["serve", "--log.format", "="], ["logfmt", "json"]),
    ],
)
def test_bash_completes(typed: list[str], offered: list[str], environ: dict[str, str]) -> None:
    done = subprocess.run(
        [find_tool("bash"), "-c", COMPLETE, "bash", *typed],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == offered
