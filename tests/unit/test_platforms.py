"""Platforms for which a library has no wheel: the exporter is slower there, and nothing else."""

from __future__ import annotations

import subprocess
import sys

from tests.support import ROOT

# The libraries that pyproject.toml installs only where they have wheels.
_WITHOUT = """
import sys, pytest
sys.modules.update(msgspec=None, zlib_ng=None)
from seq_exporter.publish import deflate
from seq_exporter.sendgrid import client, pages
assert deflate.zlib.__name__ == "zlib"
assert client.decode_scores is client.decode_usernames is pages.decode_nothing
sys.exit(pytest.main(["-q", "-n0", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_pages_are_read_and_written_without_libraries_in_c() -> None:
    files = ("tests/unit/sendgrid/test_client.py", "tests/unit/publish/test_deflate.py")
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *files], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
