"""What users download: whole, no more than that, and running where nothing else is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import requests

from seq_exporter import __version__
from tests.packaging.distributions import (
    Distributions,
    list_repository,
    run_outside,
    run_pip,
)
from tests.processes import Start, find_tool, free_port, wait_for
from tests.support import GIVE_UP_SECONDS

#: In the environment's share/seq-exporter: what somebody who has only pip must copy from.
SHARED = {"config.example.yaml", "keys.conf", "seq-exporter.service"}

#: Run in the new environment, where a module that was forgotten, or one that needs a package that
#: is no dependency, cannot be imported.
IMPORT_EVERYTHING = """
import importlib, pkgutil, seq_exporter
print(seq_exporter.__file__)
for module in pkgutil.walk_packages(seq_exporter.__path__, "seq_exporter."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""


def test_the_wheel_is_made_from_the_source_distribution(distributions: Distributions) -> None:
    assert "Building wheel from sdist" in distributions.log
    assert distributions.sdist.name == f"seq_exporter-{__version__}.tar.gz"
    assert distributions.wheel.name == f"seq_exporter-{__version__}-py3-none-any.whl"


def test_the_wheel_holds_what_runs_and_nothing_else(distributions: Distributions) -> None:
    name = f"seq_exporter-{__version__}"
    held = distributions.list_wheel()
    about = {file for file in held if file.startswith(f"{name}.dist-info/")}
    shared = {f"{name}.data/data/share/seq-exporter/{file}" for file in SHARED}
    page = f"{name}.data/data/share/man/man1/seq-exporter.1"
    assert held - about == list_repository("seq_exporter") | shared | {page}
    assert held >= {
        "seq_exporter/py.typed",
        "seq_exporter/web/status.html",
        "seq_exporter/web/style.css",
    }
    assert about >= {f"{name}.dist-info/{file}" for file in ("METADATA", "licenses/LICENSE")}


def test_the_source_distribution_holds_the_repository(distributions: Distributions) -> None:
    held = distributions.list_sdist()
    made = {name for name in held if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    visible = {name for name in list_repository() if not name.startswith(".")}
    missing = visible - held
    assert not missing, "MANIFEST.in does not name these"
    assert held - made == visible
    assert held >= {"pyproject.toml", "LICENSE", "CHANGELOG.md", "docs/metrics.md"}


def test_the_package_index_can_show_both(distributions: Distributions) -> None:
    files = (distributions.sdist, distributions.wheel)
    checked = run_outside(sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files)
    assert checked.count("PASSED") == 2


def test_it_says_its_version(installed: Path) -> None:
    said = run_outside(installed / "seq-exporter", "--version")
    assert said.startswith(f"seq-exporter {__version__} (python ")


def test_man_finds_its_page(installed: Path) -> None:
    """man looks beside the folders of the PATH."""
    path = f"{installed}:/usr/bin:/bin"
    found = run_outside("env", "-i", f"PATH={path}", find_tool("man"), "--where", "seq-exporter")
    assert found.strip() == f"{installed.parent}/share/man/man1/seq-exporter.1"


def test_every_module_finds_what_it_needs(installed: Path) -> None:
    # -I: not from this repository, whatever PYTHONPATH and the current folder are.
    place, *modules = run_outside(installed / "python", "-I", "-c", IMPORT_EVERYTHING).split()
    assert Path(place).is_relative_to(installed.parent)
    assert {"seq_exporter.commands.main", "seq_exporter.web.routes"} < set(modules)
    assert run_pip(installed.parent, "check").strip() == "No broken requirements found."


def test_the_demo_runs(installed: Path, start: Start) -> None:
    port = free_port()
    command = (str(installed / "seq-exporter"), "demo", f"--web.listen-address=127.0.0.1:{port}")
    process = start(*command, PYTHONPATH="")
    wait_for(f"http://127.0.0.1:{port}/-/ready", process)
    page = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=GIVE_UP_SECONDS)
    assert '\nsendgrid_seq_score{account="' in page.text
    status = requests.get(f"http://127.0.0.1:{port}/", timeout=GIVE_UP_SECONDS)
    assert status.headers["Content-Type"].startswith("text/html")
    assert "kettlewick" in status.text
