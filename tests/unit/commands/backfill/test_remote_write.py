"""The requests that a receiver gets, the meaning of its answers, and the samples of a plan."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from seq_exporter import __version__
from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.openmetrics import write_files
from seq_exporter.commands.backfill.plan import Plan
from seq_exporter.commands.backfill.remote_write import (
    Receiver,
    SentSamples,
    send_samples,
)
from seq_exporter.commands.backfill.write_request import TimeSeries
from seq_exporter.errors import BackfillError, RemoteWriteFailed
from seq_exporter.sendgrid.session import open_session
from tests.support import FakeTime, account
from tests.unit.commands.backfill.past import at, fill, plan_of
from tests.unit.commands.backfill.receiving import Answer, FakeReceiver
from tests.unit.commands.backfill.test_write_request import read_request

SERIES = [TimeSeries({"__name__": "sendgrid_seq_score", "subuser": "a"}, [(1, 4.2), (2, 5.0)])]
OK = Answer(204)
WINDOW = (
    "it rejects samples this old: set storage.tsdb.out_of_order_time_window: 91d "
    "in prometheus.yml (Mimir: out_of_order_time_window)"
)
PATH = "is the path right, and was Prometheus started with --web.enable-remote-write-receiver?"
LOGIN = "check the user and password, or the token, that the receiver asks for"


def receiver_at(
    url: str,
    time: FakeTime,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float = 30,
) -> Receiver:
    return Receiver(url, headers or {}, open_session(), time.sleep, timeout_seconds, time.clock)


@contextlib.contextmanager
def answering(*answers: Any) -> Iterator[FakeReceiver]:
    with FakeReceiver(*answers).running() as fake:
        yield fake


def failure(receiver: Receiver) -> str:
    """Return the message with which `send` fails; a traceback shows no other message."""
    with pytest.raises(RemoteWriteFailed) as caught:
        receiver.send(SERIES)
    assert isinstance(caught.value, BackfillError)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


def pauses(time: FakeTime) -> list[int]:
    """Return the pauses as they would be without jitter, which is a quarter at most."""
    grown = [min(2.0**number, 30) for number in range(len(time.sleeps))]
    for pause, without in zip(time.sleeps, grown, strict=True):
        assert 0.75 * without <= pause <= 1.25 * without
    return [round(pause) for pause in grown]


def test_a_request_as_the_specification_describes_it(time: FakeTime) -> None:
    with answering(OK) as fake:
        receiver_at(fake.url, time, {"X-Scope-OrgID": "mail"}).send(SERIES)
    (request,) = fake.requests
    assert request.path == "/api/v1/write"
    assert read_request(request.body) == [
        ([("__name__", "sendgrid_seq_score"), ("subuser", "a")], [(1, 4.2), (2, 5.0)])
    ]
    expected = {
        "content-encoding": "snappy",
        "content-type": "application/x-protobuf",
        "x-prometheus-remote-write-version": "0.1.0",
        "user-agent": f"seq-exporter/{__version__}",
        "x-scope-orgid": "mail",
    }
    assert {name: request.headers.get(name) for name in expected} == expected
    assert "authorization" not in request.headers


def basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


@pytest.mark.parametrize(
    ("userinfo", "headers", "sent"),
    [
        ("me:secret@", {}, basic("me:secret")),
        ("me:s%2Fc%40r%C3%A9t@", {}, basic("me:s/c@rét")),
        ("me@", {}, basic("me:")),
        ("me:secret@", {"authorization": "Bearer token"}, "Bearer token"),
        ("", {"Authorization": "Bearer token"}, "Bearer token"),
    ],
)
def test_the_login_of_a_request(
    time: FakeTime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    userinfo: str,
    headers: Mapping[str, str],
    sent: str,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login stray password stray")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with answering(OK) as fake:
        receiver_at(fake.url.replace("//", f"//{userinfo}"), time, headers).send(SERIES)
    assert fake.requests[0].headers["authorization"] == sent


@pytest.mark.parametrize("status", [200, 202, 204])
def test_one_connection_carries_all_requests(time: FakeTime, status: int) -> None:
    with answering(Answer(status)) as fake, open_session() as session:
        receiver = Receiver(fake.url, {}, session, time.sleep, 30, time.clock)
        for _ in range(5):
            receiver.send(SERIES)
    assert (len(fake.requests), fake.connections, time.sleeps) == (5, 1, [])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(400, b"out of bounds\n"), f"400 (out of bounds): {WINDOW}"),
        (Answer(400, b"out of order sample\n"), f"400 (out of order sample): {WINDOW}"),
        (
            Answer(400, b"its timestamp is too old (err-mimir-sample-timestamp-too-old)"),
            f"400 (its timestamp is too old (err-mimir-sample-timestamp-too-old)): {WINDOW}",
        ),
        (Answer(409, b"x" * 300 + b"\nout of order sample"), f"409 ({'x' * 200}): {WINDOW}"),
        (Answer(500, b"too old sample\n"), f"500 (too old sample): {WINDOW}"),
        (
            Answer(400, b"duplicate sample for timestamp\n"),
            "400 (duplicate sample for timestamp): it has another value of a series at the same "
            "time: use --until to end before the live scores begin",
        ),
        (
            Answer(400, b'unsupported path requested: "/write"'),
            f'400 (unsupported path requested: "/write"): {PATH}',
        ),
        (Answer(400, b"snappy: corrupt input\n"), "400 (snappy: corrupt input)"),
        (Answer(400), "400"),
        (Answer(401, b"Unauthorized\n"), f"401 (Unauthorized): {LOGIN}"),
        (Answer(403), f"403: {LOGIN}"),
        (Answer(404, b"404 page not found\n"), f"404 (404 page not found): {PATH}"),
        (
            Answer(404, b"remote write receiver needs to be enabled with --enable-feature=x\n"),
            f"404 (remote write receiver needs to be enabled with --enable-feature=x): {PATH}",
        ),
        (Answer(405, b"Method Not Allowed"), f"405 (Method Not Allowed): {PATH}"),
        (
            Answer(413, b"<html>\n<title>413 Request Entity Too Large</title>"),
            "413 (<html>): the request is too large: raise the limit of the receiver, "
            "or of a proxy before it",
        ),
        (Answer(415), "415: it does not accept remote write 1.0"),
        (Answer(418, b"\n\n  short \x1b[31mand\tstout\nmore"), "418 (short \x1b[31mand\tstout)"),
        (Answer(422, b"x" * 5000), f"422 ({'x' * 200})"),
        (Answer(422, b"\xff\xfe"), "422 (\ufffd\ufffd)"),
        (
            Answer(422, b"no gzip", (("Content-Encoding", "gzip"),)),
            "422",
        ),
    ],
)
def test_the_message_for_each_answer(time: FakeTime, answer: Answer, message: str) -> None:
    with answering(answer) as fake:
        assert failure(receiver_at(fake.url, time)) == f"{fake.url} answers {message}"
    assert (len(fake.requests), time.sleeps) == (1, [])  # without another try


@pytest.mark.parametrize("open_any", [open_session, requests.Session])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(
    time: FakeTime, status: int, open_any: Callable[[], requests.Session]
) -> None:
    headers = {"Authorization": "Bearer token"}
    with (
        answering(OK) as other,
        answering(Answer(status, b"moved", (("Location", other.url),))) as fake,
        open_any() as session,
    ):
        message = failure(Receiver(fake.url, headers, session, time.sleep, 30, time.clock))
    assert message == (
        f"{fake.url} answers {status} (moved): a redirect, not followed: correct the URL"
    )
    assert (len(fake.requests), other.requests, time.sleeps) == (1, [], [])


# -- failures that may pass ------------------------------------------------------------------------


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""


def cut_in_the_middle(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 50")


def speak_nonsense(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")


@pytest.mark.parametrize(
    "passing",
    [
        *(Answer(status, b"<html>") for status in (429, 500, 502, 503, 504)),
        *(cut, cut_in_the_middle, speak_nonsense),
    ],
)
def test_a_failure_that_passes_costs_nothing(time: FakeTime, passing: Any) -> None:
    with answering(passing, passing, OK) as fake:
        receiver_at(fake.url, time).send(SERIES)
    assert len({request.body for request in fake.requests}) == 1
    assert (len(fake.requests), pauses(time)) == (3, [1, 2])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(503, b"not ready\n"), "{} answers 503 (not ready)"),
        (Answer(429, b"slowly"), "{} answers 429 (slowly): it gets too many requests"),
        (Answer(500, b"\0" * 8_000_000), f"{{}} answers 500 ({chr(0) * 200})"),
        (cut, "no connection to {}: RemoteDisconnected"),
        (cut_in_the_middle, "no connection to {}: BadStatusLine"),
        (speak_nonsense, "no connection to {}: BadStatusLine"),
    ],
)
def test_the_retries_end_after_five_minutes(time: FakeTime, answer: Any, message: str) -> None:
    started = time.seconds
    with answering(answer) as fake:
        text = failure(receiver_at(fake.url, time))
    assert pauses(time)[:7] == [1, 2, 4, 8, 16, 30, 30]
    passed = time.seconds - started
    assert 300 - 1.25 * 30 < passed <= 300
    tries = len(time.sleeps) + 1
    assert text == f"{message.format(fake.url)} (tries: {tries}, in {passed:.0f} s)"
    assert len(fake.requests) == tries


def test_nothing_listens(time: FakeTime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api/v1/write"
    message = failure(receiver_at(url, time))
    assert message.startswith(f"no connection to {url}: Connection refused (tries: ")


def test_the_receiver_starts_after_a_while(time: FakeTime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with contextlib.ExitStack() as stack:
        fake = FakeReceiver(OK)

        def sleep(seconds: float) -> None:
            time.sleep(seconds)
            if len(time.sleeps) == 3:
                stack.enter_context(fake.running(port=port))

        url = f"http://127.0.0.1:{port}/api/v1/write"
        Receiver(url, {}, open_session(), sleep, 30, time.clock).send(SERIES)
    assert (len(fake.requests), pauses(time)) == (1, [1, 2, 4])


@pytest.mark.parametrize(
    ("status", "retry_after", "slept"),
    [
        (429, "30", 30),
        (503, "120", 120),
        (503, "Thu, 05 Nov 2026 12:00:20 GMT", 20),
        (429, "Thu, 05 Nov 2026 11:00:00 GMT", 1),
        (429, "0", 1),
        (429, "-5", 1),
        (429, "soon", 1),
        (429, "nan", 1),
    ],
)
def test_retry_after_is_honoured(time: FakeTime, status: int, retry_after: str, slept: int) -> None:
    with answering(Answer(status, b"", (("Retry-After", retry_after),)), OK) as fake:
        receiver_at(fake.url, time).send(SERIES)
    assert [round(seconds) for seconds in time.sleeps] == [slept]


def test_a_wait_of_more_than_five_minutes_is_not_begun(time: FakeTime) -> None:
    with answering(Answer(429, b"", (("Retry-After", "3600"),))) as fake:
        message = failure(receiver_at(fake.url, time))
    assert message == (
        f"{fake.url} answers 429: it gets too many requests "
        "(tries: 1, in 0 s; it asks to wait 3600 s)"
    )
    assert time.sleeps == []


def test_the_sleep_may_end_the_retries(time: FakeTime) -> None:
    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    with answering(Answer(503)) as fake, pytest.raises(KeyboardInterrupt):
        Receiver(fake.url, {}, open_session(), sleep, 30, time.clock).send(SERIES)


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\nX: "])
def test_an_answer_that_never_comes(time: FakeTime, begins: bytes) -> None:
    leaving = threading.Event()

    def say_little(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(begins)
        while not leaving.wait(0.01):
            if begins:  # a byte now and then, which no time-out of single reads would notice
                handler.wfile.write(b"x")

    with answering(say_little, say_little, OK) as fake:
        receiver_at(fake.url, time, timeout_seconds=0.2).send(SERIES)
        assert (len(fake.requests), pauses(time)) == (3, [1, 2])
        fake.answers[:] = [say_little]
        message = failure(receiver_at(fake.url, time, timeout_seconds=0.01))
        leaving.set()
    assert message.startswith(f"no answer from {fake.url} within 0.01 s (tries: ")


def test_megabytes_in_an_error_are_not_read(time: FakeTime) -> None:
    sent = []

    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 400 Bad\r\nContent-Length: 99000000\r\n\r\n")
        for _ in range(99):
            handler.wfile.write(b"no " * 333_333)
            sent.append(1)

    with answering(pour) as fake:
        message = failure(receiver_at(fake.url, time))
    assert message == f"{fake.url} answers 400 ({('no ' * 67)[:200]})"
    assert len(sent) < 99


def test_a_certificate_that_is_refused_is_not_tried_again(time: FakeTime) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with FakeReceiver(OK).running(context) as fake:
        message = failure(receiver_at(fake.url.replace("http:", "https:"), time))
    assert message == (
        f"no connection to https://127.0.0.1:{fake.port}/api/v1/write: its certificate is "
        "refused: unable to get local issuer certificate: if a company's proxy issued it, name the "
        "file of its CA in REQUESTS_CA_BUNDLE"
    )
    assert (fake.requests, time.sleeps) == ([], [])


# -- secrets --------------------------------------------------------------------------------------

SECRETS = (
    "pass/word",
    "pass%2Fword",
    "t0ken",
    "s3s/me",
    "s3s%2Fme",
    basic("me:pass/word").split()[1],
)


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer(status, " and ".join(SECRETS).encode()) for status in (400, 401, 500)),
        Answer(403, b"no: Authorization: Bearer t0ken; requestURI: /write?key=s3s%2Fme&x=1"),
        Answer(401, b"x" * 195 + b" t0ken"),
        cut,
    ],
)
def test_no_message_holds_a_secret(time: FakeTime, answer: Any) -> None:
    for headers in ({}, {"X-Token": "t0ken", "Authorization": "Bearer t0ken", "X-None": ""}):
        with answering(answer) as fake:
            url = fake.url.replace("//", "//me:pass%2Fword@") + "?key=s3s%2Fme&x=1#s3s/me"
            receiver = receiver_at(url, time, headers or {"X": "t0ken"})
            with pytest.raises(RemoteWriteFailed) as caught:
                receiver.send(SERIES)
        printed = "".join(traceback.format_exception(caught.value)) + repr(receiver)
        assert [secret for secret in SECRETS if secret in printed] == []
        assert fake.url in str(caught.value)


def test_a_secret_that_begins_with_another_is_hidden_whole(time: FakeTime) -> None:
    headers = {"X-Scope-OrgID": "t0", "Authorization": "Bearer t0ken"}
    with answering(Answer(400, b"t0 may not use t0ken")) as fake:
        message = failure(receiver_at(fake.url, time, headers))
    assert message == f"{fake.url} answers 400 (*** may not use ***)"


@pytest.mark.parametrize(
    ("url", "headers", "place"),
    [
        ("https://me:pass/word@127.0.0.1/write", {}, "***"),
        ("https://me:pass?word@127.0.0.1/write", {}, "***"),
        ("https://me:secret@[127/write", {}, "***"),
        ("http://127.0.0.1:99999999/write", {}, "http://127.0.0.1:99999999/write"),
        ("ftp://127.0.0.1/write", {}, "ftp://127.0.0.1/write"),
        ("127.0.0.1:9090/write", {}, "***"),
        ("", {}, "***"),
        ("http://127.0.0.1/write", {"X-Token": "t0ken\npass/word"}, "http://127.0.0.1/write"),
        ("http://127.0.0.1/write", {"X-Token": "t0ken\N{EURO SIGN}"}, "http://127.0.0.1/write"),
        ("http://127.0.0.1/write", {"t0ken:\n": ""}, "http://127.0.0.1/write"),
    ],
)
def test_requests_that_cannot_be_sent(
    time: FakeTime, url: str, headers: Mapping[str, str], place: str
) -> None:
    assert failure(receiver_at(url, time, headers)) == (
        f"nothing can be sent to {place}: check the URL and the headers"
    )
    assert time.sleeps == []


def test_a_wrong_setting_of_this_machine_is_not_tried_again(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nope")
    message = failure(receiver_at("https://127.0.0.1:1/api/v1/write", time, {}))
    assert message.startswith(
        "no connection to https://127.0.0.1:1/api/v1/write: cannot read the CA certificates in "
        "/nope, which REQUESTS_CA_BUNDLE names: "
    )
    assert time.sleeps == []


def test_a_success_that_stores_nothing_is_an_error(time: FakeTime) -> None:
    answer = Answer(204, headers=(("X-Influxdb-Version", "1.8.0"),))
    with FakeReceiver(answer).running() as fake, open_session() as session:
        receiver = Receiver(fake.url, {}, session, time.sleep, 5, time.clock)
        message = f"^{fake.url} is VictoriaMetrics' address for Influx: use /api/v1/write$"
        with pytest.raises(RemoteWriteFailed, match=message):
            receiver.send([TimeSeries({"__name__": "up"}, [(0, 1.0)])])


def test_the_reason_of_a_pause_is_reported(time: FakeTime) -> None:
    reported: list[str] = []
    with answering(Answer(503, b"starting"), OK) as fake, open_session() as session:
        receiver = Receiver(fake.url, {}, session, time.sleep, 30, time.clock, reported.append)
        receiver.send(SERIES)
    assert reported == [f"pausing 1 s: {fake.url} answers 503 (starting)"]


# -- sending the samples of a plan -----------------------------------------------------------------

REFUSED = Answer(400, b"no")

#: Labels, seconds, value.
Sample = tuple[tuple[tuple[str, str], ...], float, float]


def send(
    plan: Plan, archive: Archive, receiver: FakeReceiver, headers: dict[str, str] | None = None
) -> SentSamples:
    with requests.Session() as session:
        made = Receiver(receiver.url, headers or {}, session, lambda seconds: None, 10)
        return send_samples(plan, archive, made, lambda done, text: None)


def samples_of(bodies: list[bytes]) -> list[Sample]:
    return [
        (tuple(labels), moment / 1000, value)
        for body in bodies
        for labels, samples in read_request(body)
        for moment, value in samples
    ]


def test_the_samples_sent_are_those_in_the_files(archive: Archive, tmp_path: Path) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=3600)
    with FakeReceiver(OK).running() as receiver:
        count = send(plan, archive, receiver)
    sent = samples_of([request.body for request in receiver.requests])
    (file,) = write_files(plan, archive, tmp_path, lambda done, text: None)
    written = [
        (
            tuple(sorted({"__name__": sample.name, **sample.labels}.items())),
            float(sample.timestamp),
            sample.value,
        )
        for family in text_string_to_metric_families(file.read_text())  # type: ignore[no-untyped-call]
        for sample in family.samples
    ]
    assert sorted(sent) == sorted(written)
    assert count == (len(sent), 0)
    assert len(sent) == len(set(sent)) > 1000


def test_samples_taken_before_a_stop_are_not_sent_again(archive: Archive) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=60)
    with FakeReceiver(OK).running() as whole:
        sent = send(plan, archive, whole)
    bodies = [request.body for request in whole.requests]
    assert len(bodies) > 4

    with FakeReceiver(OK, OK, REFUSED).running() as receiver:
        with pytest.raises(RemoteWriteFailed, match=r"answers 400 \(no\)"):
            send(plan, archive, receiver)
        receiver.answers = [OK]
        now, before = send(plan, archive, receiver)
    assert [request.body for request in receiver.requests] == [*bodies[:3], *bodies[2:]]
    assert before == len(samples_of(bodies[:2]))
    assert now + before == sent.now


def test_after_a_complete_run_everything_is_sent_again(archive: Archive) -> None:
    # The receiver may have lost the samples, which cannot be seen from here.
    plan = plan_of(fill(archive, account()), at(4), step_seconds=3600)
    with FakeReceiver(OK).running() as receiver:
        assert send(plan, archive, receiver) == send(plan, archive, receiver)
    first, second = receiver.requests
    assert first.body == second.body


def test_another_tenant_is_another_receiver(archive: Archive) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=60)
    with FakeReceiver(OK, OK, REFUSED).running() as receiver:
        with pytest.raises(RemoteWriteFailed):
            send(plan, archive, receiver, {"X-Scope-OrgID": "a"})
        receiver.answers = [OK]
        assert send(plan, archive, receiver, {"X-Scope-OrgID": "b"}).before == 0
        assert send(plan, archive, receiver, {"X-Scope-OrgID": "a"}).before > 0


def test_samples_that_have_changed_are_sent_again(archive: Archive) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=3600)
    with FakeReceiver(OK).running() as receiver:
        send(plan, archive, receiver)
        send(replace(plan, labels={"job": "other"}), archive, receiver)
    first, second = receiver.requests
    assert ("job", "other") in read_request(second.body)[0][0]
    assert ("job", "seq") in read_request(first.body)[0][0]
