"""The API against its description, with requests that schemathesis generates."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from seq_exporter.web.api import ENDPOINTS

# Unknown parameters are ignored, and schemathesis expects that they are refused.
SETTINGS = """\
[generation]
allow-extra-parameters = false
"""


def test_every_answer_is_as_described(demo: str, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{demo}api/v1/openapi.json"),
            *("--max-examples=100", "--seed=1", "--workers=1", "--no-color"),
            "--suppress-health-check=too_slow",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert f"{len(ENDPOINTS)} selected / {len(ENDPOINTS)} total" in done.stdout
