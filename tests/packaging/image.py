"""Build the image as a user would, without Docker's engine, and run what it holds.

Debian's buildah builds it in a chroot. In place of Python's own image stands one that debootstrap
makes, under the same name: what differs is where Python is, and the Dockerfile must not know that.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.support import ROOT

DOCKERFILE = ROOT / "Dockerfile"
BASE_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
IMAGE = "localhost/seq-exporter"

#: Like `docker run --read-only --volume SETTINGS:/etc/seq-exporter`; the shell becomes the program.
RUN_READ_ONLY = """
root=$1 settings=$2 state=$3 user=$4 folder=$5; shift 5
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
if [ -n "$settings" ]; then
    mkdir -p "$root/etc/seq-exporter"
    mount --bind "$settings" "$root/etc/seq-exporter"
fi
mount -o remount,bind,ro "$root"
if [ -n "$state" ]; then
    mount --bind "$state" "$root/var/lib/seq-exporter"
fi
exec chroot --userspec="$user" "$root" env -i --chdir="$folder" "$@"
"""


class Image:
    """The image once built, and its file system."""

    def __init__(self, storage: Path) -> None:
        self._storage = storage
        self._base_folder = storage / "debian"

    def build_base(self) -> None:
        """Make an image of Debian with Python, under the name of the base in the Dockerfile."""
        folder = self._base_folder
        arguments = ("--variant=minbase", f"--include={BASE_PACKAGES}", "bookworm", str(folder))
        done = subprocess.run(
            ["debootstrap", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        # A machine behind a proxy may trust more than Debian does; `pip` in the build must as well.
        (folder / CERTIFICATES[1:]).write_bytes(Path(CERTIFICATES).read_bytes())
        container = self._buildah("from", "scratch")
        self._buildah("add", "--quiet", container, str(folder), "/")
        self._buildah("commit", "--quiet", "--rm", container, read_base())

    def build(self, *arguments: str) -> None:
        """Build the Dockerfile, and lay out what is in it under `root`."""
        self._buildah("build", "--quiet", *arguments, "--tag", IMAGE, str(ROOT))
        container = self._buildah("from", "--quiet", "--pull-never", IMAGE)
        self.root = Path(self._buildah("mount", container))
        described = json.loads(self._buildah("inspect", "--type=image", IMAGE))
        self.settings: dict[str, Any] = described["OCIv1"]["config"]

    def fail_to_build(self, context: Path) -> str:
        """Return what the build of the Dockerfile in another folder reports: it must fail."""
        done = self._try_buildah("build", "--quiet", "--tag", f"{IMAGE}-of-another", str(context))
        assert done.returncode != 0
        return done.stderr

    def added_bytes(self) -> int:
        """Return how much larger than its base the image is."""
        return count_bytes(self.root) - count_bytes(self._base_folder)

    def command(
        self, *arguments: str, settings: Path | str = "", state: Path | str = ""
    ) -> list[str]:
        """Return how to run the image read-only, with `arguments` instead of its own.

        `settings` is mounted at /etc/seq-exporter, `state` at /var/lib/seq-exporter.
        """
        return [
            *("unshare", "--mount", "--propagation=private", "bash", "-ec", RUN_READ_ONLY, "run"),
            *(str(self.root), str(settings), str(state)),
            *(self.settings["User"], self.settings["WorkingDir"], *self.settings["Env"]),
            *self.settings["Entrypoint"],
            *(arguments or self.settings["Cmd"]),
        ]

    def remove(self) -> None:
        """Take away what was laid out, so that its folder can be removed."""
        self._buildah("rm", "--all")

    def _buildah(self, *arguments: str) -> str:
        done = self._try_buildah(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def _try_buildah(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        where = (f"--root={self._storage}/images", f"--runroot={self._storage}/run")
        environ = os.environ | {"BUILDAH_ISOLATION": "chroot"}
        command = ("buildah", "--storage-driver=vfs", *where, *arguments)
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def read_base() -> str:
    """Return the image that the Dockerfile is based on unless told otherwise."""
    found = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert found
    return found[1]


def count_bytes(folder: Path) -> int:
    return sum(
        (Path(top) / name).lstat().st_size for top, _, names in os.walk(folder) for name in names
    )
