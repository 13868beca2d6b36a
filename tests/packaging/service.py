"""A machine on which systemd would run the exporter, as the documentation leaves it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from tests.packaging import sandbox
from tests.packaging.systemd_unit import expand_system_calls, read_service, split_command
from tests.processes import find_tool
from tests.simulator import Simulator

SERVICE = read_service()
START = split_command(SERVICE["ExecStart"][0])
CREDENTIALS = "/run/credentials/seq-exporter.service"
USER = 61184  # the first of those that systemd gives to services with DynamicUser=


@dataclass(frozen=True)
class Host:
    """A machine as the documentation leaves it, in `folder`; the program is in `program`."""

    folder: Path
    program: Path
    port: int

    @property
    def config(self) -> Path:
        return self.folder / "etc" / "config.yaml"

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write_config(self, simulator: Simulator) -> None:
        """Write the configuration of one account, acme, and its key where root alone reads it."""
        (account,) = yaml.safe_load(simulator.config)["accounts"]
        (line,) = SERVICE["LoadCredential"]
        name, _, source = line.partition(":")
        key = self.folder / "etc" / Path(source).relative_to("/etc/seq-exporter")
        key.write_text(account.pop("api_key"))
        key.chmod(0o600)
        loaded = self.folder / "credentials" / name  # by systemd, before it starts the program
        shutil.copy(key, loaded)
        os.chown(loaded, USER, USER)
        loaded.chmod(0o400)
        # By its name: looking that up must work without the sockets that are forbidden.
        account["base_url"] = account["base_url"].replace("127.0.0.1", "localhost")
        account["api_key_file"] = f"{CREDENTIALS}/acme"
        config = {"accounts": [account], "state_dir": "/var/lib/seq-exporter"}
        self.config.write_text(yaml.safe_dump(config))

    def command(self, *words: str) -> list[str]:
        """Return what runs `words` as systemd runs the service."""
        (self.folder / "root").mkdir(exist_ok=True)
        (families,) = SERVICE["RestrictAddressFamilies"]
        settings = sandbox.Settings(
            root=str(self.folder / "root"),
            user=USER,
            mounts={
                "/opt/seq-exporter": str(self.program),
                "/etc/seq-exporter": str(self.folder / "etc"),
                CREDENTIALS: str(self.folder / "credentials"),
                "/var/lib/" + SERVICE["StateDirectory"][0]: str(self.folder / "state"),
            },
            writable=["/var/lib/seq-exporter"],
            python=sys.base_prefix,
            environ={"HOME": "/", "PATH": "/usr/bin:/bin", **self._read_flags()},
            umask=int(SERVICE["UMask"][0], 8),
            open_files=int(SERVICE["LimitNOFILE"][0]),
            system_calls=expand_system_calls(SERVICE["SystemCallFilter"]),
            families=[int(getattr(socket, family)) for family in families.split()],
        )
        unshare = (find_tool("unshare"), "--mount", "--ipc", "--propagation=private")
        script = (sys.executable, "-I", sandbox.__file__, json.dumps(asdict(settings)))
        return [*unshare, *script, *words]

    def _read_flags(self) -> dict[str, str]:
        (file,) = SERVICE["EnvironmentFile"]
        assert file == "-/etc/default/seq-exporter"
        lines = (self.folder / "default").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)
