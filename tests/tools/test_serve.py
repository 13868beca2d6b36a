"""`serve`, `simulate` and `demo` as processes: what a user starts and reads."""

from __future__ import annotations

import json
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest
import requests
import yaml

from seq_exporter import __version__
from tests.processes import Start, free_port, wait_for, wait_for_end
from tests.served import read_page, read_scores, write_config
from tests.simulator import Samples, Simulator
from tests.support import GIVE_UP_SECONDS


def test_the_scores_of_a_fleet(exporter: Start, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(simulator.config)
    port = free_port()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}", "--log.level=debug")
    base = f"http://127.0.0.1:{port}"
    assert wait_for(f"{base}/-/healthy", process).text == "seq-exporter is healthy.\n"
    wait_for(f"{base}/-/ready", process)
    expected = simulator.read_newest()
    assert len(expected) > 3 * 20 * 6
    assert read_scores(base) == expected
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=GIVE_UP_SECONDS)
    assert (process.returncode, out) == (0, "")
    assert err.count('msg="scores of a new day"') == 6
    assert "SG." not in err


def test_every_way_to_choose_scores(exporter: Start, simulator: Simulator, tmp_path: Path) -> None:
    everything = simulator.read_newest()
    account = yaml.safe_load(simulator.config)["accounts"][0]
    name = account["name"]
    usernames = [key[2] for key in everything if key[:2] == ("sendgrid_seq_score", name)]
    listed, globbed = usernames[:2], [user for user in usernames if user.startswith("s")]
    (tmp_path / "key").write_text(f"{account['api_key']}\n")
    common = {"api_key_file": "key", "base_url": account["base_url"]}
    forms: list[dict[str, object]] = [
        {"name": "list", "subusers": [*listed, "nobody"], "own_score": False},
        {"name": "globs", "subusers": {"include": ["s*"]}, "own_score": False},
        {"name": "own", "subusers": "none"},
        {"name": "behalf", "on_behalf_of": listed[0], "subusers": "none"},
    ]
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({"accounts": [common | form for form in forms]})
    )
    port = free_port()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}")
    base = f"http://127.0.0.1:{port}"
    wait_for(f"{base}/-/ready", process)
    found = read_scores(base)
    score = "sendgrid_seq_score"
    assert {key: value for key, value in found.items() if key[0] == score} == {
        (score, form, user): everything[score, name, user]
        for form, users in (("list", listed), ("globs", globbed))
        for user in users
    }
    own = "sendgrid_seq_account_score"
    assert {key: value for key, value in found.items() if key[0] == own} == {
        (own, "own"): everything[own, name],
        (own, "behalf"): everything[score, name, listed[0]],
    }
    page = read_page(base)
    assert '\nsendgrid_seq_subusers{account="list",state="missing"} 1.0\n' in page


def test_a_port_in_use_is_one_clear_line(exporter: Start, tmp_path: Path) -> None:
    write_config(tmp_path, "http://127.0.0.1:1")
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert wait_for_end(exporter("serve", f"--web.listen-address={address}")) == (
            1,
            "",
            f"seq-exporter: cannot listen on {address}: address already in use: "
            "stop the process that listens there, or choose another port with "
            "--web.listen-address\n",
        )


def test_every_mistake_in_the_file_is_a_line(exporter: Start, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "accounts:\n"
        "  - {name: a, api_key: '${A_KEY}', regoin: eu}\n"
        "  - {name: b, api_key: k, own_score: 1}\n"
        "  - {name: c, api_key_file: /nowhere/key}\n"
        "poll: {interval: soon}\n"
    )
    status, out, err = wait_for_end(
        exporter("serve", "--config.file=bad.yaml", B_KEY="never shown")
    )
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "seq-exporter: bad.yaml: 5 mistakes",
        "bad.yaml:2: accounts[0].api_key: the environment variable A_KEY is not set: "
        "set it, or correct the name",
        "bad.yaml:2: accounts[0].regoin: unknown key; did you mean 'region'?",
        "bad.yaml:3: accounts[1].own_score: must be true or false, not 1",
        "bad.yaml:4: accounts[2].api_key_file: no such file '/nowhere/key': "
        "put the API key there, or correct the path",
        "bad.yaml:5: poll.interval: must be a duration such as 90s, 15m, 1h30m or 7d, not 'soon'",
    ]


def test_without_a_file_it_says_where_it_looked(exporter: Start, tmp_path: Path) -> None:
    status, _, err = wait_for_end(exporter("serve"))
    assert status == 2
    assert err == (
        f"seq-exporter: no configuration file: looked for {tmp_path}/config.yaml\n"
        "Write one as config.example.yaml shows, or name one with --config.file=FILE.\n"
        "To look around without a SendGrid key: seq-exporter demo\n"
    )


def test_flags_can_be_set_in_the_environment(exporter: Start, tmp_path: Path) -> None:
    write_config(tmp_path, "http://127.0.0.1:1")
    (tmp_path / "config.yaml").rename(tmp_path / "other.yaml")
    first, second = free_port(), free_port()
    process = exporter(
        "serve",
        SEQ_EXPORTER_CONFIG_FILE="other.yaml",
        SEQ_EXPORTER_WEB_LISTEN_ADDRESS=f"127.0.0.1:{first} localhost:{second}",
        SEQ_EXPORTER_WEB_ENABLE_LIFECYCLE="true",
        SEQ_EXPORTER_LOG_FORMAT="json",
    )
    wait_for(f"http://127.0.0.1:{first}/-/healthy", process)
    wait_for(f"http://localhost:{second}/-/healthy", process)
    reload = requests.post(f"http://127.0.0.1:{first}/-/reload", timeout=GIVE_UP_SECONDS)
    assert reload.status_code == 200
    process.terminate()
    status, _, err = wait_for_end(process)
    assert status == 0
    assert json.loads(err.splitlines()[0])["msg"] == "seq-exporter started"


@pytest.mark.parametrize("by", ["account", "subuser"])
def test_shards_are_the_whole_together(
    exporter: Start, simulator: Simulator, tmp_path: Path, by: str
) -> None:
    (tmp_path / "config.yaml").write_text(simulator.config)
    together: Samples = {}
    for ordinal in range(3):
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        process = exporter(
            "serve",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--shard={ordinal}/3",
            f"--shard-by={by}",
        )
        wait_for(f"{base}/-/ready", process)
        part = read_scores(base)
        assert not together.keys() & part.keys()
        together |= part
        page = read_page(base)
        assert f"\nseq_exporter_shard_ordinal {ordinal}.0\n" in page
        assert "\nseq_exporter_shards 3.0\n" in page
    assert together == simulator.read_newest()


def test_the_demo(exporter: Start) -> None:
    port = free_port()
    process = exporter("demo", f"--web.listen-address=127.0.0.1:{port}")
    base = f"http://127.0.0.1:{port}"
    wait_for(f"{base}/-/ready", process)
    scores = read_scores(base)
    assert len({labels[1] for labels in scores}) == 3
    process.send_signal(signal.SIGINT)
    status, out, err = wait_for_end(process)
    assert (status, err) == (0, "")
    assert f"  metrics      {base}/metrics\n" in out


def test_the_version(exporter: Start) -> None:
    status, out, _ = wait_for_end(exporter("--version"))
    assert status == 0
    assert out.startswith(f"seq-exporter {__version__} (python 3.")


@pytest.mark.parametrize("arguments", [["sevre"], ["serve", "--shard=3/2"]])
def test_wrong_use_is_exit_status_2(exporter: Start, arguments: list[str]) -> None:
    status, out, err = wait_for_end(exporter(*arguments))
    assert (status, out) == (2, "")
    assert f"'{arguments[-1].partition('=')[2] or arguments[-1]}'" in err
    assert "Traceback" not in err


def test_an_error_of_the_system_is_not_taken_for_one_of_the_output(start: Start) -> None:
    command = f"exec {sys.executable} -m seq_exporter"
    full = wait_for_end(start("sh", "-c", f"{command} --version > /dev/full"))
    message = "cannot write to standard output: No space left on device"
    assert full == (1, "", f"seq-exporter: {message}\n")
    gone = wait_for_end(start("sh", "-c", f"mkdir gone; cd gone; rmdir ../gone; {command} scores"))
    assert gone == (1, "", "seq-exporter: [Errno 2] No such file or directory\n")


@pytest.mark.parametrize(("kind", "names"), [("integers", 4), ("own", 2)])
def test_simulate_answers_for_another_kind_of_fleet(exporter: Start, kind: str, names: int) -> None:
    process = exporter("simulate", "--listen=127.0.0.1:0", "--accounts=1", f"--kind={kind}")
    assert process.stdout
    config = "".join(process.stdout.readline() for _ in range(5))
    scores = Simulator(config).read_newest()
    assert len({key[0] for key in scores}) == names
    assert all(float(value).is_integer() for value in scores.values()) == (kind == "integers")


def test_simulate_writes_a_configuration_that_serve_takes_at_once(
    exporter: Start, tmp_path: Path
) -> None:
    flags = ("--accounts=1", "--subusers=3", "--write-config=my fleet.yaml")
    process = exporter("simulate", "--listen=127.0.0.1:0", *flags)
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(6)]
    config = tmp_path / "my fleet.yaml"
    base_url = yaml.safe_load(config.read_text())["accounts"][0]["base_url"]
    assert lines == [
        f"SendGrid is simulated at {base_url}, and my fleet.yaml is written for it.\n",
        "In another shell:\n",
        "\n",
        "  seq-exporter serve --config.file='my fleet.yaml'\n",
        "\n",
        "Ctrl-C stops the simulator.\n",
    ]
    assert stat.S_IMODE(config.stat().st_mode) == 0o600  # it holds keys
    checked = exporter("check", "--config.file=my fleet.yaml")
    assert wait_for_end(checked)[0] == 0


def test_a_configuration_of_the_user_is_not_overwritten(exporter: Start, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("accounts: []\n")
    process = exporter("simulate", "--listen=127.0.0.1:0", "--write-config=config.yaml")
    message = "cannot write config.yaml: simulate did not write this file: name another"
    assert wait_for_end(process) == (1, "", f"seq-exporter: {message}\n")
    assert (tmp_path / "config.yaml").read_text() == "accounts: []\n"


def test_a_configuration_that_cannot_be_written_is_named(exporter: Start) -> None:
    process = exporter("simulate", "--listen=127.0.0.1:0", "--write-config=gone/config.yaml")
    message = "cannot write gone/config.yaml: No such file or directory"
    assert wait_for_end(process) == (1, "", f"seq-exporter: {message}\n")
