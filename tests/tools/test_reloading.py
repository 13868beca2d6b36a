"""`serve` under configurations that change, on request or by themselves, and files that hang."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import requests
import yaml

from tests.processes import Start, free_port, wait_for, wait_for_end, wait_until
from tests.served import read_page, read_scores
from tests.simulator import Samples, Simulator
from tests.support import GIVE_UP_SECONDS


def test_reloading(exporter: Start, simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(simulator.config)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle")
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    accounts = sorted({labels[1] for labels in everything})

    file.write_text(simulator.config.replace("api_key:", "api_kee:"))
    refused = requests.post(f"{base}/-/reload", timeout=GIVE_UP_SECONDS)
    assert refused.status_code == 500
    assert "accounts[0].api_kee: unknown key; did you mean 'api_key'?" in refused.text
    assert read_scores(base) == everything
    page = read_page(base)
    assert "\nseq_exporter_config_last_reload_successful 0.0\n" in page

    head, *rest = simulator.config.split("  - name: ")
    kept = [part for part in rest if not part.startswith(accounts[0])]
    file.write_text(head + "".join(f"  - name: {part}" for part in kept))
    assert requests.post(f"{base}/-/reload", timeout=GIVE_UP_SECONDS).status_code == 200
    left = {labels: value for labels, value in everything.items() if labels[1] != accounts[0]}
    assert read_scores(base) == left
    page = read_page(base)
    assert f'account="{accounts[0]}"' not in page
    assert "\nseq_exporter_config_last_reload_successful 1.0\n" in page

    file.write_text(simulator.config)
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: read_scores(base) == everything, process)


def test_a_change_of_the_file_is_followed(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(simulator.config)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = exporter(
        "serve",
        f"--web.listen-address=127.0.0.1:{port}",
        "--config.auto-reload-interval=100ms",
    )
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    accounts = sorted({labels[1] for labels in everything})

    def replace(text: str) -> None:
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").rename(file)

    replace("accounts: []")
    refused = "\nseq_exporter_config_last_reload_successful 0.0\n"
    wait_until(lambda: refused in read_page(base), process)
    assert read_scores(base) == everything
    replace(simulator.config.replace(accounts[0], "renamed"))
    renamed = {"renamed", *accounts[1:]}
    wait_until(lambda: {labels[1] for labels in read_scores(base)} == renamed, process)
    process.terminate()
    status, _, err = wait_for_end(process)
    assert status == 0
    assert err.count('msg="reload failed, the old configuration stays in force"') == 1
    assert "config.yaml:1: accounts: is empty: name at least one" in err


def test_a_reload_of_what_is_published_keeps_the_scores(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    accounts = yaml.safe_load(simulator.config)["accounts"]
    file, port = tmp_path / "config.yaml", free_port()
    base = f"http://127.0.0.1:{port}"

    def write(**changes: object) -> None:
        file.write_text(yaml.safe_dump({"accounts": [each | changes for each in accounts]}))

    def reload() -> Samples:
        assert requests.post(f"{base}/-/reload", timeout=GIVE_UP_SECONDS).status_code == 200
        return read_scores(base)

    write()
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle")
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    write(series={"metrics": []}, max_series=5000)
    fewer = reload()
    assert fewer == {
        key: value for key, value in everything.items() if key[0] != "sendgrid_seq_metric_score"
    }
    write(max_series=10)  # below what is published: it stays, and polls fail
    assert reload() == fewer
    up = f'seq_exporter_account_up{{account="{accounts[0]["name"]}"}}'
    wait_until(lambda: f"\n{up} 0.0\n" in read_page(base), process)
    write()
    assert reload() == everything
    wait_until(lambda: f"\n{up} 1.0\n" in read_page(base), process)


def with_keys(simulator: Simulator, folder: Path) -> str:
    """Return the simulator's configuration with each key in a file of `folder`."""
    accounts = yaml.safe_load(simulator.config)["accounts"]
    for account in accounts:
        (folder / account["name"]).write_text(account.pop("api_key"))
        account["api_key_file"] = account["name"]
    return yaml.safe_dump({"accounts": accounts, "poll": {"interval": "1s"}})


def test_a_key_file_that_hangs_fails_its_account_and_keeps_nothing_else_from_working(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    file, port = tmp_path / "config.yaml", free_port()
    file.write_text(with_keys(simulator, tmp_path))
    base = f"http://127.0.0.1:{port}"
    process = exporter("serve", f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle")
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    hung, other = (each["name"] for each in yaml.safe_load(simulator.config)["accounts"][:2])
    key = (tmp_path / hung).read_text()
    (tmp_path / hung).unlink()
    os.mkfifo(tmp_path / hung)  # reading it hangs, as on a mount whose server is gone

    def is_up(name: str, value: int) -> bool:
        return f'\nseq_exporter_account_up{{account="{name}"}} {value}.0\n' in read_page(base)

    # While this waits for the key file, so does the next poll: they give up at the same time.
    failed = requests.post(f"{base}/-/reload", timeout=GIVE_UP_SECONDS)
    assert failed.status_code == 500
    assert f"api_key_file: cannot read the key file '{hung}': no answer " in failed.text
    assert "\nseq_exporter_config_last_reload_successful 0.0\n" in read_page(base)
    wait_until(lambda: is_up(hung, 0), process)
    failures = f'seq_exporter_poll_failures_total{{account="{hung}",reason="key_unavailable"}}'
    assert f"\n{failures} " in read_page(base)
    assert f"\n{failures} 0.0\n" not in read_page(base)
    assert is_up(other, 1)
    assert read_scores(base) == everything

    (tmp_path / "new").write_text(key)
    (tmp_path / "new").rename(tmp_path / hung)
    wait_until(lambda: is_up(hung, 1), process)
    (tmp_path / hung).unlink()
    os.mkfifo(tmp_path / hung)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)  # until the reload and a poll hang
    told = time.monotonic()
    process.terminate()
    assert wait_for_end(process)[0] == 0
    assert time.monotonic() - told < 5


def test_no_content_of_the_file_ends_the_following_of_changes(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    file, port = tmp_path / "config.yaml", free_port()
    good = with_keys(simulator, tmp_path)
    file.write_text(good)
    base = f"http://127.0.0.1:{port}"
    process = exporter(
        "serve", f"--web.listen-address=127.0.0.1:{port}", "--config.auto-reload-interval=50ms"
    )
    wait_for(f"{base}/-/ready", process)
    everything = read_scores(base)
    page = "\nseq_exporter_config_last_reload_successful"

    def replace(text: bytes) -> None:
        (tmp_path / "new").write_bytes(text)
        (tmp_path / "new").rename(file)

    for text in (
        b'!!int ""',
        b"accounts: !!float ':'",
        b"\xff",
        b"",
        b"&a [*a]",
        b"a: " + b"[" * 9999,
    ):
        replace(text)
        wait_until(lambda: f"{page} 0.0\n" in read_page(base), process)
        replace(good.encode())
        wait_until(lambda: f"{page} 1.0\n" in read_page(base), process)
    file.unlink()
    file.symlink_to("/dev/zero")
    wait_until(lambda: f"{page} 0.0\n" in read_page(base), process)
    replace(good.encode())
    wait_until(lambda: f"{page} 1.0\n" in read_page(base), process)
    assert read_scores(base) == everything
    process.terminate()
    status, _, err = wait_for_end(process)
    assert status == 0
    assert "Traceback" not in err


def test_a_key_file_that_appears_later_is_followed(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    file, port = tmp_path / "config.yaml", free_port()
    everything = with_keys(simulator, tmp_path)
    document = yaml.safe_load(everything)
    late = document["accounts"].pop()["name"]
    file.write_text(yaml.safe_dump(document))
    (tmp_path / late).rename(tmp_path / "elsewhere")
    base = f"http://127.0.0.1:{port}"
    process = exporter(
        "serve", f"--web.listen-address=127.0.0.1:{port}", "--config.auto-reload-interval=50ms"
    )
    wait_for(f"{base}/-/ready", process)
    file.write_text(everything)
    successful = "\nseq_exporter_config_last_reload_successful"
    wait_until(lambda: f"{successful} 0.0\n" in read_page(base), process)
    time.sleep(0.5)  # several looks, which log the mistake once
    assert late not in {labels[1] for labels in read_scores(base)}
    (tmp_path / "elsewhere").rename(tmp_path / late)
    wait_until(lambda: late in {labels[1] for labels in read_scores(base)}, process)
    assert f"{successful} 1.0\n" in read_page(base)
    process.terminate()
    status, _, err = wait_for_end(process)
    assert status == 0
    assert err.count(f"no such file '{late}'") == 1
