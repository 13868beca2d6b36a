"""The API against its description, with requests that schemathesis generates."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from seq_exporter.web.api import ENDPOINTS
from tests.processes import Start, free_port, wait_for

# Unknown parameters are ignored, and schemathesis expects that they are refused.
SETTINGS = """\
[generation]
allow-extra-parameters = false
"""


def test_every_answer_is_as_described(exporter: Start, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    process = exporter("demo", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", process)
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"http://{address}/api/v1/openapi.json"),
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
