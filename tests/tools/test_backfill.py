"""The past in a real Prometheus, and the present that goes on from it."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import time as clock
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import requests

from tests.support import GIVE_UP_SECONDS
from tests.tools.conftest import Start, find_tool, free_port, start_simulator, wait_for
from tests.tools.pretence import Pretence, Samples

pytestmark = pytest.mark.tools

SCRAPE = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: seq
    static_configs: [{{targets: ["{address}"], labels: {{instance: "seq-exporter:10737"}}}}]
"""
LABELS = "--label=job=seq,instance=seq-exporter:10737"
SCORES = '{__name__=~"sendgrid_seq_(account_)?(metric_)?score"}'
# Dashboards look back over a day, and see samples that are a day apart.
EACH_DAYS = f"last_over_time({SCORES}[25h])"
# Half a day from now: while a test runs, no day appears.
DELAY_HOURS = (datetime.now(UTC).hour + 12) % 24
DELAY = timedelta(hours=DELAY_HOURS, minutes=30)
DELAYED = f"--delay={DELAY_HOURS}h30m"
LOOKBACK = 7


def shown_at(day: date) -> datetime:
    """Return when the scores of `day` appeared."""
    return datetime.combine(day + timedelta(1), time(), UTC) + DELAY


def query(base: str, expression: str, at: datetime) -> Samples:
    """Return the instant vector of `expression` by name and label values, without the target's."""
    parameters = {"query": expression, "time": str(at.timestamp())}
    answer = requests.get(f"{base}/api/v1/query", parameters, timeout=GIVE_UP_SECONDS).json()
    samples: Samples = {}
    for found in answer["data"]["result"]:
        labels = found["metric"]
        assert (labels.pop("job"), labels.pop("instance")) == ("seq", "seq-exporter:10737")
        key = (labels.pop("__name__"), *(value for _, value in sorted(labels.items())))
        assert key not in samples
        samples[key] = float(found["value"][1])
    return samples


def run_backfill(folder: Path, *arguments: str) -> str:
    """Run it, and return what it says."""
    command = [sys.executable, "-m", "seq_exporter", "backfill", "--output-dir=past", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_commands(said: str, folder: Path) -> None:
    """Run the commands that the backfill has printed, as a person would."""
    find_tool("promtool")
    commands = said.partition("data directory:\n")[2].partition("\nPrometheus has to")[0]
    assert "promtool tsdb create-blocks-from openmetrics" in commands
    script = commands.replace("PROMETHEUS_DATA_DIRECTORY", "data")
    subprocess.run(["bash", "-ec", script], cwd=folder, check=True, capture_output=True)


def start_prometheus(start: Start, folder: Path, address: str, *flags: str, more: str = "") -> str:
    """Start it on what is in `data`, scraping `address`; return its own address."""
    (folder / "prometheus.yml").write_text(SCRAPE.format(address=address) + more)
    base = f"http://127.0.0.1:{free_port()}"
    server = start(
        find_tool("prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100d",
        f"--web.listen-address={base.removeprefix('http://')}",
        *flags,
    )
    wait_for(f"{base}/-/ready", server)
    return base


def start_prometheus_that_receives(start: Start, folder: Path, address: str) -> str:
    window = "storage: {tsdb: {out_of_order_time_window: 91d}}\n"
    return start_prometheus(
        start, folder, address, "--web.enable-remote-write-receiver", more=window
    )


def start_victoriametrics(start: Start, folder: Path, address: str) -> str:
    """Start it, scraping `address`; return its own address."""
    (folder / "scrape.yml").write_text(SCRAPE.format(address=address))
    base = f"http://127.0.0.1:{free_port()}"
    server = start(
        find_tool("victoria-metrics"),
        f"-httpListenAddr={base.removeprefix('http://')}",
        "-storageDataPath=data",
        "-retentionPeriod=100d",
        "-promscrape.config=scrape.yml",
        "-search.latencyOffset=0s",
        "-search.maxStalenessInterval=5m",
    )
    wait_for(f"{base}/health", server)
    return base


def check_days(
    base: str, expression: str, simulator: Pretence, days: Sequence[date], hours: Sequence[int]
) -> None:
    """Compare what Prometheus has, so many hours after a day appeared, with the simulator."""
    own: dict[tuple[str, ...], tuple[date, float]] = {}
    for day in days:
        expected = simulator.read_day(day)
        assert expected
        own |= {key: (day, value) for key, value in expected.items() if "account" in key[0]}
        for at in [shown_at(day) + timedelta(hours=after) for after in hours]:
            # On a day without an own score, the last one is held, for as long as `lookback`.
            held = {
                key: value for key, (of, value) in own.items() if (at.date() - of).days <= LOOKBACK
            }
            assert query(base, expression, at) == expected | held


def calculated_days() -> list[date]:
    """Return the days of the last ninety that have scores, and were replaced by a later one."""
    now = datetime.now(UTC)
    days = [now.date() - timedelta(number) for number in range(90, 0, -1)]
    return [day for day in days if shown_at(day) + timedelta(days=1) < now]


# With samples a day apart, a look back over a day sees longer what has been withdrawn.
@pytest.mark.parametrize(
    ("step", "expression", "hours"), [("4m", SCORES, (1, 2, 23)), ("1d", EACH_DAYS, (2,))]
)
def test_the_present_goes_on_from_the_past(
    step: str, expression: str, hours: Sequence[int], start: Start, exporter: Start, tmp_path: Path
) -> None:
    simulator = start_simulator(exporter, 6, DELAYED)[1]
    (tmp_path / "config.yaml").write_text(simulator.config)
    (tmp_path / "data").mkdir()
    said = run_backfill(tmp_path, LABELS, DELAYED, f"--step={step}", "--requests-per-minute=6000")
    run_commands(said, tmp_path)

    address = f"127.0.0.1:{free_port()}"
    served = exporter("serve", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", served)
    base = start_prometheus(start, tmp_path, address)
    check_days(base, expression, simulator, calculated_days(), hours)

    wait_until_scraped(base)
    now = datetime.now(UTC)
    assert query(base, expression, now) == simulator.read_newest()
    if step == "4m":
        assert_no_gap(base, now, simulator)
    assert_no_series_twice(base)


@pytest.mark.parametrize(
    "start_receiver",
    [
        pytest.param(start_prometheus_that_receives, id="Prometheus"),
        pytest.param(start_victoriametrics, id="VictoriaMetrics"),
    ],
)
def test_the_past_is_sent_to_where_the_present_is(
    start_receiver: Callable[[Start, Path, str], str],
    start: Start,
    exporter: Start,
    tmp_path: Path,
) -> None:
    simulator = start_simulator(exporter, 4, DELAYED)[1]
    (tmp_path / "config.yaml").write_text(simulator.config)
    began = datetime.now(UTC)
    address = f"127.0.0.1:{free_port()}"
    served = exporter("serve", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", served)
    base = start_receiver(start, tmp_path, address)
    wait_until_scraped(base)
    said = run_backfill(
        tmp_path,
        LABELS,
        DELAYED,
        "--step=4m",
        "--requests-per-minute=6000",
        f"--until={began.isoformat()}",
        f"--remote-write={base}/api/v1/write",
    )
    assert f" samples sent to {base}/api/v1/write,\none every 4m up to " in said
    assert not list((tmp_path / "past").glob("*.om"))
    show_what_was_received(base)
    check_days(base, SCORES, simulator, calculated_days(), (2, 23))
    assert_no_gap(base, datetime.now(UTC), simulator)
    assert_no_series_twice(base)


def wait_until_scraped(base: str) -> None:
    wait_until(lambda: query_any(base, 'up{job="seq"} == 1'))


def show_what_was_received(base: str) -> None:
    """Let queries see every sample: VictoriaMetrics would take seconds, and not show all at once.

    Prometheus shows what it has accepted, and answers 404 here.
    """
    requests.get(f"{base}/internal/force_flush", timeout=GIVE_UP_SECONDS)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = clock.monotonic() + GIVE_UP_SECONDS
    while not is_so():
        assert clock.monotonic() < deadline
        clock.sleep(0.2)


def assert_no_gap(base: str, now: datetime, simulator: Pretence) -> None:
    """See as many series at each moment of the last hour, from the past into what is scraped."""
    began = now - timedelta(hours=1)
    counts = count_over(base, f"count({SCORES})", began, now)
    assert set(counts.values()) == {len(simulator.read_newest())}
    assert len(counts) == 3600 // 15 + 1


def query_any(base: str, expression: str) -> bool:
    answer = requests.get(f"{base}/api/v1/query", {"query": expression}, timeout=GIVE_UP_SECONDS)
    return bool(answer.json()["data"]["result"])


def count_over(base: str, expression: str, start: datetime, end: datetime) -> dict[float, float]:
    """Return the values of `expression` every 15 s."""
    parameters = {
        "query": expression,
        "start": str(start.timestamp()),
        "end": str(end.timestamp()),
        "step": "15",
    }
    answer = requests.get(f"{base}/api/v1/query_range", parameters, timeout=GIVE_UP_SECONDS).json()
    (found,) = answer["data"]["result"]
    return {moment: float(value) for moment, value in found["values"]}


def assert_no_series_twice(base: str) -> None:
    """See that past and present have the same labels: else each series would be there twice."""
    parameters = {"match[]": '{__name__=~"sendgrid_seq_.*"}', "start": "0"}
    answer = requests.get(f"{base}/api/v1/series", parameters, timeout=GIVE_UP_SECONDS)
    found = answer.json()["data"]
    identities = {
        tuple(sorted((k, v) for k, v in labels.items() if k not in ("job", "instance")))
        for labels in found
    }
    assert len(identities) == len(found) > 0


UNTIL = "--until=" + datetime.now(UTC).replace(microsecond=0).isoformat()


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("scores-*.om")}


def test_a_backfill_that_is_stopped_goes_on_from_there(exporter: Start, tmp_path: Path) -> None:
    simulator = start_simulator(exporter, subusers=1500)[1]
    (tmp_path / "config.yaml").write_text(simulator.config)
    arguments = ("--step=1d", "--account=kettlewick", "--requests-per-minute=6000", UNTIL)
    run_backfill(tmp_path, *arguments)
    whole = read_files(tmp_path / "past")
    assert len(whole) > 4

    command = ("backfill", "--output-dir=again", *arguments)
    archive = tmp_path / "again" / "scores.sqlite"
    stopped = 0
    for number in range(6):
        process = exporter(*command)
        while not archive.exists():
            clock.sleep(0.01)
        clock.sleep(0.3 + 0.2 * number)
        process.send_signal(signal.SIGKILL if number % 2 else signal.SIGINT)
        said = process.communicate()[1]
        assert process.returncode in (0, 1, -signal.SIGKILL)
        stopped += process.returncode != 0
        if process.returncode == 1:
            assert re.search(
                r"^seq-exporter: stopped with \d+ days? of scores and "
                r"\d complete files? in again:\n"
                r"the same command continues from there$",
                said,
                re.MULTILINE,
            )
        for name, content in read_files(tmp_path / "again").items():
            assert content == whole[name]
    assert stopped >= 3
    done = exporter(*command)
    done.communicate(timeout=GIVE_UP_SECONDS)
    assert done.returncode == 0
    assert read_files(tmp_path / "again") == whole


@pytest.mark.parametrize("kilobytes", [64, 1024, 4096])
def test_a_full_disk_leaves_nothing_that_looks_whole(
    kilobytes: int, start: Start, exporter: Start, tmp_path: Path
) -> None:
    simulator = start_simulator(exporter, subusers=200)[1]
    (tmp_path / "config.yaml").write_text(simulator.config)
    arguments = ("--step=1h", "--account=kettlewick", "--requests-per-minute=6000", UNTIL)
    command = shlex.join(
        [sys.executable, "-m", "seq_exporter", "backfill", "--output-dir=past", *arguments]
    )
    # The size of a file is limited: the archive fails with the first, the files with the last.
    limited = start("bash", "-c", f"ulimit -f {kilobytes}; exec {command}")
    said = limited.communicate(timeout=GIVE_UP_SECONDS)[1]
    assert limited.returncode == 1
    assert re.search(
        r"^seq-exporter: cannot write to past: .*: make room, and run the same command "
        r"again; complete files are kept$",
        said,
        re.MULTILINE,
    )
    assert "Traceback" not in said
    assert read_files(tmp_path / "past") == {}
    assert not list((tmp_path / "past").glob("*.tmp"))
    run_backfill(tmp_path, *arguments)
