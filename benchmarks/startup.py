"""How soon `serve` answers, and how soon it stops in the middle of a poll that gets no answer.

Prints medians of ten runs, beside a Python that does nothing, as machines differ:

    from start to /-/healthy       median 0.28 s, longest 0.35 s, 14.2 x a bare Python
    from SIGTERM to exit status 0  median 0.25 s, longest 0.26 s, 12.7 x a bare Python
"""

from __future__ import annotations

import http.client
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 10


def measure_bare_python() -> float:
    """Return the seconds that a Python takes which does nothing."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - started


def measure_serve(folder: str, sendgrid: socket.socket) -> tuple[float, float]:
    """Return the seconds until `serve` answers, and those until it has stopped."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "seq_exporter", "serve"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, f"--web.listen-address=127.0.0.1:{port}"], cwd=folder, stderr=subprocess.DEVNULL
    )
    while not is_healthy(port):
        time.sleep(0.002)
    healthy = time.perf_counter() - started
    connection, _ = sendgrid.accept()  # the poll has begun, and will wait for its answer
    with connection:
        connection.recv(1)
        stopping = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        return healthy, time.perf_counter() - stopping


def is_healthy(port: int) -> bool:
    """Whether the exporter on `port` answers."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/-/healthy")
        return connection.getresponse().status == 200
    except OSError:
        return False


def main() -> None:
    """Measure, and print the table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as sendgrid,
    ):
        url = f"http://127.0.0.1:{sendgrid.getsockname()[1]}"
        config = f"accounts: [{{name: acme, api_key: k, base_url: '{url}'}}]"
        Path(folder, "config.yaml").write_text(config)
        bare = statistics.median(measure_bare_python() for _ in range(RUNS))
        healthy, stopped = zip(*(measure_serve(folder, sendgrid) for _ in range(RUNS)), strict=True)
    for what, seconds in (
        ("from start to /-/healthy", healthy),
        ("from SIGTERM to exit status 0", stopped),
    ):
        median = statistics.median(seconds)
        print(
            f"{what:<30} median {median:.2f} s, longest {max(seconds):.2f} s, "
            f"{median / bare:.1f} x a bare Python"
        )


if __name__ == "__main__":
    main()
