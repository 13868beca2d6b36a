"""`seq-exporter check` as a person types it, on a pretend SendGrid."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.processes import free_port
from tests.simulator import Simulator
from tests.support import ROOT

#: The accounts that need no connection to be tried again for seconds.
ANSWERED = ("--account=kettlewick", "--account=tallyfern")


def check(folder: Path, *flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seq_exporter", "check", *flags],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(simulator: Simulator, tmp_path: Path) -> Path:
    """A folder with a configuration of three accounts: one right, one wrong, one unreachable."""
    config = yaml.safe_load(simulator.config)
    right, wrong, unreachable = config["accounts"]
    right["subusers"] = ["shop-de", "shop-dee"]
    wrong["api_key"] = "SG.wrong"
    unreachable["base_url"] = f"http://127.0.0.1:{free_port()}"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def test_each_account_is_told_of_in_its_order(folder: Path) -> None:
    done = check(folder)
    assert done.stderr == ""
    assert done.returncode == 1
    expected = r"""kettlewick
  ✓ key        accepted by http://127\.0\.0\.1:\d+, with 4 permissions
  ✓ subusers   20\d\d-\d\d-\d\d: 1 scored, 0 without a score
  ! missing    no subuser is called 'shop-dee': did you mean 'shop-de'\?
  ✓ own score  20\d\d-\d\d-\d\d: \d(\.\d)?
  ✓ rate limit \d+ of 60000 requests left until \d\d:\d\d:00 UTC
  ✓ clock      within \d s of SendGrid's
tallyfern
  ✗ key        refused \(401\): it has 8 characters; a SendGrid key has 69, begins
               with SG\. and contains another dot: is it complete\?
  ✓ clock      within \d s of SendGrid's
postmill
  ✗ SendGrid   no connection to http://127\.0\.0\.1:\d+: Connection refused;
               check DNS, the firewall and HTTPS_PROXY
polls of 2 of 3 accounts would fail
"""
    assert re.fullmatch(expected, done.stdout), done.stdout
    assert "SG.wrong" not in done.stdout


def test_all_is_well(folder: Path) -> None:
    done = check(folder, "--account=kettlewick")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "1 account: every poll should succeed",
    )


def test_programs_can_read_it(folder: Path) -> None:
    done = check(folder, *ANSWERED, "--format=json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (1, False)
    assert [(each["account"], each["ok"]) for each in told["accounts"]] == [
        ("kettlewick", True),
        ("tallyfern", False),
    ]


def test_quiet_prints_what_is_wrong_and_nothing_else(folder: Path) -> None:
    done = check(folder, "--quiet")
    assert (done.returncode, done.stderr) == (1, "")
    expected = r"""tallyfern
  ✗ key        refused \(401\): it has 8 characters; a SendGrid key has 69, begins
               with SG\. and contains another dot: is it complete\?
postmill
  ✗ SendGrid   no connection to http://127\.0\.0\.1:\d+: Connection refused;
               check DNS, the firewall and HTTPS_PROXY
polls of 2 of 3 accounts would fail
"""
    assert re.fullmatch(expected, done.stdout), done.stdout


@pytest.mark.parametrize("style", ["text", "json"])
def test_quiet_says_nothing_if_all_is_well(style: str, folder: Path) -> None:
    done = check(folder, "--quiet", "--account=kettlewick", f"--format={style}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_quiet_json_holds_what_is_wrong(folder: Path) -> None:
    told = json.loads(check(folder, *ANSWERED, "--quiet", "--format=json").stdout)
    assert told["ok"] is False
    ((account, findings),) = [(each["account"], each["findings"]) for each in told["accounts"]]
    assert (account, [each["trouble"] for each in findings]) == ("tallyfern", ["unauthorized"])


def test_on_a_narrow_terminal_nothing_is_wider(folder: Path) -> None:
    done = check(folder, *ANSWERED, COLUMNS="40")
    lines = done.stdout.splitlines()
    assert len(lines) > 12
    # An address is not broken.
    assert [line for line in lines if len(line) > 40 and "http://" not in line] == []


@pytest.mark.parametrize(
    ("environ", "is_coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ],
)
def test_a_terminal_without_colours_gets_none(
    environ: dict[str, str], is_coloured: bool, folder: Path
) -> None:
    leader, follower = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "seq_exporter", "check", "--account=kettlewick"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), **environ},
        stdout=follower,
        check=True,
    )
    os.close(follower)
    shown = os.read(leader, 65536)
    os.close(leader)
    assert b"kettlewick" in shown
    assert (b"\x1b[" in shown) is is_coloured


def test_where_there_are_no_such_letters(folder: Path) -> None:
    done = check(folder, "--account=kettlewick", PYTHONIOENCODING="ascii")
    assert done.stdout.splitlines()[1].startswith("  + key        accepted by ")


def test_a_pipe_that_closes_early(folder: Path) -> None:
    program = shlex.join([sys.executable, "-m", "seq_exporter", "check", *ANSWERED])
    done = subprocess.run(
        ["bash", "-c", f"{program} | head -1"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("kettlewick\n", "")


def test_no_file(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no configuration file: looked for" in done.stderr
    assert "Traceback" not in done.stderr
