"""What survives the end of a process, however it comes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.processes import Start, free_port, start_simulator, wait_for, wait_until
from tests.served import read_page, read_scores
from tests.simulator import Simulator
from tests.support import GIVE_UP_SECONDS, ROOT


def test_scores_survive_sigkill_while_sendgrid_is_gone(exporter: Start, tmp_path: Path) -> None:
    process, simulator = start_simulator(exporter)
    (tmp_path / "config.yaml").write_text(f"{simulator.config}\nstate_dir: state\n")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    flags = ("serve", f"--web.listen-address=127.0.0.1:{port}", "--log.level=debug")
    first = exporter(*flags)
    wait_for(f"{base}/-/ready", first)
    before = read_scores(base)
    assert len(before) > 3 * 20 * 6
    # They are saved after they are shown.
    wait_until(lambda: len(list((tmp_path / "state").rglob("*.json"))) == 2 * 3, first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    process.terminate()
    process.communicate()

    second = exporter(*flags)
    wait_for(f"{base}/-/ready", second)
    assert read_scores(base) == before
    page = read_page(base)
    accounts = [account["name"] for account in yaml.safe_load(simulator.config)["accounts"]]
    for account in accounts:
        assert f'\nseq_exporter_scores_restored{{account="{account}"}} 1.0\n' in page
    second.terminate()
    _, err = second.communicate(timeout=GIVE_UP_SECONDS)
    written = [file.read_text() for file in (tmp_path / "state").rglob("*.json")]
    assert len(written) == 2 * 3
    for account in yaml.safe_load(simulator.config)["accounts"]:
        for text in (err, page, *written):
            assert account["api_key"] not in text


def test_a_full_disk_costs_a_warning_and_a_count(
    start: Start, simulator: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(f"{simulator.config}\nstate_dir: state\n")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    # The limit stands for the disk: no file may hold a single byte.
    command = f"ulimit -f 0; exec {sys.executable} -m seq_exporter serve"
    process = start("sh", "-c", f"{command} --web.listen-address=127.0.0.1:{port}")
    wait_for(f"{base}/-/ready", process)
    assert read_scores(base) == simulator.read_newest()
    page = read_page(base)
    for account in yaml.safe_load(simulator.config)["accounts"]:
        name = account["name"]
        assert f'\nseq_exporter_account_up{{account="{name}"}} 1.0\n' in page
        assert f'\nseq_exporter_state_save_failures_total{{account="{name}"}} 1.0\n' in page
    process.terminate()
    _, err = process.communicate(timeout=GIVE_UP_SECONDS)
    assert err.count('level=warn msg="cannot save scores"') == 3
    assert list((tmp_path / "state").iterdir()) == []


def check_kills(times: int, folder: Path) -> None:
    """Kill a process that saves so many times, at any moment; its file must always be whole."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.tools.kill_saves", folder, str(times)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    in_the_middle, broken, *left = run.stdout.split()
    assert int(in_the_middle) > times / 10  # else it was never put to the test
    assert broken == "0"
    assert left == ["acme.json", "earlier-scores/acme.json"]


@pytest.mark.small
def test_killed_at_any_moment_the_file_is_whole(tmp_path: Path) -> None:
    check_kills(15, tmp_path)
