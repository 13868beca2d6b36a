"""A backfill into a real Prometheus or VictoriaMetrics, which then scrapes the exporter."""

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

import requests

from tests.processes import Start, find_tool, free_port, start_simulator, wait_for, wait_for_end
from tests.prometheus import start_prometheus
from tests.simulator import Samples, Simulator
from tests.support import GIVE_UP_SECONDS

SCRAPE = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: seq
    static_configs: [{{targets: ["{address}"], labels: {{instance: "seq-exporter:10737"}}}}]
"""
LABELS = "--label=job=seq,instance=seq-exporter:10737"
SCORES = '{__name__=~"sendgrid_seq_(account_)?(metric_)?score"}'
# An instant query sees samples for as long as this.
STALE_AFTER = timedelta(minutes=5)
# Dashboards look back over a day, and see samples that are a day apart.
EACH_DAYS = f"last_over_time({SCORES}[25h])"
# Half a day and half an hour from now. While a test runs, no day appears, and an hourly backfill
# has no further sample: its newest one stays within the last hour, also if nothing is scraped.
_BEGAN = datetime.now(UTC)
_DELAY_HOURS = (_BEGAN.hour + 12) % 24
_DELAY_MINUTES = (_BEGAN.minute + 30) % 60
DELAY = timedelta(hours=_DELAY_HOURS, minutes=_DELAY_MINUTES)
DELAYED = f"--delay={_DELAY_HOURS}h{_DELAY_MINUTES}m"
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


def start_scraping(start: Start, folder: Path, address: str) -> str:
    """Start Prometheus on what is in `data`, scraping `address`; return its own base URL."""
    return start_prometheus(start, folder, SCRAPE.format(address=address)).base


def start_prometheus_that_receives(start: Start, folder: Path, address: str) -> str:
    window = "storage: {tsdb: {out_of_order_time_window: 91d}}\n"
    config = SCRAPE.format(address=address) + window
    return start_prometheus(start, folder, config, "--web.enable-remote-write-receiver").base


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
        "-search.minStalenessInterval=5m",
    )
    wait_for(f"{base}/health", server)
    return base


def check_days(
    base: str,
    expression: str,
    simulator: Simulator,
    days: Sequence[date],
    hours: Sequence[int],
    interval: timedelta,
    seen_for: timedelta,
) -> None:
    """Compare what Prometheus has, so many hours after a day appeared, with the simulator.

    The samples of the past are `interval` apart, and `expression` sees each for `seen_for`.
    """
    own: dict[tuple[str, ...], tuple[date, float]] = {}
    for day in days:
        expected = simulator.read_day(day)
        assert expected
        own |= {key: (day, value) for key, value in expected.items() if "account" in key[0]}
        for after in [timedelta(hours=number) for number in hours]:
            # On a day without an own score, the last one is held, for as long as `lookback`. What
            # was withdrawn at midnight is seen until its last sample is older than `seen_for`.
            at = shown_at(day) + after
            age = after % interval
            oldest_seen = at - age - (seen_for - age) // interval * interval
            held = {
                key: value
                for key, (of, value) in own.items()
                if (oldest_seen.date() - of).days <= LOOKBACK
            }
            assert query(base, expression, at) == expected | held


def newest_sample(said: str) -> datetime:
    """Return the minute of the newest sample, of which the backfill speaks at its end."""
    found = re.search(r"up to (\S+ \S+) UTC", said)
    assert found
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)


def first_day(days: int) -> str:
    """Return the flag of a backfill of so many days."""
    return f"--from={datetime.now(UTC).date() - timedelta(days)}"


def calculated_days(days: int) -> list[date]:
    """Return those of the last `days` that have scores, and were replaced by a later one."""
    now = datetime.now(UTC)
    found = [now.date() - timedelta(number) for number in range(days, 0, -1)]
    return [day for day in found if shown_at(day) + timedelta(days=1) < now]


def check_files(
    days: int, subusers: int, step: str, start: Start, exporter: Start, folder: Path
) -> None:
    """Import the files of so many days, scrape on, and compare all of it with the simulator."""
    # With samples a day apart, a look back over a day sees longer what has been withdrawn.
    is_daily = step == "1d"
    expression, hours = (EACH_DAYS, (2,)) if is_daily else (SCORES, (1, 2, 23))
    interval = timedelta(days=1) if is_daily else timedelta(minutes=4)
    seen_for = timedelta(hours=25) if is_daily else STALE_AFTER
    simulator = start_simulator(exporter, subusers, DELAYED, "--rate-limit=60000")[1]
    (folder / "config.yaml").write_text(simulator.config)
    (folder / "data").mkdir()
    flags = (LABELS, DELAYED, f"--step={step}", "--requests-per-minute=6000", first_day(days))
    said = run_backfill(folder, *flags)
    run_commands(said, folder)

    address = f"127.0.0.1:{free_port()}"
    served = exporter("serve", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", served)
    base = start_scraping(start, folder, address)
    check_days(base, expression, simulator, calculated_days(days), hours, interval, seen_for)

    wait_until_scraped(base)
    now = datetime.now(UTC)
    assert query(base, expression, now) == simulator.read_newest()
    if not is_daily:
        assert_no_gap(base, now, simulator, shown_until=newest_sample(said) + STALE_AFTER)
    assert_no_series_twice(base)


StartReceiver = Callable[[Start, Path, str], str]


def check_remote_write(
    days: int, start_receiver: StartReceiver, start: Start, exporter: Start, folder: Path
) -> None:
    """Send so many days to what scrapes already, and compare all of it with the simulator."""
    simulator = start_simulator(exporter, 4, DELAYED, "--rate-limit=60000")[1]
    (folder / "config.yaml").write_text(simulator.config)
    began = datetime.now(UTC)
    address = f"127.0.0.1:{free_port()}"
    served = exporter("serve", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", served)
    base = start_receiver(start, folder, address)
    wait_until_scraped(base)
    said = run_backfill(
        folder,
        LABELS,
        DELAYED,
        first_day(days),
        "--step=4m",
        "--requests-per-minute=6000",
        f"--until={began.isoformat()}",
        f"--remote-write={base}/api/v1/write",
    )
    assert f" samples sent to {base}/api/v1/write,\none every 4m up to " in said
    assert not list((folder / "past").glob("*.om"))
    show_what_was_received(base)
    interval = timedelta(minutes=4)
    check_days(base, SCORES, simulator, calculated_days(days), (2, 23), interval, STALE_AFTER)
    # From the last twenty intervals, VictoriaMetrics derives how long a sample counts.
    wait_until(lambda: query_any(base, 'count_over_time(up{job="seq"}[5m]) > 20'))
    show_what_was_received(base)
    now = datetime.now(UTC)
    assert_no_gap(base, now, simulator)
    assert_no_gap_at_instants(base, began - timedelta(minutes=10), now, simulator)
    assert_no_series_twice(base)


#: What starts a receiver, by its name.
RECEIVERS = {
    "Prometheus": start_prometheus_that_receives,
    "VictoriaMetrics": start_victoriametrics,
}


def wait_until_scraped(base: str) -> None:
    def is_scraped() -> bool:
        show_what_was_received(base)
        return query_any(base, 'up{job="seq"} == 1')

    wait_until(is_scraped)


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


def assert_no_gap(
    base: str, now: datetime, simulator: Simulator, shown_until: datetime | None = None
) -> None:
    """See as many series at each moment of the last hour, from the past into what is scraped.

    On a busy machine, the first scrape may come later than the end of the past, `shown_until`.
    """
    began = now - timedelta(hours=1)
    counts = count_over(base, f"count({SCORES})", began, now)
    assert set(counts.values()) == {len(simulator.read_newest())}
    first_scrape = min(count_over(base, 'up{job="seq"}', began, now))
    unknown_seconds = max(first_scrape - shown_until.timestamp(), 0) if shown_until else 0
    assert len(counts) >= 3600 // 15 + 1 - unknown_seconds // 15


def assert_no_gap_at_instants(
    base: str, start: datetime, end: datetime, simulator: Simulator
) -> None:
    """See every series at each moment, by instant queries with a `step`, as Grafana sends them."""
    series = len(simulator.read_newest())
    at = start
    while at < end:
        parameters = {"query": f"count({SCORES})", "time": str(at.timestamp()), "step": "15s"}
        answer = requests.get(f"{base}/api/v1/query", parameters, timeout=GIVE_UP_SECONDS).json()
        assert [found["value"][1] for found in answer["data"]["result"]] == [str(series)], at
        at += timedelta(seconds=15)


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


class Stopped:
    """A backfill of one account that is stopped again and again, and its output folder `again`."""

    def __init__(self, exporter: Start, folder: Path, subusers: int) -> None:
        self._step_bytes = 700 * subusers
        simulator = start_simulator(exporter, subusers, "--rate-limit=60000")[1]
        (folder / "config.yaml").write_text(simulator.config)
        until = f"--until={datetime.now(UTC).replace(microsecond=0).isoformat()}"
        flags = ("--step=12h", "--account=kettlewick", "--requests-per-minute=6000", until)
        run_backfill(folder, *flags)
        self.whole = read_files(folder / "past")
        assert len(self.whole) > 4
        self.command = ("backfill", "--output-dir=again", *flags)
        self._folder = folder / "again"
        self._exporter = exporter

    def stop(self, number: signal.Signals, pause_seconds: float = 0) -> int:
        """Let it get on, stop it after a pause, and return its exit status."""
        began = self._progress_bytes()
        process = self._exporter(*self.command)
        # Not a moment after the start: while Python imports, Ctrl-C ends any program with -2.
        while process.poll() is None and self._progress_bytes() < began + self._step_bytes:
            clock.sleep(0.002)
        clock.sleep(pause_seconds)
        process.send_signal(number)
        said = process.communicate()[1]
        if process.returncode == 1:
            assert re.search(
                r"^seq-exporter: stopped with \d+ days? of scores and "
                r"\d complete files? in again:\n"
                r"the same command continues from there$",
                said,
                re.MULTILINE,
            )
        for name, content in read_files(self._folder).items():
            assert content == self.whole[name]
        return process.returncode

    def finish(self) -> None:
        """Let it run to its end, and compare the files with those of one that was not stopped."""
        done = self._exporter(*self.command)
        done.communicate(timeout=GIVE_UP_SECONDS)
        assert done.returncode == 0
        assert read_files(self._folder) == self.whole

    def _progress_bytes(self) -> int:
        """Return the size of the archive and of the whole files, which only ever grow."""
        written = (self._folder / "scores.sqlite", *self._folder.glob("scores-*.om"))
        return sum(path.stat().st_size for path in written if path.exists())


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("scores-*.om")}


def check_stops(rounds: int, subusers: int, exporter: Start, folder: Path) -> None:
    """Stop a backfill by each signal so many times; at the end, its files are whole."""
    backfill = Stopped(exporter, folder, subusers)
    numbers = (signal.SIGINT, signal.SIGKILL, signal.SIGTERM) * rounds
    statuses = [backfill.stop(number) for number in numbers]
    assert set(statuses) <= {0, 1, -signal.SIGKILL}
    assert sum(status != 0 for status in statuses) >= len(statuses) / 2
    backfill.finish()


def check_full_disk(kilobytes: int, simulator: Simulator, start: Start, folder: Path) -> None:
    """Run a backfill that may write no larger file: it fails, and leaves only whole files."""
    (folder / "config.yaml").write_text(simulator.config)
    until = f"--until={datetime.now(UTC).replace(microsecond=0).isoformat()}"
    arguments = ("--step=1h", "--account=kettlewick", "--requests-per-minute=6000", until)
    command = shlex.join(
        [sys.executable, "-m", "seq_exporter", "backfill", "--output-dir=past", *arguments]
    )
    limited = start("bash", "-c", f"ulimit -f {kilobytes}; exec {command}")
    status, _, said = wait_for_end(limited)
    assert status == 1
    assert re.search(
        r"^seq-exporter: cannot write to past: .*: make room, and run the same command "
        r"again; complete files are kept$",
        said,
        re.MULTILINE,
    )
    assert "Traceback" not in said
    there = read_files(folder / "past")
    assert not list((folder / "past").glob("*.tmp"))
    run_backfill(folder, *arguments)
    # The first file may hold a few hours only, and fit.
    assert there.items() < read_files(folder / "past").items()
