"""`seq-exporter scores` as a person types it, on a pretend SendGrid."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from seq_exporter.config.file import load_config
from seq_exporter.history import NO_HISTORY
from seq_exporter.sendgrid.reader import AccountReader
from seq_exporter.serve.state import StateFolder
from tests.faults.server import Exchange, FaultServer
from tests.processes import Start, find_tool, free_port, start_simulator, wait_for, wait_until
from tests.simulator import Samples, Simulator
from tests.support import GIVE_UP_SECONDS, ROOT, item

COMMAND = [sys.executable, "-m", "seq_exporter", "scores"]
ENVIRON = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


def scores(folder: Path, *flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *flags],
        cwd=folder,
        env=ENVIRON | environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(simulator: Simulator, tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(simulator.config)
    return tmp_path


def test_csv_has_what_sendgrid_says(folder: Path, simulator: Simulator) -> None:
    done = scores(folder, "--format=csv")
    assert (done.returncode, done.stderr) == (0, "")
    found: Samples = {}
    for row in csv.DictReader(io.StringIO(done.stdout)):
        user = [row["subuser"]] if row["subuser"] else []
        of = "sendgrid_seq" if user else "sendgrid_seq_account"
        found[(f"{of}_score", row["account"], *user)] = float(row["overall"])
        for metric in list(row)[4:9]:
            found[(f"{of}_metric_score", row["account"], metric, *user)] = float(row[metric])
    assert found == simulator.read_newest()


def test_the_api_has_the_same_changes(folder: Path, exporter: Start) -> None:
    """Of an exporter that was there a week ago."""
    file = folder / "config.yaml"
    file.write_text(f"{file.read_text()}\nstate_dir: state\n")
    config = load_config(file, {})
    for account in config.accounts:
        with AccountReader(account, config.poll) as reader:
            newest = reader.read_newest().snapshot.subusers
            before = newest and reader.read_day(newest.day - timedelta(7)).subusers
        assert before
        known = NO_HISTORY.record(before.day, before.overall_by_user)
        StateFolder(folder / "state").save_history(account, account.api_key.read(), known)
    base = f"http://127.0.0.1:{free_port()}"
    process = exporter("serve", f"--web.listen-address={base.removeprefix('http://')}")
    url = f"{base}/api/v1/scores?limit=1000&sort=change7"

    def read() -> list[Any]:
        wait_for(f"{base}/-/ready", process)
        found: list[Any] = requests.get(url, timeout=GIVE_UP_SECONDS).json()["scores"]
        return found

    wait_until(lambda: len({each["account"] for each in read() if each["change7"]}) == 3, process)
    rows = json.loads(scores(folder, "--format=json", "--sort=change7").stdout)
    keys = ("account", "subuser", "overall", "change7")
    expected = [[row[key] for key in keys] for row in rows if row["subuser"]]
    scored = [each for each in read() if each["overall"] is not None]
    assert sorted([each[key] for key in keys] for each in scored) == sorted(expected)
    assert [each["change7"] for each in scored] == [change for *_, change in expected]


def test_changes_and_history_are_those_of_earlier_days(folder: Path) -> None:
    now = json.loads(scores(folder, "--format=json", "--history=31").stdout)
    newest = now[0]["date"]
    assert {row["date"] for row in now} == {newest}
    for row in now:
        assert row["history"][-1] == row["overall"]
        for days in (7, 30):
            then = row["history"][-1 - days]
            change = row[f"change{days}"]
            assert change == (None if then is None else round(row["overall"] - then, 2))
    earlier = json.loads(scores(folder, "--format=json", "--date=" + days_before(newest, 7)).stdout)
    then = {(row["account"], row["subuser"]): row["overall"] for row in earlier}
    assert len(then) > 50
    for row in now:
        if row["subuser"]:
            assert then.get((row["account"], row["subuser"])) == row["history"][-8]


def days_before(day: str, days: int) -> str:
    return str(date.fromisoformat(day) - timedelta(days=days))


def test_the_page_is_that_of_the_exporter(folder: Path, simulator: Simulator) -> None:
    output = folder / "seq.prom"
    done = scores(folder, "--format=openmetrics", "--output=seq.prom")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert output.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    text = output.read_text()
    found = {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
    }
    assert found.items() >= simulator.read_newest().items()
    checked = subprocess.run(
        [find_tool("promtool"), "check", "metrics"], input=text, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_an_account_that_fails_hides_no_other(folder: Path) -> None:
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["accounts"][1]["api_key"] = "SG.wrong"
    config["accounts"][2]["base_url"] = f"http://127.0.0.1:{free_port()}"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "old.csv").write_text("old")
    done = scores(folder, "--below=3", "--limit=1")
    assert done.returncode == 1
    assert "kettlewick, 20" in done.stdout
    first, second = done.stderr.splitlines()
    assert first.startswith("seq-exporter: tallyfern: 401 (")
    assert second.startswith("seq-exporter: postmill: no connection to http://127.0.0.1:")
    assert "SG.wrong" not in done.stderr
    kept = scores(folder, "--account=tallyfern", "--format=csv", "--output=old.csv")
    assert kept.stderr.splitlines()[-1] == "seq-exporter: old.csv is left as it was"
    assert (kept.returncode, (folder / "old.csv").read_text()) == (1, "old")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_it_fits_on_a_terminal(folder: Path, columns: int) -> None:
    plain = scores(folder, "--limit=5", COLUMNS=str(columns)).stdout
    assert "\x1b[" not in plain
    assert max(len(line.rstrip()) for line in plain.splitlines()) <= columns


def test_on_a_terminal_it_is_coloured(folder: Path) -> None:
    assert "\x1b[" in read_terminal(folder, 80)
    assert "\x1b[3" not in read_terminal(folder, 80, NO_COLOR="1")


def read_terminal(folder: Path, columns: int, *flags: str, **environ: str) -> str:
    """Return what is shown on a terminal of so many columns."""
    leader, follower = pty.openpty()
    with open(folder / "errors", "w") as errors:
        process = subprocess.Popen(
            [*COMMAND, "--limit=5", *flags],
            cwd=folder,
            env=ENVIRON | {"COLUMNS": str(columns), "TERM": "xterm-256color"} | environ,
            stdin=follower,
            stdout=follower,
            stderr=errors,
        )
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 65536):
            shown += part
    except OSError:  # Linux's word for the end of a terminal
        pass
    os.close(leader)
    assert process.wait() == 0
    return shown.decode()


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        (["--sort=opens"], 2, "'opens' is not one of 'overall', 'engagement_recency'"),
        (["--format=csv", "--output=none/x.csv"], 1, "cannot write none/x.csv: No such file"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, flags: list[str], status: int, said: str) -> None:
    done = scores(folder, *flags)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipe_that_closes_early(exporter: Start, tmp_path: Path) -> None:
    simulator = start_simulator(exporter, 1000)[1]  # more than a pipe holds
    (tmp_path / "config.yaml").write_text(simulator.config)
    command = " ".join(COMMAND)
    done = subprocess.run(
        ["bash", "-c", f"{command} --format=csv | head -1"],
        cwd=tmp_path,
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("account,subuser,date,")
    assert done.stderr == ""


# Names that could command a terminal, or get lost on their way through a pipe.
NAMES = ("evil\x1b[31mred\x07", "csi\x9b31m\x7f", "rlo\u202e\u200b", "büro 🎉", "n\0l", "x" * 256)
SHOWN = (
    r"evil\x1b[31mred\x07",
    r"csi\x9b31m\x7f",
    r"rlo\u202e\u200b",
    "büro 🎉",
    r"n\x00l",
    "x" * 256,
)


def answer_with_names(exchange: Exchange) -> None:
    if exchange.path.endswith("/subusers/scores"):
        users = [item(str(number), name, 2.0) for number, name in enumerate(NAMES)]
        exchange.reply_json({"result": users, "_metadata": {}})
    elif exchange.query.get("from") == exchange.query.get("to"):
        exchange.reply_json({"result": [item("9", None, 3.0)]})
    else:
        exchange.reply(400, b'{"errors": [{"message": "too \\u001b[31mold"}]}')


@pytest.fixture
def odd_names(tmp_path: Path) -> Iterator[Path]:
    with FaultServer(answer_with_names).running() as server:
        config = {"name": "ac\u202eme", "api_key": "SG.x", "base_url": server.url}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"accounts": [config]}))
        yield tmp_path


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"COLUMNS": "20"},
    ],
)
def test_programs_get_every_character(odd_names: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(
        [*COMMAND, "--format=csv"], cwd=odd_names, env=ENVIRON | environ, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    found = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert {each["account"] for each in found} == {r"ac\u202eme"}
    assert {each["subuser"] for each in found} == {*SHOWN, ""}
    told = json.loads(scores(odd_names, "--format=json", **environ).stdout)
    assert {each["subuser"] for each in told} == {*NAMES, ""}
    page = subprocess.run(
        [*COMMAND, "--format=openmetrics"], cwd=odd_names, env=ENVIRON | environ, stdout=-1
    ).stdout.decode()
    for name in NAMES:
        assert f'subuser="{name}"' in page


@pytest.mark.parametrize("flags", [(), ("--format=csv",), ("--format=json",)])
@pytest.mark.parametrize("columns", [20, 80])
def test_a_name_cannot_command_the_terminal(
    odd_names: Path, columns: int, flags: tuple[str, ...]
) -> None:
    shown = read_terminal(odd_names, columns, "--limit=0", *flags, NO_COLOR="1")
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r?\n", "", shown)  # what rich writes: bold
    assert not set(text) & set("\x00\x07\x1b\x7f\x9b\u202e\u200b")
    assert "\x1b[31m" not in shown
