"""Bytes at random where an answer is expected: never an error but those that are documented."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.config.model import PollSettings
from seq_exporter.config.secret import Secret
from seq_exporter.errors import PollError
from seq_exporter.publish.telemetry import Telemetry
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.session import open_session
from seq_exporter.sendgrid.transport import Endpoint, Transport
from tests.faults.server import FaultServer
from tests.support import KEY, FakeTime, account, day, examples, item

_BODY = json.dumps({"result": [item("1", "a", 4), item("2", "b", 3)]}).encode()
_GOOD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-RateLimit-Limit: 600\r\n"
    b"X-RateLimit-Reset: 1793880000\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n" % (len(_BODY), _BODY)
)


_PIECES = st.sampled_from(
    [
        b"-5\r\n",
        b"100",
        b"204",
        b"302",
        b"429",
        b"9" * 30,
        b"\r\nContent-Encoding: gzip, br",
        b"\r\nContent-Length: -1",
        b"\r\nLocation: http://[",
        b"\r\nRetry-After: Mon, 02 Nov 2026 00:00:00 +9999999999",
        b"\r\nX-RateLimit-Reset: -1e999",
        b"\r\n\r\n",
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a good answer in which a few stretches are replaced."""
    answer = _GOOD
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(answer)))
        end = min(start + draw(st.integers(0, 30)), len(answer))
        answer = answer[:start] + draw(_PIECES | st.binary(max_size=20)) + answer[end:]
    return answer


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(lambda exchange: None).running() as running:
        yield running


def open_transport(server: FaultServer, time: FakeTime) -> Transport:
    telemetry = Telemetry().open("acme")
    return Transport(
        account(base_url=server.url), Secret(KEY), open_session(), 30.0, time.clock, telemetry
    )


@examples(4)
@given(answer=st.binary() | damaged())
def test_any_answer(server: FaultServer, answer: bytes) -> None:
    server.answer = lambda exchange: exchange.send(answer)
    time = FakeTime()
    transport = open_transport(server, time)
    sendgrid = SendGrid(transport, time.sleep, Anomalies(), PollSettings().most_users)
    with contextlib.suppress(PollError):
        for score in (*(sendgrid.fetch_subusers(day(5)) or ()), sendgrid.fetch_own(day(5))):
            values = (score.overall, *score.metrics) if score else ()
            assert all(value is None or 1 <= value <= 5 for value in values)


def test_a_body_in_tiny_chunks_takes_no_more_memory_than_its_bytes(server: FaultServer) -> None:
    body = json.dumps("a" * 100_000).encode()
    chunks = b"".join(b"2\r\n%s\r\n" % body[start : start + 2] for start in range(0, 100_002, 2))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answer = lambda exchange: exchange.send(head + chunks + b"0\r\n\r\n")
    transport = open_transport(server, FakeTime())
    tracemalloc.start()
    try:
        answer = transport.get(Endpoint("subusers", "/v3/subusers"), {})
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer == "a" * 100_000
    # As a list of chunks, it would be 30 times its size.
    assert peak_bytes < 10 * len(body)
