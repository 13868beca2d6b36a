"""compose.yaml, as Compose reads it, and its processes in one sandbox from the same files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import podman_compose  # type: ignore[import-untyped]
import yaml

from tests.support import ROOT

FILE = ROOT / "compose.yaml"

#: In place of images: what Debian and this checkout have.
PROGRAMS = {
    "seq-exporter": [sys.executable, "-m", "seq_exporter"],
    "prometheus": ["prometheus"],
    "alertmanager": ["prometheus-alertmanager"],
}


@dataclass(frozen=True)
class Mount:
    """`./compose/prometheus.yaml:/etc/prometheus/prometheus.yaml:ro`, or a named volume's."""

    source: str
    target: str
    is_read_only: bool

    @property
    def is_file(self) -> bool:
        return self.source.startswith("./")


def read_services(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return each service, with what `.env` says in place of variables."""
    document = podman_compose.rec_subs(yaml.safe_load(FILE.read_text()), dict(environ))
    services: dict[str, Any] = document["services"]
    return services


def list_mounts(service: Mapping[str, Any]) -> Iterator[Mount]:
    for volume in service.get("volumes", ()):
        source, target, *mode = volume.split(":")
        yield Mount(source, target, mode == ["ro"])


def make_command(service: Mapping[str, Any]) -> list[str]:
    """Return what the container would start, with a program of this machine."""
    if "entrypoint" in service:
        _, *rest = service["entrypoint"]
        return [sys.executable, *rest]
    image = service["image"].rpartition("/")[2].partition(":")[0]
    return PROGRAMS[image] + list(service.get("command", ["serve"]))


def run_in_sandbox(script: Path, services: Mapping[str, Any], hosts: Path) -> str:
    """Run a script where files are mounted as Compose would, and every service is on loopback.

    The network is the sandbox's own: ports are those of compose.yaml, and clash with nothing.
    Returns what the script prints; fails with it if the script does.
    """
    hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in ["localhost", *services]))
    python = {Path(sys.prefix), Path(sys.base_prefix)}
    binds = [(str(place), str(place)) for place in [*sorted(python), ROOT]]
    binds += [(str(hosts), "/etc/hosts")]
    volumes = set()
    for service in services.values():
        for mount in list_mounts(service):
            if mount.is_file:
                binds.append((str(ROOT / mount.source), mount.target))
            else:
                volumes.add(mount.target)
    command = ["bwrap", "--unshare-net", "--unshare-pid", "--die-with-parent"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += ["--ro-bind", "/usr", "/usr", "--tmpfs", "/tmp", "--chdir", "/tmp"]
    for name in ("bin", "lib", "lib64"):
        command += ["--symlink", f"usr/{name}", f"/{name}"]
    for target in sorted(volumes):
        command += ["--tmpfs", target]
    for source, target in dict.fromkeys(binds):
        command += ["--ro-bind", source, target]
    command += ["--setenv", "PYTHONPATH", str(ROOT), sys.executable, str(script)]
    planned = {
        name: {"command": make_command(service), "environment": service.get("environment", {})}
        for name, service in services.items()
        if name != "grafana"  # of which Debian has none
    }
    done = subprocess.run(
        command, input=json.dumps(planned), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
