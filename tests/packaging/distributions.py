"""What is uploaded at a release, built as at a release, and installed where nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT


def list_repository(*paths: str) -> set[str]:
    """Return the files that a commit of everything would hold, below `paths` if there are any."""
    # Whoever owns the folder: a container's root, or the one who checked it out.
    git = ("git", "-c", f"safe.directory={ROOT}")
    command = (*git, "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths)
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


@dataclass(frozen=True, slots=True)
class Distributions:
    """The two files, and what the build said."""

    sdist: Path
    wheel: Path
    log: str

    def list_sdist(self) -> set[str]:
        """Return the files in it, without the folder that they are all in."""
        with tarfile.open(self.sdist) as archive:
            return {file.name.split("/", 1)[1] for file in archive if file.isfile()}

    def list_wheel(self) -> set[str]:
        """Return the files in it."""
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())


def build_distributions(folder: Path) -> Distributions:
    """Build both in `folder`, from a copy of the repository that holds nothing else."""
    tree, made = folder / "tree", folder / "dist"
    for name in list_repository():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes((ROOT / name).read_bytes())
    log = run_outside(sys.executable, "-m", "build", "--installer=uv", f"--outdir={made}", tree)
    (sdist,), (wheel,) = made.glob("*.tar.gz"), made.glob("*.whl")
    return Distributions(sdist, wheel, log)


def install_wheel(wheel: Path, environment: Path) -> Path:
    """Make the virtual environment with nothing but `wheel` and what it needs; return its bin."""
    run_outside(sys.executable, "-m", "venv", "--without-pip", environment)
    run_pip(environment, "install", wheel)
    return environment / "bin"


def run_pip(environment: Path, *arguments: str | Path) -> str:
    """Return what this environment's pip prints about another one: each has no pip of its own."""
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", f"--python={python}", "--disable-pip-version-check")
    return run_outside(*pip, *arguments)


def run_outside(*command: str | Path) -> str:
    """Return what a command prints that must not find this repository's own modules."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        command,
        cwd="/",
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout
