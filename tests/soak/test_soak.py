"""The exporter for minutes on a SendGrid that fails one request in three, under Prometheus."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.soak.judgement import (
    Truth,
    check_days,
    check_faults,
    check_polls,
    check_reloads,
    check_resources,
    check_scores,
    check_scrapes,
    check_timeouts,
    count_long_requests,
)
from tests.soak.processes import (
    Processes,
    processes_in,
    start_exporter,
    start_prometheus,
    start_simulator,
)
from tests.soak.proxy import Proxy
from tests.soak.record import Record
from tests.soak.truth import read_scores

_DAY = timedelta(days=1)
_LOOKBACK_DAYS = 7
_POLL = {"interval": "1s", "refresh_interval": "1s", "timeout": "1s"}
_STOP_SECONDS = 15
_RELOAD_SECONDS = 5


@pytest.fixture
def minutes() -> float:
    return float(os.environ.get("SEQ_EXPORTER_SOAK_MINUTES") or 5)


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("SEQ_EXPORTER_SOAK_SEED") or random.randrange(1_000_000))


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with processes_in(tmp_path) as processes:
        yield processes


def test_soak(processes: Processes, minutes: float, seed: int) -> None:
    print(f"\nsoak of {minutes:g} minutes, SEQ_EXPORTER_SOAK_SEED={seed}")
    began = datetime.now(UTC)
    since_midnight = began - datetime.combine(began, datetime.min.time(), UTC)
    # Yesterday's scores appear in the middle. It works around midnight too: a delay may be
    # longer than a day, and a new today has no scores before the soak ends.
    delay_seconds = int(since_midnight.total_seconds() + 30 * minutes)
    config = yaml.safe_load(start_simulator(processes, delay_seconds))
    accounts = config["accounts"]
    with Proxy(accounts[0]["base_url"], seed).running() as proxy:
        address = _start_exporter_behind(proxy, processes, config)
        base = start_prometheus(processes, address)
        begin = time.time()
        problems = _watch(processes, address, config, began.timestamp() + 60 * minutes)
        record = Record(base, begin, time.time())
        truth = _read_truth(accounts, began)
        problems += _judge(record, truth, proxy, minutes, began)
        problems += _stop_exporter(processes, accounts)
        _report(record, proxy)
    if problems:
        found = [f"{count} x {problem}" for problem, count in Counter(problems).items()]
        pytest.fail("\n".join(found), pytrace=False)


def _start_exporter_behind(proxy: Proxy, processes: Processes, config: dict[str, Any]) -> str:
    config["accounts"] = [each | {"base_url": proxy.url} for each in config["accounts"]]
    config |= {"poll": _POLL, "state_dir": "state"}
    (processes.folder / "config.yaml").write_text(yaml.safe_dump(config))
    return start_exporter(processes)


def _configurations(folder: Path, config: dict[str, Any]) -> Iterator[str]:
    """Yield texts of config.yaml without end: of four, two are right, and none changes a score."""
    os.mkfifo(folder / "hanging.key")
    hanging = [*config["accounts"], {"name": "hanging", "api_key_file": "hanging.key"}]
    texts = [
        yaml.safe_dump(config | {"max_series": 10_000}),
        yaml.safe_dump(config) + 'max_series: !!int ""\n',
        yaml.safe_dump(config),
        yaml.safe_dump(config | {"accounts": hanging}),
    ]
    return itertools.cycle(texts)


def _watch(processes: Processes, address: str, config: dict[str, Any], until: float) -> list[str]:
    """Let time pass; change the configuration; read what a user reads.

    An error is on the status page only for a while.
    """
    problems: list[str] = []
    accounts = config["accounts"]
    texts = _configurations(processes.folder, config)
    for second in itertools.count():
        if time.time() >= until:
            break
        if second % _RELOAD_SECONDS == 0:
            (processes.folder / "config.yaml").write_text(next(texts))
        processes.assert_running()
        for path in ("/", "/metrics"):
            text = requests.get(f"http://{address}{path}", timeout=10).text
            problems += _find_keys(text, accounts, path)
        time.sleep(1)
    return problems


def _read_truth(accounts: list[dict[str, str]], began: datetime) -> Truth:
    days = [began.date() - number * _DAY for number in range(1, _LOOKBACK_DAYS + 1)]
    truth = {}
    for account in accounts:
        for day in days:
            scores = read_scores(account, day)
            assert scores, f"{day} is not calculated"
            truth[account["name"], day] = scores
        # Otherwise old values would pass for new ones.
        assert truth[account["name"], days[0]] != truth[account["name"], days[1]]
    return truth


def _judge(
    record: Record, truth: Truth, proxy: Proxy, minutes: float, began: datetime
) -> list[str]:
    names = sorted({name for name, _ in truth})
    problems = [*check_scrapes(record)]
    for scope, infix in (("subusers", ""), ("own", "account_")):
        problems += check_scores(record, truth, scope, infix)
        problems += check_days(record, names, began.date() - _DAY, scope)
    problems += check_resources(record)
    problems += check_reloads(record)
    problems += check_polls(record)
    problems += check_timeouts(record)
    problems += check_faults(proxy.injected, max(1, int(minutes)))
    problems += [f"the proxy failed: {defect}" for defect in proxy.defects]
    if proxy.was_redirect_followed:
        problems.append("a redirect to another host was followed")
    return problems


def _stop_exporter(processes: Processes, accounts: list[dict[str, str]]) -> list[str]:
    """End it, in the middle of a poll, and read what it leaves behind."""
    exporter = processes.running["exporter"]
    exporter.send_signal(signal.SIGTERM)
    try:
        status = exporter.wait(_STOP_SECONDS)
        problems = [f"SIGTERM: exit status {status}"] if status else []
    except subprocess.TimeoutExpired:
        problems = [f"SIGTERM: still there after {_STOP_SECONDS} s"]
    folder = processes.folder / "state"
    states = [path for path in folder.rglob("*") if path.is_file()]
    whole = list(folder.glob("*.json"))
    if len(whole) != len(accounts):
        problems.append(f"{len(whole)} state files for {len(accounts)} accounts")
    for path in (processes.path("exporter", "out"), processes.path("exporter", "err"), *states):
        problems += _find_keys(path.read_text(), accounts, path.name)
    log = processes.path("exporter", "err").read_text()
    odd = [line for line in log.splitlines() if "Traceback" in line or "reason=internal" in line]
    if odd:
        problems.append(f"{len(odd)} tracebacks logged, the first: {odd[0][:300]}")
    return problems


def _find_keys(text: str, accounts: list[dict[str, str]], where: str) -> list[str]:
    """Return a line for each key of which a part is in `text`."""
    return [
        f"the key of {account['name']} is in {where}"
        for account in accounts
        if any(part in text for part in account["api_key"].split(".")[1:])
    ]


def _report(record: Record, proxy: Proxy) -> None:
    polls = record.sum_by("", "seq_exporter_poll_duration_seconds_count")[""]
    reasons = record.sum_by("reason", "seq_exporter_poll_failures_total")
    memory = [value / 2**20 for value in record.quarters("process_resident_memory_bytes")]
    rows = {
        "scrapes": f"{len(record.scrapes())}",
        "series": f"{max(record.sum_by('', 'scrape_samples_scraped').values()):.0f}",
        "polls": f"{polls:.0f}, {sum(reasons.values()):.0f} of them failed",
        **{f"  {reason}": f"{count:.0f}" for reason, count in sorted(reasons.items())},
        "requests": f"{proxy.requests}, {proxy.injected.total()} of them with a fault",
        **{f"  {kind}": f"{count}" for kind, count in sorted(proxy.injected.items())},
        "  longer than the time-out": f"{count_long_requests(record):.0f}",
        "memory by quarter, MiB": ", ".join(f"{value:.1f}" for value in memory),
        "files by quarter": ", ".join(f"{n:g}" for n in record.quarters("process_open_fds")),
    }
    for name, value in rows.items():
        print(f"{name:28}{value}")
