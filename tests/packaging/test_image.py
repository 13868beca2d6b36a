"""The image is built and run for real: read-only, as nobody, with nothing in it but the program."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from seq_exporter import __version__
from tests.packaging.image import CommandFailed, Image
from tests.processes import Start, find_tool, free_port, wait_for
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS, ROOT

MEGABYTE = 1_000_000


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    for tool in ("buildah", "debootstrap"):
        find_tool(tool)
    if os.geteuid():
        pytest.fail("debootstrap and buildah's chroot need root: sudo make test-packaging")
    storage = tmp_path_factory.mktemp("image")
    image = Image(storage)
    image.build("--build-arg", "REVISION=0123abc")
    yield image
    image.remove()
    shutil.rmtree(storage)


def test_it_says_what_it_is(image: Image) -> None:
    labels = image.settings["Labels"]
    assert labels["org.opencontainers.image.title"] == "seq-exporter"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.revision"] == "0123abc"
    assert "python" in labels["org.opencontainers.image.base.name"]
    said = subprocess.run(image.command("--version"), capture_output=True, text=True, check=True)
    assert __version__ in said.stdout


def test_the_process_is_the_program_and_not_root(image: Image) -> None:
    assert image.settings["User"] == "65532:65532"
    assert image.settings["Entrypoint"] == ["/opt/seq-exporter/bin/seq-exporter"]
    assert image.settings["Cmd"] == ["serve"]
    assert list(image.settings["ExposedPorts"]) in (["10737"], ["10737/tcp"])


def test_it_adds_little_to_its_base(image: Image) -> None:
    added = image.added_bytes()
    assert 10 * MEGABYTE < added < 40 * MEGABYTE


def test_nothing_of_the_build_is_left(image: Image) -> None:
    environment = image.root / "opt" / "seq-exporter"
    assert not list(environment.glob("lib/python*/site-packages/pip*"))
    assert {path.name for path in (environment / "bin").glob("pip*")} == set()
    assert not list(environment.glob("lib/python*/site-packages/setuptools*"))
    for left in ("src", "build", "wheels", "root/.cache", "var/lib/seq-exporter/.cache"):
        assert not (image.root / left).exists()
    for tool in ("gcc", "cc", "make", "git"):
        assert not (image.root / "usr" / "bin" / tool).exists()


@pytest.mark.parametrize("lock", ["requirements.lock", "build.lock"])
def test_a_package_that_was_replaced_is_refused(image: Image, tmp_path: Path, lock: str) -> None:
    for name in ("Dockerfile", ".dockerignore", "requirements.lock", "build.lock"):
        shutil.copy(ROOT / name, tmp_path)
    # As if other files had been uploaded under the same versions since the lock was made.
    text = re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{0:064x}", (ROOT / lock).read_text())
    (tmp_path / lock).write_text(text)
    with pytest.raises(CommandFailed, match="THESE PACKAGES DO NOT MATCH THE HASHES") as failed:
        image.build(context=tmp_path)
    assert f"(from -r {lock} (line " in str(failed.value)


def test_the_bytecode_is_there(image: Image) -> None:
    """A file system that is read-only would have every start compile everything again."""
    package = next(image.root.glob("opt/seq-exporter/lib/python*/site-packages/seq_exporter"))
    compiled = {path.name.split(".")[0] for path in (package / "__pycache__").iterdir()}
    assert compiled == {path.stem for path in package.glob("*.py")}


def test_it_polls_and_serves_read_only_and_sigterm_ends_it(
    image: Image, start: Start, tmp_path: Path
) -> None:
    simulator = start_simulator(image, start)
    settings, state = tmp_path / "settings", tmp_path / "state"
    settings.mkdir()
    state.mkdir()
    # As Docker makes a named volume: it takes its owner from the folder in the image.
    owner = (image.root / "var/lib/seq-exporter").stat()
    os.chown(state, owner.st_uid, owner.st_gid)
    config = yaml.safe_load(simulator.config) | {"state_dir": "/var/lib/seq-exporter"}
    (settings / "config.yaml").write_text(yaml.safe_dump(config))

    address = f"127.0.0.1:{free_port()}"
    served = start(
        *image.command("serve", f"--web.listen-address={address}", settings=settings, state=state)
    )
    wait_for(f"http://{address}/-/ready", served)
    page = requests.get(f"http://{address}/metrics", timeout=GIVE_UP_SECONDS).text
    assert page.count("\nsendgrid_seq_score{") == sum(
        name == "sendgrid_seq_score" for name, *_ in simulator.read_newest()
    )
    assert "kettlewick" in requests.get(f"http://{address}/", timeout=GIVE_UP_SECONDS).text
    assert os.stat(f"/proc/{served.pid}").st_uid == 65532
    assert len(list(state.glob("*.json"))) == 3

    for command in ("check", "scores"):
        person = image.command(command, settings=settings, state=state)
        said = subprocess.run(person, capture_output=True, text=True, check=True)
        assert "kettlewick" in said.stdout

    served.send_signal(signal.SIGTERM)
    assert served.wait(GIVE_UP_SECONDS) == 0


def test_without_a_configuration_it_says_where_to_put_one(image: Image) -> None:
    said = subprocess.run(image.command(), capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "/etc/seq-exporter/config.yaml" in said.stderr
    assert "Traceback" not in said.stderr


def start_simulator(image: Image, start: Start) -> Simulator:
    """Start the simulator that the image holds."""
    process = start(*image.command("simulate", "--listen=127.0.0.1:0", "--subusers=30"))
    assert process.stdout
    return Simulator("".join(process.stdout.readline() for _ in range(2 + 3 * 3)))
