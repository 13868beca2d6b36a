"""Ninety days are written to a real Prometheus and to a real VictoriaMetrics, and read again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import requests

from seq_exporter.commands.backfill.remote_write import Receiver
from seq_exporter.commands.backfill.write_request import TimeSeries, batch
from seq_exporter.errors import RemoteWriteFailed
from seq_exporter.sendgrid.session import open_session
from tests.processes import Start, find_tool, free_port, wait_for
from tests.prometheus import start_prometheus
from tests.support import GIVE_UP_SECONDS

DAY_SECONDS = 86400
STEP_SECONDS = 3600

WINDOW = "storage: {tsdb: {out_of_order_time_window: 91d}}\n"
RECEIVES = "--web.enable-remote-write-receiver"

Sample = tuple[int, float]
#: The samples of each series, by its labels.
Found = dict[tuple[tuple[str, str], ...], list[Sample]]


def make_past(now: int) -> list[TimeSeries]:
    """Return four series over ninety days, whose scores have a decimal, and are all different."""
    times = range(now - 90 * DAY_SECONDS, now + 1, STEP_SECONDS)
    return [
        TimeSeries(
            {"__name__": name, "account": "acme", "subuser": subuser, "job": "seq-exporter"},
            [(at * 1000, (10 + (at // STEP_SECONDS * 7 + number) % 41) / 10) for at in times],
        )
        for number, (name, subuser) in enumerate(
            (name, subuser)
            for name in ("sendgrid_seq_score", "sendgrid_seq_subuser_eligible")
            for subuser in ("shop", "büro")
        )
    ]


def expect(past: list[TimeSeries]) -> Found:
    return {key_of(series.labels): list(series.samples) for series in past}


def key_of(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def read_past(base: str, now: int) -> Found:
    """Return every sample of ninety days, asked for day by day."""
    found: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
    for days in range(91):
        answer = requests.get(
            f"{base}/api/v1/query",
            {
                "query": '{__name__=~"sendgrid_seq_.*"}[1d]',
                "time": str(now - days * DAY_SECONDS),
            },
            timeout=GIVE_UP_SECONDS,
        ).json()
        for series in answer["data"]["result"]:
            samples = [(round(at * 1000), float(value)) for at, value in series["values"]]
            assert len(dict(samples)) == len(samples), "a time has two samples"
            found.setdefault(key_of(series["metric"]), {}).update(samples)
    return {labels: sorted(samples.items()) for labels, samples in found.items()}


@pytest.fixture
def receiver_at() -> Iterator[Callable[[str], Receiver]]:
    with open_session() as session:
        yield lambda url: Receiver(url, {}, session, time.sleep, 60)


def start_victoriametrics(start: Start, *flags: str) -> str:
    """Start it; return its base URL."""
    address = f"127.0.0.1:{free_port()}"
    server = start(
        find_tool("victoria-metrics"), f"-httpListenAddr={address}", "-storageDataPath=data", *flags
    )
    wait_for(f"http://{address}/health", server)
    return f"http://{address}"


def send_present(receiver: Receiver) -> None:
    """Send a sample of now: what is older than by an hour is out of order from then on."""
    receiver.send([TimeSeries({"__name__": "up"}, [(int(time.time()) * 1000, 1.0)])])


@pytest.mark.parametrize("is_in_use", [False, True], ids=["empty", "in use"])
def test_prometheus_has_every_sample_and_a_resend_changes_nothing(
    start: Start, tmp_path: Path, receiver_at: Callable[[str], Receiver], is_in_use: bool
) -> None:
    base = start_prometheus(start, tmp_path, WINDOW, RECEIVES).base
    receiver = receiver_at(f"{base}/api/v1/write")
    if is_in_use:
        send_present(receiver)
    now = int(time.time())
    past = make_past(now)
    for _ in range(2):
        for request in batch(past, 1000):
            receiver.send(request)
        assert read_past(base, now) == expect(past)


def test_victoriametrics_has_every_sample_and_a_resend_changes_nothing(
    start: Start, receiver_at: Callable[[str], Receiver]
) -> None:
    # It keeps a month unless told otherwise, and drops what is older with a 204. It keeps both of
    # two samples that are the same, too, unless it is told how near is too near.
    flags = ("-retentionPeriod=100d", "-dedup.minScrapeInterval=1ms")
    base = start_victoriametrics(start, *flags)
    now = int(time.time())
    past = make_past(now)
    receiver = receiver_at(f"{base}/api/v1/write")
    for _ in range(2):
        for request in batch(past, 1000):
            receiver.send(request)
        requests.get(f"{base}/internal/force_flush", timeout=GIVE_UP_SECONDS)
        assert read_past(base, now) == expect(past)


OLD = "it rejects samples this old: set storage.tsdb.out_of_order_time_window: 91d in"
NO_RECEIVER = "was Prometheus started with --web.enable-remote-write-receiver?"


def failure(receiver: Receiver) -> str:
    """Return the message of a receiver that does not take the past."""
    with pytest.raises(RemoteWriteFailed) as caught:
        receiver.send(make_past(int(time.time())))
    return str(caught.value)


@pytest.mark.parametrize(
    ("config", "status"),
    [
        ("", "answers 400 (out of bounds)"),
        (WINDOW.replace("91d", "30d"), "(too old sample)"),
    ],
    ids=["no window", "too short a window"],
)
def test_prometheus_that_takes_no_past_is_told_how(
    start: Start,
    tmp_path: Path,
    receiver_at: Callable[[str], Receiver],
    config: str,
    status: str,
) -> None:
    base = start_prometheus(start, tmp_path, config, RECEIVES).base
    receiver = receiver_at(f"{base}/api/v1/write")
    send_present(receiver)
    told = failure(receiver)
    assert status in told
    assert OLD in told


def test_prometheus_without_a_receiver_is_told_how(
    start: Start, tmp_path: Path, receiver_at: Callable[[str], Receiver]
) -> None:
    base = start_prometheus(start, tmp_path, WINDOW).base
    told = failure(receiver_at(f"{base}/api/v1/write"))
    assert "answers 404 (remote write receiver needs" in told
    assert NO_RECEIVER in told


def test_prometheus_at_another_path_is_told_so(
    start: Start, tmp_path: Path, receiver_at: Callable[[str], Receiver]
) -> None:
    base = start_prometheus(start, tmp_path, WINDOW, RECEIVES).base
    for path, status in (
        ("/write", "answers 404 (404 page not found)"),
        ("/", "answers 405 (Method Not Allowed)"),
    ):
        told = failure(receiver_at(base + path))
        assert status in told
        assert NO_RECEIVER in told


def test_victoriametrics_at_another_path_is_told_so(
    start: Start, receiver_at: Callable[[str], Receiver]
) -> None:
    base = start_victoriametrics(start)
    with pytest.raises(RemoteWriteFailed, match=r"unsupported path.*: is the path right"):
        receiver_at(f"{base}/api/write").send(make_past(int(time.time())))
