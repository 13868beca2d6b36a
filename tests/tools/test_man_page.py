"""The manual page as the programs see it that show it."""

from __future__ import annotations

import subprocess

from man.page import FILE
from tests.processes import find_tool


def test_mandoc_finds_no_fault() -> None:
    command = [find_tool("mandoc"), "-Tlint", "-Wstyle", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_it_is_a_page_of_80_columns() -> None:
    environ = {"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"}
    command = [find_tool("man"), "--warnings", "--local-file", str(FILE)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    lines = done.stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert "SEQ-EXPORTER(1)" in lines[0]
    assert "       --config.file=FILE" in lines
    assert "              Environment: SEQ_EXPORTER_CONFIG_FILE" in lines
