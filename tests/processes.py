"""Real processes on loopback: the exporter, the simulator, and the tools that users run."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS

#: The Debian package of each tool that a test may start.
DEBIAN_PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "bash": "bash",
    "buildah": "buildah",
    "bwrap": "bubblewrap",
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "curl": "curl",
    "debootstrap": "debootstrap",
    "docker-registry": "docker-registry",
    "git": "git",
    "man": "man-db",
    "mandoc": "mandoc",
    "node": "nodejs",
    "npm": "npm",
    "openssl": "openssl",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "promtool": "prometheus",
    "systemd-analyze": "systemd",
    "victoria-metrics": "victoria-metrics",
    "vmalert": "victoria-metrics",
}

#: How the reason of a skipped test begins when a tool is missing; its name follows.
MISSING_TOOL = "a tool is not installed: "

# Below the range that Linux takes ports from for clients: a client must not get a port between its
# choice and the start of the server that it is for.
_PORTS = range(15_000, 32_000)

Start = Callable[..., "subprocess.Popen[str]"]


def free_port() -> int:
    """Return a port that nothing listens on.

    Drawn at random, so that tests that run at the same time hardly ever get the same one.
    """
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def wait_for(url: str, process: subprocess.Popen[str]) -> requests.Response:
    """Return the first 200 of `url`, as long as `process` runs."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            response = requests.get(url, timeout=GIVE_UP_SECONDS)
        except requests.ConnectionError:
            response = None
        if response is not None and response.status_code == 200:
            return response
        time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Return once it is so, as long as `process` runs."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return its exit status and what it wrote to standard output and standard error."""
    out, err = process.communicate(timeout=GIVE_UP_SECONDS)
    return process.returncode, out, err


def find_tool(name: str) -> str:
    """Return the path of a tool; without it the test is skipped, or fails where it must run."""
    path = shutil.which(name)
    if path is None:
        if is_every_tool_required():
            pytest.fail(f"{name} is not installed; on Debian: apt install {DEBIAN_PACKAGES[name]}")
        pytest.skip(f"{MISSING_TOOL}{name}")
    return path


def is_every_tool_required() -> bool:
    """Whether a test that lacks something must fail, and not be skipped."""
    return os.environ.get("SEQ_EXPORTER_TEST_TOOLS") == "required"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Start]:
    """Start processes in `folder`; they end with the block."""
    started: list[subprocess.Popen[str]] = []

    def run(*command: str, **environ: str) -> subprocess.Popen[str]:
        clean = {key: value for key, value in os.environ.items() if "SEQ_EXPORTER" not in key}
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    try:
        yield run
    finally:
        for process in started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()


def exporter_by(start: Start) -> Start:
    """Return what starts `seq-exporter` with the given arguments."""

    def run(*arguments: str, **environ: str) -> subprocess.Popen[str]:
        return start(sys.executable, "-m", "seq_exporter", *arguments, **environ)

    return run


def start_simulator(
    exporter: Start, subusers: int = 30, *arguments: str
) -> tuple[subprocess.Popen[str], Simulator]:
    """Start the simulator with three accounts, each with so many subusers."""
    process = exporter("simulate", "--listen=127.0.0.1:0", f"--subusers={subusers}", *arguments)
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(2 + 3 * 3)]
    return process, Simulator("".join(lines))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start processes that end with the test."""
    with running(tmp_path) as start:
        yield start


@pytest.fixture
def exporter(start: Start) -> Start:
    """Start `seq-exporter` with the given arguments; it ends with the test."""
    return exporter_by(start)


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Start a simulator that all tests share: it answers each of them alike.

    No test may stop it, nor look at how much is left of a rate limit that they share.
    """
    with running(tmp_path_factory.mktemp("simulator")) as start:
        yield start_simulator(exporter_by(start), 30, "--rate-limit=60000")[1]
