"""Platforms for which a library has no wheel: the exporter is slower there, and nothing else."""

from __future__ import annotations

import subprocess
import sys

from tests.support import ROOT

# The libraries that pyproject.toml installs only where they have wheels.
_WITHOUT = """
import sys, pytest
sys.modules.update(msgspec=None, zlib_ng=None)
from seq_exporter import score
from seq_exporter.publish import deflate
from seq_exporter.sendgrid import client, pages
assert score.Struct.__module__ == "seq_exporter.score"
assert deflate.zlib.__name__ == "zlib"
assert client.decode_scores is client.decode_usernames is pages.decode_nothing
sys.exit(pytest.main(["-q", "-n0", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_scores_are_read_kept_and_published_without_libraries_in_c() -> None:
    names = (
        *("test_scores", "sendgrid/test_client", "serve/test_saved"),
        *("publish/test_deflate", "publish/test_families", "publish/test_store"),
    )
    paths = [f"tests/unit/{name}.py" for name in names]
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *paths], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
