"""Build the image as a user would, without Docker's engine, and run what it holds.

Debian's buildah builds it in a chroot. In place of Python's own image stands one that debootstrap
makes, under the same name: what differs is where Python is, and the Dockerfile must not know that.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import ROOT

DOCKERFILE = ROOT / "Dockerfile"
DEBIAN = "bookworm"
BASE_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
IMAGE = "localhost/seq-exporter"
#: Kept beside Python from one run to the next.
BASE = Path(sys.prefix) / "base-image"

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


class CommandFailed(Exception):
    """A command ended with another status than 0; the text has what it printed."""


@dataclass(frozen=True)
class Storage:
    """Where buildah keeps images: in `folder`, and those of `base`, which it only reads."""

    folder: Path
    driver: str
    base: Path | None = None

    def call(self, *arguments: str) -> str:
        """Return what buildah prints."""
        where = [f"--root={self.folder}/images", f"--runroot={self.folder}/run"]
        where.append(f"--storage-driver={self.driver}")
        if self.driver == "overlay":  # else the folder becomes a mount point: it cannot be removed
            where.append("--storage-opt=overlay.skip_mount_home=true")
        if self.base:
            where.append(f"--storage-opt=.imagestore={self.base}/images")
        environ = os.environ | {"BUILDAH_ISOLATION": "chroot"}
        return run("buildah", *where, *arguments, environ=environ)


def choose_driver(*folders: Path) -> str:
    """Return how images are kept in these folders: by overlay, where the file system has it.

    With vfs, which always works, each step of a build copies the whole base: most of the time.
    """
    for folder in folders:
        with tempfile.TemporaryDirectory(dir=folder) as tried:
            try:
                Storage(Path(tried), "overlay").call("info")
            except CommandFailed:
                return "vfs"
    return "overlay"


def prepare_base(driver: str) -> int:
    """Make the base image in `BASE`, and return its size in bytes.

    It takes a minute, so the next run uses it again, unless something that it is made of changed.
    """
    certificates = hashlib.sha256(Path(CERTIFICATES).read_bytes()).hexdigest()
    made_of = [read_base(), DEBIAN, BASE_PACKAGES, certificates, driver]
    made = BASE / "made.json"
    if made.exists() and (found := json.loads(made.read_text()))["of"] == made_of:
        return int(found["bytes"])
    shutil.rmtree(BASE, ignore_errors=True)
    folder, storage = BASE / "debian", Storage(BASE, driver)
    folder.mkdir(parents=True)
    run("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", DEBIAN, folder)
    # A machine behind a proxy may trust more than Debian does; `pip` in the build must as well.
    shutil.copy(CERTIFICATES, folder / CERTIFICATES[1:])
    container = storage.call("from", "scratch")
    storage.call("add", "--quiet", container, str(folder), "/")
    storage.call("commit", "--quiet", "--rm", container, read_base())
    size = count_bytes(folder)
    shutil.rmtree(folder)
    # Last: a base that was begun and not finished is made again.
    made.write_text(json.dumps({"of": made_of, "bytes": size}))
    return size


class Image:
    """The image once built, and its file system."""

    def __init__(self, folder: Path) -> None:
        driver = choose_driver(folder, BASE.parent)
        self._base_bytes = prepare_base(driver)
        self._storage = Storage(folder, driver, BASE)

    def build(self, *arguments: str, context: Path = ROOT) -> None:
        """Build the Dockerfile in `context`, and lay out what is in the image under `root`."""
        self._storage.call("build", "--quiet", *arguments, "--tag", IMAGE, str(context))
        container = self._storage.call("from", "--quiet", "--pull-never", IMAGE)
        self.root = Path(self._storage.call("mount", container))
        described = json.loads(self._storage.call("inspect", "--type=image", IMAGE))
        self.settings: dict[str, Any] = described["OCIv1"]["config"]

    def added_bytes(self) -> int:
        """Return how much larger than its base the image is."""
        return count_bytes(self.root) - self._base_bytes

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
        self._storage.call("rm", "--all")


def read_base() -> str:
    """Return the image that the Dockerfile is based on unless told otherwise."""
    found = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert found
    return found[1]


def count_bytes(folder: Path) -> int:
    return sum(
        (Path(top) / name).lstat().st_size for top, _, names in os.walk(folder) for name in names
    )


def run(*command: str | Path, environ: dict[str, str] | None = None) -> str:
    """Return what the command prints; raise CommandFailed if it fails."""
    done = subprocess.run(
        [str(part) for part in command], env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandFailed(f"{command}: {done.stdout}\n{done.stderr}")
    return done.stdout.strip()
