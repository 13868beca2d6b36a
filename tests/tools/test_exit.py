"""How the program ends while a thread still hangs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import GIVE_UP_SECONDS, ROOT

_HANGING = """
import atexit, sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
atexit.register(print, "Python ends in its usual way")
from seq_exporter.__main__ import main
sys.argv[1:] = {arguments!r}
main()
"""


def run_beside_a_thread_that_hangs(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _HANGING.format(arguments=arguments)],
        capture_output=True,
        cwd=ROOT,
        text=True,
        timeout=GIVE_UP_SECONDS,
        check=False,
    )


def test_python_is_not_ended_beside_a_thread_that_hangs() -> None:
    """Python unwinds such a thread when it wakes, and that can abort the process."""
    done = run_beside_a_thread_that_hangs("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("seq-exporter ")
    assert done.stdout.count("\n") == 1


def test_the_exit_status_stays() -> None:
    done = run_beside_a_thread_that_hangs("serve", "--no-such-flag")
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_output_changes_nothing(closed: str) -> None:
    command = [sys.executable, "-c", _HANGING.format(arguments=("scores", "--help"))]
    done = subprocess.run(
        ["sh", "-c", f'"$0" "$@" {closed}', *command],
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        timeout=GIVE_UP_SECONDS,
        check=False,
    )
    assert done.returncode == 0
