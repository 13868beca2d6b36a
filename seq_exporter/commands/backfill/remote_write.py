"""Prometheus' remote write 1.0: sends the samples, and reads what each answer means.

Receivers are Prometheus with --web.enable-remote-write-receiver, VictoriaMetrics, Mimir, Thanos.
"""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import requests

from seq_exporter import __version__
from seq_exporter.clock import Clock
from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.estimate import TRIED_SAMPLES, Estimate, estimate
from seq_exporter.commands.backfill.history import Series, sample_times
from seq_exporter.commands.backfill.plan import Plan, Window
from seq_exporter.commands.backfill.write_request import (
    MOST_SAMPLES,
    TimeSeries,
    batch,
    encode_request,
)
from seq_exporter.commands.progress import Advance
from seq_exporter.errors import RemoteWriteFailed
from seq_exporter.retries import backoff_seconds, retry
from seq_exporter.sendgrid.causes import cause_and_remedy, has_remedy, innermost
from seq_exporter.sendgrid.transport import read_retry_after
from seq_exporter.urls import show_url

# As long as a receiver may take to restart. A fault that lasts longer does not pass by itself.
_PATIENCE_SECONDS = 300.0
_LONGEST_PAUSE_SECONDS = 30.0

# Prometheus 2.42 on the same machine takes as long for samples as it takes to make them.
_SENDING_TO_MAKING = 2.0

# Only the first line of an answer is shown, and megabytes of it are not read to the end.
_ANSWER_BYTES = 4096
_SHOWN_CHARACTERS = 200

_PROTOCOL: Mapping[str, str] = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "User-Agent": f"seq-exporter/{__version__}",
    "X-Prometheus-Remote-Write-Version": "0.1.0",  # the specification's name for 1.0
}

_WRONG_PATH = (
    "is the path right, and was Prometheus started with --web.enable-remote-write-receiver?"
)
_REFUSED = "check the user and password, or the token, that the receiver asks for"

# The text of an answer is more precise than its status: to samples before its newest ones,
# Prometheus answers 400 without an out-of-order window, and 500 if they are before its window;
# Thanos answers 409.
_CAUSES = (
    (
        re.compile(r"out[ -]of[ -](order|bounds)|too[ -]old", re.IGNORECASE),
        "it rejects samples this old: set storage.tsdb.out_of_order_time_window: 91d "
        "in prometheus.yml (Mimir: out_of_order_time_window)",
    ),
    (
        re.compile("duplicate sample for timestamp", re.IGNORECASE),
        "it has another value of a series at the same time: "
        "use --until to end before the live scores begin",
    ),
    (re.compile("unsupported path", re.IGNORECASE), _WRONG_PATH),  # VictoriaMetrics, with 400
)

_REMEDIES: Mapping[int, str] = {
    401: _REFUSED,
    403: _REFUSED,
    404: _WRONG_PATH,
    405: _WRONG_PATH,
    413: "the request is too large: raise the limit of the receiver, or of a proxy before it",
    415: "it does not accept remote write 1.0",
    429: "it gets too many requests",
}


class _MayPass(RemoteWriteFailed):
    """The receiver may take the same request later, `wait_seconds` from now at the earliest."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes series at `url`, whose user and password become a header unless `headers` has it.

    `session` is what `open_session` returns; `timeout_seconds` bounds connecting, and once more
    the whole answer. `sleep` pauses for seconds, and may raise to end the retries; before each
    pause, `report_pause` is called with the reason.
    """

    url: str = field(repr=False)  # with its password
    headers: Mapping[str, str] = field(repr=False)
    session: requests.Session
    sleep: Callable[[float], None]
    timeout_seconds: float
    clock: Clock = field(default_factory=Clock)
    report_pause: Callable[[str], None] = field(default=lambda reason: None)

    def send(self, series: Sequence[TimeSeries]) -> None:
        """Write `series` in one request. Sending it again changes nothing in Prometheus.

        VictoriaMetrics keeps a sample twice, unless it has -dedup.minScrapeInterval=1ms or more.
        A failure that may pass by itself (no connection, no answer, 429, 5xx) is tried again for
        five minutes, after pauses that grow and differ, or as long as `Retry-After` asks for.
        Raises RemoteWriteFailed.
        """
        body = encode_request(series)
        started = self.clock.monotonic()
        retry(lambda: self._post(body), partial(self._pause_after, started), self.sleep)

    def _pause_after(self, started: float, failures: Sequence[Exception]) -> float | None:
        """Return for how many seconds to pause. Raises RemoteWriteFailed when patience ends."""
        err, tries = failures[-1], len(failures)
        if not isinstance(err, _MayPass):
            return None
        pause_seconds = max(backoff_seconds(tries, _LONGEST_PAUSE_SECONDS), err.wait_seconds)
        passed = self.clock.monotonic() - started
        if passed + pause_seconds > _PATIENCE_SECONDS:
            asked = f"; it asks to wait {err.wait_seconds:.0f} s" if err.wait_seconds else ""
            raise RemoteWriteFailed(f"{err} (tries: {tries}, in {passed:.0f} s{asked})") from None
        self.report_pause(f"pausing {pause_seconds:.0f} s: {err}")
        return pause_seconds

    def _post(self, body: bytes) -> None:
        """Send one request. Raises _MayPass if the same one may be taken later."""
        try:
            response = self.session.post(
                self.url,
                data=body,
                headers=_PROTOCOL,
                auth=self._add_headers,
                timeout=self.timeout_seconds,
                allow_redirects=False,  # a redirect would carry the headers to another host
                stream=True,
            )
        except (requests.RequestException, ValueError) as err:
            # Not `from err`: it holds the whole URL, or a header that cannot be sent.
            raise self._transport_error(err) from None
        with response:
            # Of a success too: the connection is used again only if nothing is left in it.
            text = _read(response)
        if not 200 <= response.status_code < 300:
            raise self._status_error(response, text)
        if "X-Influxdb-Version" in response.headers:
            what = "is VictoriaMetrics' address for Influx: use /api/v1/write"
            raise RemoteWriteFailed(f"{show_url(self.url)} {what}")

    def _add_headers(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As `auth=` of requests: a stray .netrc could replace a header that is passed as one.
        request.headers.update(self._login() | dict(self.headers))
        return request

    def _login(self) -> dict[str, str]:
        parts = urlsplit(self.url)
        if parts.username is None:
            return {}
        userinfo = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return {"Authorization": f"Basic {base64.b64encode(userinfo.encode()).decode()}"}

    def _transport_error(self, err: Exception) -> RemoteWriteFailed:
        place, cause = show_url(self.url), cause_and_remedy(err)
        if isinstance(err, requests.Timeout):
            return _MayPass(f"no answer from {place} within {self.timeout_seconds:.15g} s")
        # What this machine's settings cause does not pass by itself.
        is_refused = isinstance(innermost(err), ssl.SSLCertVerificationError)
        if is_refused or has_remedy(err):
            return RemoteWriteFailed(f"no connection to {place}: {cause}")
        if isinstance(err, requests.ConnectionError):
            return _MayPass(f"no connection to {place}: {cause}")
        return RemoteWriteFailed(f"nothing can be sent to {place}: check the URL and the headers")

    def _status_error(self, response: requests.Response, body: str) -> RemoteWriteFailed:
        status, shown = response.status_code, self._show(body)
        text = f"{show_url(self.url)} answers {status}" + (f" ({shown})" if shown else "")
        for pattern, remedy in _CAUSES:
            if pattern.search(body):  # all of it: Thanos begins with its endpoints
                return RemoteWriteFailed(f"{text}: {remedy}")
        if status in _REMEDIES:
            text += f": {_REMEDIES[status]}"
        if status == 429 or status >= 500:
            wait_seconds = read_retry_after(response.headers, self.clock.now()) or 0.0
            return _MayPass(text, wait_seconds)
        if 300 <= status < 400:
            return RemoteWriteFailed(f"{text}: a redirect, not followed: correct the URL")
        return RemoteWriteFailed(text)

    def _show(self, body: str) -> str:
        """Return the first line of `body`, without the secrets of the request."""
        parts = urlsplit(self.url)
        written = [parts.password or "", parts.query]
        written += [pair.partition("=")[2] for pair in parts.query.split("&")]
        headers = [*self._login().values(), *self.headers.values()]
        tokens = [value.rpartition(" ")[2] for value in headers]  # without `Bearer` before it
        secrets = {*written, *map(unquote, written), *headers, *tokens} - {""}
        for secret in sorted(secrets, key=len, reverse=True):
            body = body.replace(secret, "***")
        return next(iter(body.strip().splitlines()), "")[:_SHOWN_CHARACTERS]


class SentSamples(NamedTuple):
    """How many samples the receiver took, in this run and in an earlier one that was stopped."""

    now: int
    before: int


class _Part(NamedTuple):
    """The samples of a window for a receiver, as the archive notes how much of them is sent."""

    name: str
    content: str
    requests_before: int


def estimate_sending(plan: Plan, clock: Clock, tried_samples: int = TRIED_SAMPLES) -> Estimate:
    """Return what sending `plan` takes, if the receiver is about as fast as this machine."""

    def make(series: Sequence[Series], window: Window) -> int:
        return sum(len(encode_request(each)) for each in batch(_add_samples(series, plan, window)))

    made = estimate(plan, make, clock, tried_samples)
    return made._replace(seconds=made.seconds * _SENDING_TO_MAKING)


def count_unsent(plan: Plan, archive: Archive, receiver: Receiver) -> int:
    """Return how many samples of `plan` the receiver has not taken yet, about."""
    receiver_name = archive.name_receiver(receiver.url, receiver.headers)
    unsent = 0
    for window in plan.windows():
        part = _find_part(plan, window, receiver_name, archive)
        unsent += max(plan.count_samples(window) - part.requests_before * MOST_SAMPLES, 0)
    return unsent


def send_samples(plan: Plan, archive: Archive, receiver: Receiver, advance: Advance) -> SentSamples:
    """Send the samples of `plan`, in requests that are counted: a stop loses none.

    Samples that the receiver took in a run that was stopped are not sent again; after a complete
    run, all are. `advance` counts samples. Raises RemoteWriteFailed.
    """
    now = before = 0
    place = show_url(receiver.url)
    receiver_name = archive.name_receiver(receiver.url, receiver.headers)
    for window in plan.windows():
        part = _find_part(plan, window, receiver_name, archive)
        series = _add_samples(plan.list_series(window), plan, window)
        for number, request in enumerate(batch(series), 1):
            count = sum(len(each.samples) for each in request)
            if number > part.requests_before:
                receiver.send(request)
                archive.set_output(part.name, part.content, number)
                now += count
            else:
                before += count
            advance(count, place)
    archive.forget_outputs(f"{receiver_name} ")
    return SentSamples(now, before)


def _find_part(plan: Plan, window: Window, receiver_name: str, archive: Archive) -> _Part:
    name, content = f"{receiver_name} {window.start}", plan.fingerprint(window)
    begun, done = archive.get_output(name)
    return _Part(name, content, done if begun == content else 0)


def _add_samples(found: Iterable[Series], plan: Plan, window: Window) -> Iterator[TimeSeries]:
    for series in found:
        samples = [
            (1000 * second, float(value))
            for published, value in series.values
            for second in sample_times(published, plan.step_seconds, *window)
        ]
        name = {"__name__": series.family.name}
        yield TimeSeries(name | series.labels | dict(plan.labels), samples)


def _read(response: requests.Response) -> str:
    try:
        return next(response.iter_content(_ANSWER_BYTES), b"").decode(errors="replace")
    except (requests.RequestException, ValueError):
        return ""  # the status is enough
