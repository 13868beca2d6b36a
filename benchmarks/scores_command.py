"""Time of `scores`, compared with fetching and discarding the same pages from the same server."""

from __future__ import annotations

import statistics
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
import yaml

from benchmarks.figures import Figures
from benchmarks.processes import environment, python

_RUNS = 5


def measure_scores(folder: Path, config: str) -> Figures:
    """Return medians of the table and of the pages alone, measured in turns."""
    (folder / "config.yaml").write_text(config)
    tables, pages = [], []
    for _ in range(_RUNS):
        tables.append(_time_table(folder))
        pages.append(_time_pages(yaml.safe_load(config)["accounts"][0]))
    return {"scores": statistics.median(tables), "scores pages": statistics.median(pages)}


def _time_table(folder: Path) -> float:
    started = time.monotonic()
    command = python("-m", "seq_exporter", "scores", "--limit=0")
    done = subprocess.run(
        command, cwd=folder, env=environment(), check=True, capture_output=True, timeout=600
    )
    assert done.stdout.count(b"\n") > 1
    return time.monotonic() - started


def _time_pages(account: dict[str, str]) -> float:
    """Fetch days backwards from today until one is available, and the days 7 and 30 days before."""
    started = time.monotonic()
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {account['api_key']}"
        day = datetime.now(UTC).date()
        while not _read_day(session, account["base_url"], str(day)):
            day -= timedelta(days=1)
        for days in (7, 30):
            _read_day(session, account["base_url"], str(day - timedelta(days=days)))
    return time.monotonic() - started


def _read_day(session: requests.Session, base_url: str, day: str) -> bool:
    url = f"{base_url}/v3/engagementquality/subusers/scores"
    cursor, answered = None, False
    while True:
        params = {"date": day, "limit": "1000"} | ({"after_key": cursor} if cursor else {})
        answer = session.get(url, params=params, timeout=60)
        if answer.status_code != 200:
            return answered
        answered = True
        cursor = answer.json()["_metadata"]["next_params"]["after_key"]
        if not cursor:
            return True
