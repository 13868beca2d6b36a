"""What the process uses: which metrics there are, and how often they are read."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from seq_exporter.publish.process_usage import ProcessUsage


class Clock:
    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


def test_cpu_memory_and_descriptors_of_this_process() -> None:
    lines = ProcessUsage().render(generate_latest).decode().splitlines()
    names = [line.split()[0].partition("{")[0] for line in lines if not line.startswith("#")]
    assert list(dict.fromkeys(names)) == [
        "process_virtual_memory_bytes",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_max_fds",
        "python_gc_objects_collected_total",
        "python_gc_objects_uncollectable_total",
        "python_gc_collections_total",
    ]


def test_it_is_read_once_a_second_in_each_format() -> None:
    clock = Clock()
    usage = ProcessUsage(clock)
    readings: list[CollectorRegistry] = []

    def count(registry: CollectorRegistry) -> bytes:
        readings.append(registry)
        return b"%d" % len(readings)

    assert [usage.render(count) for _ in range(3)] == [b"1"] * 3
    assert usage.render(generate_openmetrics).endswith(b"# EOF\n")
    clock.now += 0.99
    assert usage.render(count) == b"1"
    clock.now += 0.01
    assert [usage.render(count) for _ in range(3)] == [b"2"] * 3
