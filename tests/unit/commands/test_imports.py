"""Each command line imports what it needs: counted in packages, because a time may vary."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from seq_exporter import __version__
from seq_exporter.commands.main import commands
from tests.unit.config.files import MINIMAL

#: Prints the modules that a program has imported when it ends.
LIST_MODULES = """
import atexit, sys
atexit.register(lambda: print("\\n" + " ".join(name for name in sys.modules if sys.modules[name])))
"""
RUN = f"{LIST_MODULES}from seq_exporter.__main__ import main; main()"

COMMANDS = [name for name, command in commands.commands.items() if not command.hidden]


def run_python(
    code: str, *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **(variables or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )


def list_modules(code: str, *arguments: str, **variables: str) -> list[str]:
    run = run_python(code, *arguments, variables=variables)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()[-1].split()


@pytest.fixture(scope="module")
def there_already() -> set[str]:
    """Return what any program of this Python imports: an editable install imports its finder."""
    return {"seq_exporter", *list_modules(LIST_MODULES)}


def packages_in(modules: list[str], there_already: set[str]) -> set[str]:
    """Return the packages that are not of Python, and asyncio, which is as slow as all flags."""
    names = {module.split(".")[0] for module in modules}
    return (names - there_already - sys.stdlib_module_names) | (names & {"asyncio"})


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)
def test_help_needs_the_flags_only(arguments: list[str], there_already: set[str]) -> None:
    assert packages_in(list_modules(RUN, *arguments), there_already) == {"click"}


@pytest.mark.parametrize("words", ["", "se", *(f"{name} --" for name in COMMANDS)])
def test_so_does_a_press_of_tab(words: str, there_already: set[str]) -> None:
    modules = list_modules(
        "import sys; sys.argv[0] = 'seq-exporter'\n" + RUN,
        _SEQ_EXPORTER_COMPLETE="bash_complete",
        COMP_WORDS=f"seq-exporter {words}",
        COMP_CWORD=str(1 + words.count(" ")),
    )
    assert packages_in(modules, there_already) == {"click"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_imported_without_the_others(name: str) -> None:
    modules = list_modules(RUN, name, "--help")
    folders = {module.split(".")[2] for module in modules if "seq_exporter.commands." in module}
    assert folders == {"main", "completion", "flags", "messages", name}


def test_a_check_of_the_files_needs_no_server_and_no_client(
    tmp_path: Path, there_already: set[str]
) -> None:
    (tmp_path / "config.yaml").write_text(MINIMAL)
    modules = list_modules(RUN, "check", "--offline", f"--config.file={tmp_path}/config.yaml")
    used = packages_in(modules, there_already)
    assert {"click", "pydantic", "yaml"} <= used
    assert used.isdisjoint(
        {"bcrypt", "h11", "jinja2", "prometheus_client", "requests", "rich", "starlette", "uvicorn"}
    )


def test_serve_needs_no_table_no_archive_no_page_no_passwords_and_no_requests() -> None:
    """A first poll imports requests and msgspec, a first view templates, a first login bcrypt."""
    modules = list_modules(f"{LIST_MODULES}import seq_exporter.commands.serve.run")
    names = {module.split(".")[0] for module in modules}
    assert names.isdisjoint({"rich", "sqlite3", "google", "cramjam", "jinja2", "bcrypt"})
    assert names.isdisjoint({"requests", "urllib3", "msgspec"})
    assert "seq_exporter.web.settings.file" not in modules


def test_requests_guesses_no_encodings() -> None:
    """It warns if it cannot, and nobody is to see that."""
    always = {"PYTHONWARNINGS": "always"}
    run = run_python(RUN, "scores", "--config.file=/nowhere", variables=always)
    modules = run.stdout.splitlines()[-1].split()
    assert "requests" in modules
    assert {"chardet", "charset_normalizer"}.isdisjoint(modules)
    assert run.stderr.startswith("seq-exporter: no configuration file: looked for /nowhere\n")


def test_the_version_of_a_copy_that_is_not_installed() -> None:
    """`make demo` runs one: Python knows of no package `seq-exporter` then."""
    run = run_python(
        "import importlib.metadata\n"
        "def find_nothing(name): raise importlib.metadata.PackageNotFoundError(name)\n"
        "importlib.metadata.version = find_nothing\n"
        "from seq_exporter.__main__ import main; main()",
        "--version",
    )
    assert (run.stderr, run.stdout.split()[:2]) == ("", ["seq-exporter", __version__])
