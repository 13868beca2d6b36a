"""A shell completes commands, flags and values."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import find_tool
from tests.support import ROOT

#: Completes the words of each argument, of which the last is being typed. Prints what bash would
#: offer: a line for each argument.
COMPLETE = """
eval "$(_SEQ_EXPORTER_COMPLETE=bash_source seq-exporter)"
for typed; do
    eval "COMP_WORDS=(seq-exporter $typed)"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _seq_exporter_completion seq-exporter
    echo "${COMPREPLY[@]}"
done
"""

CONFIG = """
state_dir: state
accounts:
  - {name: acme, api_key: k}
  - {name: acme-eu, api_key: k}
  - {name: globex, api_key: k}
  - {name: an account, api_key: k}
"""

# What a shell would take for more than a name.
UNSAFE = " ;&|<>()$`'\"*?[]{}#~!\\^%=,\t\nü\u202e"

DAMAGED = ["damaged", "[]", '{"subusers": {"by_label": [1, null]}}', "[" * 100_000]

OFFERED = [
    (["se"], ["serve"]),
    (["b"], ["backfill"]),
    (["serve", "--sh"], ["--shard", "--shard-by"]),
    (["serve", "--log.level", ""], ["debug", "info", "warn", "error"]),
    # Bash makes words of what is before and behind a `=`.
    (["serve", "--log.format", "="], ["logfmt", "json"]),
    # Names: those of the configuration, and of the scores that `serve` has saved.
    (["check", "--account", "ac"], ["acme", "acme-eu"]),
    (["scores", "--account", "x"], []),
    (["scores", "--subuser", "s"], ["shop-de", "shop-fr"]),
    (["explain", "shop-d"], ["shop-de"]),
    (["explain", ""], ["shop-de", "shop-fr"]),
    (["explain", "--config.file", "none.yaml", "shop-d"], []),
]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return an environment where `seq-exporter` is a command."""
    program = tmp_path / "seq-exporter"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m seq_exporter "$@"\n')
    program.chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def test_bash_completes(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    labels = ["shop-de", "shop-fr", *(f"shop{character}x" for character in UNSAFE), "-shop"]
    saved = {label: ["1", label, 4.0, [None] * 5] for label in labels}
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "acme.json").write_text(
        "{}\n" + json.dumps({"subusers": {"by_label": saved}})
    )
    for number, text in enumerate(DAMAGED):
        (tmp_path / "state" / f"damaged-{number}.json").write_text(f"{{}}\n{text}")
    os.mkfifo(tmp_path / "state" / "pipe.json")  # it would be waited for
    typed = [shlex.join(words) for words, _ in OFFERED]
    done = subprocess.run(
        [find_tool("bash"), "-c", COMPLETE, "bash", *typed],
        cwd=tmp_path,
        env=environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split() for line in done.stdout.splitlines()] == [words for _, words in OFFERED]
