"""The unit of systemd: correct, hardened as it says, and nothing in it harms the program.

There need not be a systemd that runs: `sandbox.py` does to the program what systemd would.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from functools import partial
from pathlib import Path

import bcrypt
import pytest
import requests
import yaml

from tests.packaging.service import SERVICE, START, USER, Host
from tests.packaging.systemd_unit import KEYS, UNIT, split_command
from tests.processes import Start, find_tool, free_port, wait_for, wait_until
from tests.served import read_page, read_scores
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS
from tests.unit.web.settings.web_folder import WebFolder

#: What `sandbox.py` does as well.
DONE = {
    *("CapabilityBoundingSet", "DynamicUser", "EnvironmentFile", "ExecReload", "ExecStart"),
    *("LimitCORE", "LimitNOFILE", "LoadCredential", "MemoryDenyWriteExecute", "NoNewPrivileges"),
    *("PrivateDevices", "PrivateIPC", "PrivateMounts", "PrivateTmp", "PrivateUsers", "ProtectHome"),
    *("ProtectProc", "ProtectSystem", "RestrictAddressFamilies", "RestrictNamespaces"),
    *("StateDirectory", "SystemCallArchitectures", "SystemCallErrorNumber", "SystemCallFilter"),
    "UMask",
}
#: What it leaves out: because there is nobody to restart anything, because only control groups can
#: do it, or because what it forbids is forbidden to such a user or by SystemCallFilter= already.
LEFT_OUT = {
    *("Type", "Restart", "RestartSec", "RestartPreventExitStatus", "StateDirectoryMode"),
    "RestartForceExitStatus",
    *("DevicePolicy", "MemoryMax", "TasksMax", "ProtectControlGroups"),
    *("AmbientCapabilities", "KeyringMode", "LockPersonality", "ProtectClock", "ProtectHostname"),
    *("ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "RemoveIPC"),
    *("RestrictRealtime", "RestrictSUIDSGID"),
}

#: Tries what the unit forbids, and prints what came of it.
PROBE = """
import ctypes, errno, json, mmap, os, socket
from pathlib import Path
def attempt(act):
    try:
        act()
    except OSError as err:
        return errno.errorcode[err.errno]
    return "done"
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
status = dict(line.split(":\\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({
    "user": os.getuid(), "groups": os.getgroups(), "umask": status["Umask"].strip(),
    "capabilities": {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0},
    "no new privileges": status["NoNewPrivs"], "seccomp": status["Seccomp"],
    "processes": sum(name.isdigit() for name in os.listdir("/proc")),
    "write /etc/seq-exporter": attempt(lambda: Path("/etc/seq-exporter/x").touch()),
    "write /opt/seq-exporter": attempt(lambda: Path("/opt/seq-exporter/x").touch()),
    "write /usr": attempt(lambda: Path("/usr/x").touch()),
    "write credentials": attempt(lambda: Path("/run/credentials/seq-exporter.service/x").touch()),
    "write /tmp": attempt(lambda: Path("/tmp/x").touch()),
    "write /var/lib/seq-exporter": attempt(lambda: Path("/var/lib/seq-exporter/x").touch()),
    "read root's key": attempt(Path("/etc/seq-exporter/keys/acme").read_text),
    "read the credential": attempt(Path("/run/credentials/seq-exporter.service/acme").read_text),
    "unix socket": attempt(lambda: socket.socket(socket.AF_UNIX)),
    "netlink socket": attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "tcp": attempt(lambda: socket.socket(socket.AF_INET)),
    "tcp6": attempt(lambda: socket.socket(socket.AF_INET6)),
    "code that changes": attempt(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | 4)),
    "become root": attempt(lambda: os.setuid(0)),
    "namespace": attempt(lambda: call("unshare", 0x00020000)),
    "mount": attempt(lambda: call("mount", None, b"/tmp", b"tmpfs", 0, None)),
    "be nice": attempt(lambda: os.nice(1)),
}))
"""


def call_analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (find_tool("systemd-analyze"), *arguments),
        capture_output=True,
        text=True,
        env=os.environ | {"LANG": "C.UTF-8"},
        check=False,
    )


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return the root of a machine with systemd's own units, this one, and what it starts."""
    root = tmp_path / "machine"
    own = root / "etc/systemd/system"
    (own / "seq-exporter.service.d").mkdir(parents=True)
    shutil.copy(UNIT, own)
    shutil.copy(KEYS, own / "seq-exporter.service.d")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    for line in ("ExecStart", "ExecReload"):
        program = root / split_command(SERVICE[line][0])[0].lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_bytes(b"\x7fELF")
        program.chmod(0o755)
    return root


def test_systemd_finds_nothing_wrong(machine: Path) -> None:
    flags = (f"--root={machine}", "--man=no", "--recursive-errors=no")
    run = call_analyze("verify", *flags, "seq-exporter.service")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_it_is_as_secure_as_it_says(machine: Path) -> None:
    flags = ("--offline=true", f"--root={machine}", "--no-pager")
    run = call_analyze("security", *flags, "seq-exporter.service")
    score = re.search(r"Overall exposure level for seq-exporter.service: ([\d.]+)", run.stdout)
    noted = re.search(r"reports ([\d.]+) ", UNIT.read_text(encoding="utf-8"))
    assert score
    assert noted
    assert float(score[1]) <= float(noted[1])


def test_nothing_in_the_unit_is_left_to_chance() -> None:
    assert set(SERVICE) == DONE | LEFT_OUT
    assert not DONE & LEFT_OUT


@pytest.fixture(scope="module")
def program(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the installed environment that works in /opt/seq-exporter."""
    folder = tmp_path_factory.mktemp("opt") / "seq-exporter"
    shutil.copytree(installed.parent, folder, symlinks=True)
    script = folder / "bin" / "seq-exporter"
    text = script.read_text(encoding="utf-8")
    assert str(installed) in text  # pip writes down for which Python it is
    script.write_text(text.replace(str(installed), "/opt/seq-exporter/bin"), encoding="utf-8")
    return folder


@pytest.fixture
def host(tmp_path: Path, program: Path) -> Host:
    """Put everything where the unit expects it."""
    if os.geteuid():
        message = "only root can do what systemd does: run this test as root"
        if os.environ.get("SEQ_EXPORTER_TEST_TOOLS") == "required":
            pytest.fail(message)
        pytest.skip(message)
    host = Host(tmp_path / "host", program, free_port())
    (host.folder / "etc" / "keys").mkdir(parents=True)
    (host.folder / "etc" / "keys").chmod(0o700)
    for name in ("state", "credentials"):
        (host.folder / name).mkdir(mode=0o700)
        os.chown(host.folder / name, USER, USER)
    (host.folder / "default").write_text(
        f"SEQ_EXPORTER_WEB_LISTEN_ADDRESS=127.0.0.1:{host.port}\nSEQ_EXPORTER_LOG_LEVEL=debug\n"
    )
    return host


@pytest.fixture
def simulator(exporter: Start) -> Simulator:
    """Start a pretend SendGrid with one account, acme."""
    process = exporter("simulate", "--listen=127.0.0.1:0", "--accounts=1", "--subusers=30")
    assert process.stdout
    config = "".join(process.stdout.readline() for _ in range(5))
    (account,) = yaml.safe_load(config)["accounts"]
    return Simulator(config.replace(f"name: {account['name']}", "name: acme"))


def run(host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(host.command(*words), capture_output=True, text=True, check=False)


def test_what_the_unit_forbids_is_forbidden_here(host: Host, simulator: Simulator) -> None:
    host.write_config(simulator)
    done = run(host, "/opt/seq-exporter/bin/python", "-c", PROBE)
    assert done.returncode == 0, done
    assert json.loads(done.stdout) == {
        "user": USER,
        "groups": [],
        "umask": "0077",
        "capabilities": True,
        "no new privileges": "1",
        "seccomp": "2",
        "processes": 1,
        "write /etc/seq-exporter": "EROFS",
        "write /opt/seq-exporter": "EROFS",
        "write /usr": "EROFS",
        "write credentials": "EROFS",
        "write /tmp": "done",
        "write /var/lib/seq-exporter": "done",
        "read root's key": "EACCES",
        "read the credential": "done",
        "unix socket": "EAFNOSUPPORT",
        "netlink socket": "EAFNOSUPPORT",
        "tcp": "done",
        "tcp6": "done",
        "code that changes": "EPERM",
        "become root": "EPERM",
        "namespace": "EPERM",
        "mount": "EPERM",
        "be nice": "EPERM",
    }, done.stderr


def test_nothing_in_the_unit_harms_the_program(
    host: Host, simulator: Simulator, start: Start
) -> None:
    host.write_config(simulator)
    process = start(*host.command(*START))
    wait_for(f"{host.base}/-/ready", process)
    assert read_scores(host.base) == simulator.read_newest()
    page = read_page(host.base)
    assert '\nseq_exporter_account_up{account="acme"} 1.0\n' in page
    # These come from /proc.
    assert "\nprocess_resident_memory_bytes " in page
    assert f"\nprocess_max_fds {float(SERVICE['LimitNOFILE'][0])}\n" in page
    assert requests.get(host.base, timeout=GIVE_UP_SECONDS).status_code == 200
    wait_until(lambda: (host.folder / "state" / "acme.json").exists(), process)
    assert (host.folder / "state" / "acme.json").stat().st_mode & 0o777 == 0o600

    host.config.write_text(host.config.read_text().replace("name: acme", "name: renamed"))
    reloaded = run(host, *split_command(SERVICE["ExecReload"][0], MAINPID=str(process.pid)))
    assert reloaded.returncode == 0, reloaded.stderr
    wait_until(lambda: {labels[1] for labels in read_scores(host.base)} == {"renamed"}, process)

    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=GIVE_UP_SECONDS)
    assert process.returncode == 0
    assert 'msg="seq-exporter stopped"' in log
    assert (host.folder / "etc" / "keys" / "acme").read_text() not in log + page


def test_tls_and_passwords_work_in_it_too(host: Host, simulator: Simulator, start: Start) -> None:
    host.write_config(simulator)
    web = WebFolder(host.folder / "etc")
    password = bcrypt.hashpw(b"open", bcrypt.gensalt(4)).decode()
    # The text of both, which goes through a file in memory.
    web.write(
        "tls_server_config:\n  cert: <cert.pem>\n  key: <key.pem>\n"
        f"basic_auth_users: {{prometheus: {password}}}\n"
    )
    with (host.folder / "default").open("a") as flags:
        flags.write("SEQ_EXPORTER_WEB_CONFIG_FILE=/etc/seq-exporter/web.yml\n")
    process = start(*host.command(*START))
    assert process.stderr
    assert 'msg="seq-exporter started"' in process.stderr.readline()
    url = f"https://127.0.0.1:{host.port}/metrics"
    ask = partial(requests.get, url, verify=str(web.path / "ca.pem"), timeout=GIVE_UP_SECONDS)
    assert ask(auth=("prometheus", "open")).status_code == 200
    assert ask(auth=("prometheus", "closed")).status_code == 401


def test_it_has_files_to_spare_with_all_its_clients(
    host: Host, simulator: Simulator, start: Start
) -> None:
    host.write_config(simulator)
    process = start(*host.command(*START))
    wait_for(f"{host.base}/-/ready", process)
    clients = [socket.create_connection(("127.0.0.1", host.port)) for _ in range(300)]
    (found,) = re.findall(r"^process_open_fds (.+)$", read_page(host.base), re.MULTILINE)
    for client in clients:
        client.close()
    assert 256 <= float(found) < int(SERVICE["LimitNOFILE"][0]) / 2


def test_a_wrong_configuration_is_not_started_again(host: Host) -> None:
    host.config.write_text("accounts: []")
    refused = run(host, *START)
    assert "accounts: is empty: name at least one" in refused.stderr
    assert str(refused.returncode) in SERVICE["RestartPreventExitStatus"]


def test_a_reload_in_the_first_instants_ends_in_a_restart() -> None:
    # Before the program's first line, nothing can hold the signal.
    early = subprocess.Popen(["sleep", str(GIVE_UP_SECONDS)])
    early.send_signal(signal.SIGHUP)
    assert signal.Signals(-early.wait()).name in SERVICE["RestartForceExitStatus"]


def test_a_port_in_use_is_tried_again(host: Host, simulator: Simulator) -> None:
    host.write_config(simulator)
    with socket.create_server(("127.0.0.1", host.port)):
        failed = run(host, *START)
    assert "address already in use" in failed.stderr
    assert failed.returncode == 1
    assert "1" not in SERVICE["RestartPreventExitStatus"]
    assert SERVICE["Restart"] == ["on-failure"]
