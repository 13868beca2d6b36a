"""Every query of every dashboard on a real Prometheus: a quarter of a year, and the present."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from grafana.queries import ALL, CHOICES, Choice, Query, fill, list_queries, load_dashboards
from tests.backfilled import LABELS, run_backfill, run_commands, start_scraping
from tests.processes import Start, find_tool, free_port, start_simulator, wait_for
from tests.support import GIVE_UP_SECONDS

#: What Grafana puts in for "All", for one choice, and for several.
ACCOUNTS: tuple[Choice, ...] = (ALL, "kettlewick", ("kettlewick", "tallyfern"))
METRICS = ("overall", "spam_rate")
#: A panel with more lines than this is not read by anybody, and slow besides.
MOST_LINES = 30
EMPTY_IF_ALL_IS_WELL = {"Alerts firing", "Alerts that fire now", "Failures by reason", "Anomalies"}


def find_problems(base: str, query: Query) -> Iterator[str]:
    """Return what a person would see that should not be."""
    started = time.monotonic()
    answer = query.send(base, time.time())
    # For `pytest -s`: no panel should take a second.
    print(f"{time.monotonic() - started:.3f} s {query}")
    if answer["status"] != "success":
        yield answer["error"]
        return
    series = answer["data"]["result"]
    if answer["data"]["resultType"] != ("vector" if query.target["instant"] else "matrix"):
        yield answer["data"]["resultType"]
    values = [float(v) for found in series for _, v in found.get("values", [found.get("value")])]
    if any(value != value for value in values):
        yield "NaN"
    if not values:
        if query.panel["title"] not in EMPTY_IF_ALL_IS_WELL:
            yield "nothing to see"
        return
    if query.panel["type"] != "table" and len(series) > MOST_LINES:
        yield f"{len(series)} lines"
    if is_score(query.expression) and not all(1 <= value <= 5 for value in values):
        yield "a score that is none"
    for label in shown_labels(query):
        if not all(label in found["metric"] for found in series):
            yield f"no label {label}"


def is_score(expression: str) -> bool:
    """Whether what is asked for are scores, and not their differences, numbers or times."""
    other = r"round\(|count|timestamp\(|_subusers|vector\("
    return bool(re.search(r"score[{\"]", expression)) and not re.search(other, expression)


def shown_labels(query: Query) -> set[str]:
    """Return the labels that a person reads: in the legend, or as columns before the values."""
    if query.panel["type"] != "table":
        return set(re.findall(r"\{\{(\w+)\}\}", query.target["legendFormat"]))
    (organize,) = (t for t in query.panel["transformations"] if t["id"] == "organize")
    names = {name for name in organize["options"]["indexByName"] if not name.startswith("Value")}
    # Of several queries of a table, one has the metric that fell most.
    return names if "metric)" in query.expression else names - {"metric"}


def values_of(base: str, question: str) -> list[str]:
    """Return what a variable is filled with that asks `label_values(SELECTOR, LABEL)`.

    Or `query_result(QUERY)`: of each series, this returns the subuser.
    """
    if result := re.fullmatch(r"query_result\((.*)\)", question):
        asked = {"query": fill(result[1], CHOICES)}
        answer = requests.get(f"{base}/api/v1/query", asked, timeout=GIVE_UP_SECONDS).json()
        return [series["metric"]["subuser"] for series in answer["data"]["result"]]
    found = re.fullmatch(r"label_values\((.*), (\w+)\)", question)
    assert found
    asked = {"match[]": fill(found[1], CHOICES)}
    url = f"{base}/api/v1/label/{found[2]}/values"
    return list(requests.get(url, asked, timeout=GIVE_UP_SECONDS).json()["data"])


@pytest.fixture
def base(exporter: Start, start: Start, tmp_path: Path) -> str:
    """Start Prometheus on ninety days of 120 subusers and on the exporter; return its address."""
    find_tool("prometheus")
    # A day appears once the exporter runs: how late that was is on a panel. Until then, the day is
    # late by another hour.
    listen = f"--listen=127.0.0.1:{free_port()}"
    before, simulator = start_simulator(exporter, 40, delay_until_now(3600), *RATE, listen)
    soon = "poll: {interval: 1s, refresh_interval: 1s}\n"
    (tmp_path / "config.yaml").write_text(simulator.config + soon)
    address = f"127.0.0.1:{free_port()}"
    served = exporter("serve", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", served)
    # After a failed poll it would not know since when the day has been there: it waits meanwhile.
    served.send_signal(signal.SIGSTOP)
    before.terminate()
    before.communicate()
    delay = delay_until_now()
    start_simulator(exporter, 40, delay, *RATE, listen)
    served.send_signal(signal.SIGCONT)
    fast = "--requests-per-minute=6000"
    (tmp_path / "data").mkdir()
    run_commands(run_backfill(tmp_path, "--step=1d", delay, fast, LABELS), tmp_path)
    return start_scraping(start, tmp_path, address)


RATE = ("--rate-limit=60000",)


def delay_until_now(more_seconds: int = 0) -> str:
    """Return the flag with which the scores of yesterday appear so many seconds from now."""
    now = datetime.now(UTC)
    return f"--delay={now.hour * 3600 + now.minute * 60 + now.second + more_seconds}s"


def wait_for_a_day(base: str) -> None:
    """Return once a day has appeared in all accounts, of both kinds, and counters have counted."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    seen = (
        "count(sendgrid_seq_score_date_first_seen_timestamp_seconds) == 6 and on ()"
        " sum(increase(seq_exporter_poll_duration_seconds_count[1m])) > 0"
    )
    while time.monotonic() < deadline:
        answer = requests.get(f"{base}/api/v1/query", {"query": seen}, timeout=GIVE_UP_SECONDS)
        if answer.json()["data"]["result"]:
            return
        time.sleep(0.2)
    raise AssertionError("no day has appeared")


def test_every_panel_and_every_variable_has_something_to_show(base: str) -> None:
    wait_for_a_day(base)
    asked = {
        (query.expression, query.step_seconds): query
        for account in ACCOUNTS
        for metric in METRICS
        for query in list_queries(CHOICES | {"account": account, "metric": metric})
    }
    assert len(asked) > 150
    problems = [f"{p}: {query}" for query in asked.values() for p in find_problems(base, query)]
    problems += [
        f"no values: {name}, variable {variable['name']}"
        for name, dashboard in load_dashboards().items()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query" and not values_of(base, variable["query"])
    ]
    assert not problems, "\n".join(problems)
