"""The metrics about polls and requests: what they mean, their numbers, and the lines of these."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from prometheus_client.metrics_core import Metric

from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.publish.lines import format_number, format_series
from seq_exporter.sendgrid.anomalies import ANOMALY_KINDS

#: Label values, in the order of their labels.
LabelValues = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A metric about the exporter, with its label names in alphabetical order.

    `buckets` are the upper bounds of a histogram. The series in `start` are there, at 0, before
    anything is observed; they are given by their labels after `account`.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    start: tuple[LabelValues, ...] = ()

    def describe(self) -> Metric:
        """Return the metric as prometheus-client knows it, without samples."""
        return Metric(self.name.removesuffix("_total"), self.help, self.kind)


_POLL_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, math.inf)
_REQUEST_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, math.inf)

# One series of an account, which is there from the start.
_ONE: tuple[LabelValues, ...] = ((),)

REQUEST_DURATION = OwnMetric(
    "seq_exporter_api_request_duration_seconds",
    "histogram",
    ("endpoint",),
    "How long a request to SendGrid took, including the body.",
    _REQUEST_BUCKETS,
)

#: Every metric of polls and requests, in the order of the page.
OWN_METRICS: tuple[OwnMetric, ...] = (
    OwnMetric(
        "seq_exporter_account_up",
        "gauge",
        ("account",),
        "Whether the last poll of the account succeeded (1) or failed (0).",
    ),
    OwnMetric(
        "seq_exporter_last_poll_timestamp_seconds",
        "gauge",
        ("account",),
        "When the last poll of the account ended.",
    ),
    OwnMetric(
        "seq_exporter_last_successful_poll_timestamp_seconds",
        "gauge",
        ("account",),
        "When the last poll of the account that succeeded ended.",
    ),
    OwnMetric(
        "seq_exporter_poll_duration_seconds",
        "histogram",
        ("account",),
        "How long a poll of the account took, failed or not; its count is the number of polls.",
        _POLL_BUCKETS,
        start=_ONE,
    ),
    OwnMetric(
        "seq_exporter_poll_failures_total",
        "counter",
        ("account", "reason"),
        "Polls of the account that failed, by the reason of the first failure in each.",
        start=tuple((reason,) for reason in POLL_FAILURE_REASONS),
    ),
    OwnMetric(
        "seq_exporter_anomalies_total",
        "counter",
        ("account", "kind"),
        "Values from SendGrid that were not as documented, and were left out or corrected.",
        start=tuple((kind,) for kind in ANOMALY_KINDS),
    ),
    OwnMetric(
        "seq_exporter_scores_restored",
        "gauge",
        ("account",),
        "Whether the account's scores are those that an earlier process saved (1), because no "
        "poll has succeeded since the start, or not (0).",
        start=_ONE,
    ),
    OwnMetric(
        "seq_exporter_account_series",
        "gauge",
        ("account",),
        "How many series of scores the account publishes.",
        start=_ONE,
    ),
    OwnMetric(
        "sendgrid_seq_score_date_first_seen_timestamp_seconds",
        "gauge",
        ("account", "scope"),
        "When a poll first found the day that the published scores are for; absent if the poll "
        "before it did not look for it, as at the start.",
    ),
    OwnMetric(
        "seq_exporter_state_save_failures_total",
        "counter",
        ("account",),
        "How often the scores of the account could not be written to state_dir.",
        start=_ONE,
    ),
    OwnMetric(
        "seq_exporter_api_requests_total",
        "counter",
        ("account", "code", "endpoint"),
        "Requests to SendGrid by HTTP status; the code error means no complete answer.",
    ),
    REQUEST_DURATION,
    OwnMetric(
        "seq_exporter_api_rate_limit",
        "gauge",
        ("account",),
        "Requests that SendGrid allows in one window, by its last response.",
    ),
    OwnMetric(
        "seq_exporter_api_rate_limit_remaining",
        "gauge",
        ("account",),
        "Requests left in the current window, by SendGrid's last response.",
    ),
    OwnMetric(
        "seq_exporter_api_rate_limit_reset_timestamp_seconds",
        "gauge",
        ("account",),
        "When the current window ends, by SendGrid's last response.",
    ),
)

_BY_NAME = {metric.name: metric for metric in OWN_METRICS}
_OF_ACCOUNTS = [metric for metric in OWN_METRICS if metric.labels[0] == "account"]


class _Histogram(NamedTuple):
    """How many of the observed values are in each bucket, and their sum."""

    counts: tuple[int, ...]
    sum: float

    def add(self, value: float, buckets: tuple[float, ...]) -> _Histogram:
        """Return the histogram with one more value."""
        bucket = bisect_left(buckets, value)
        counts = (count + (number == bucket) for number, count in enumerate(self.counts))
        return _Histogram(tuple(counts), self.sum + value)


_Number = float | _Histogram


class Numbers:
    """The values of some metrics, and their text, which is made again only where one has changed.

    Plain numbers: with a prometheus-client object for each series, a thousand accounts took 30 MB,
    and 0.6 s to render.
    """

    def __init__(self, account: str | None = None) -> None:
        """Hold the metrics of `account`, or those of none."""
        self._account = () if account is None else (account,)
        metrics = [REQUEST_DURATION] if account is None else _OF_ACCOUNTS
        self._series: dict[str, dict[LabelValues, _Number]] = {
            metric.name: {labels: _zero(metric) for labels in metric.start} for metric in metrics
        }
        self._changed = set(self._series)
        self._texts: Mapping[str, str] = {}

    def write(self, name: str, value: float | None, *labels: str) -> None:
        """Set a gauge to `value`, add it to a counter, or observe it in a histogram.

        `labels` are the values of its labels after `account`. None removes the series.
        """
        series = self._series[name]
        held = series.get(labels)
        if value is None:
            series.pop(labels, None)
        else:
            series[labels] = _change(_BY_NAME[name], held, value)
        if series.get(labels) != held:
            self._changed.add(name)

    def render(self) -> Mapping[str, str]:
        """Return the lines of each metric that has any, by its name.

        It is the same object as before if nothing has changed.
        """
        if self._changed:
            texts = {**self._texts, **{name: self._render(name) for name in self._changed}}
            self._texts = {name: text for name, text in texts.items() if text}
            self._changed = set()
        return self._texts

    def _render(self, name: str) -> str:
        metric = _BY_NAME[name]
        lines: list[str] = []
        for values, value in self._series[name].items():
            labels = list(zip(metric.labels, (*self._account, *values), strict=True))
            samples = (
                _histogram_samples(metric, value, labels)
                if isinstance(value, _Histogram)
                else [(name, labels, value)]
            )
            lines += [
                f"{format_series(sample, pairs)} {format_number(number)}\n"
                for sample, pairs, number in samples
            ]
        return "".join(lines)


_Labels = list[tuple[str, str]]


def _histogram_samples(
    metric: OwnMetric, histogram: _Histogram, labels: _Labels
) -> Iterable[tuple[str, _Labels, float]]:
    for bound, count in zip(metric.buckets, accumulate(histogram.counts), strict=True):
        yield f"{metric.name}_bucket", [*labels, ("le", format_number(bound))], count
    yield f"{metric.name}_count", labels, sum(histogram.counts)
    yield f"{metric.name}_sum", labels, histogram.sum


def _zero(metric: OwnMetric) -> _Number:
    return _Histogram((0,) * len(metric.buckets), 0.0) if metric.kind == "histogram" else 0.0


def _change(metric: OwnMetric, held: _Number | None, value: float) -> _Number:
    """Return the number of a series that is `held` so far, once `value` is written to it."""
    if metric.kind == "gauge":
        return float(value)
    before = _zero(metric) if held is None else held
    return before.add(value, metric.buckets) if isinstance(before, _Histogram) else before + value
