"""The families of the exporter's own metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_POLL_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_REQUEST_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_Metric = TypeVar("_Metric", Gauge, Counter, Histogram)


class Instruments:
    """Makes metrics in one registry, and remembers those that have a series for each account."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.by_account: list[Gauge | Counter | Histogram] = []

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """Make a gauge."""
        return self._note(Gauge(name, text, labels, registry=self._registry), labels)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Make a counter."""
        return self._note(Counter(name, text, labels, registry=self._registry), labels)

    def histogram(self, name: str, text: str, *labels: str, buckets: Sequence[float]) -> Histogram:
        """Make a histogram."""
        made = Histogram(name, text, labels, registry=self._registry, buckets=buckets)
        return self._note(made, labels)

    def _note(self, metric: _Metric, labels: tuple[str, ...]) -> _Metric:
        if "account" in labels:
            self.by_account.append(metric)
        return metric


class PollMetrics:
    """How the polls of each account go."""

    def __init__(self, make: Instruments) -> None:
        self.account_up = make.gauge(
            "seq_exporter_account_up",
            "Whether the last poll of the account succeeded (1) or failed (0).",
            "account",
        )
        self.last_poll = make.gauge(
            "seq_exporter_last_poll_timestamp_seconds",
            "When the last poll of the account ended.",
            "account",
        )
        self.last_successful_poll = make.gauge(
            "seq_exporter_last_successful_poll_timestamp_seconds",
            "When the last poll of the account that succeeded ended.",
            "account",
        )
        self.duration = make.histogram(
            "seq_exporter_poll_duration_seconds",
            "How long a poll of the account took, good or bad; its count is the number of polls.",
            "account",
            buckets=_POLL_BUCKETS,
        )
        self.failures = make.counter(
            "seq_exporter_poll_failures_total",
            "Polls of the account that failed, by the reason of the first failure in each.",
            "account",
            "reason",
        )
        self.anomalies = make.counter(
            "seq_exporter_anomalies_total",
            "Values from SendGrid that were not as documented, and were left out or put right.",
            "account",
            "kind",
        )


class ScoreMetrics:
    """What becomes of the scores of each account."""

    def __init__(self, make: Instruments) -> None:
        self.restored = make.gauge(
            "seq_exporter_scores_restored",
            "Whether the account's scores are those that an earlier process saved (1), as no poll "
            "has succeeded since the start, or not (0).",
            "account",
        )
        self.series = make.gauge(
            "seq_exporter_account_series",
            "How many series of scores the account has on the page.",
            "account",
        )
        self.day_first_seen = make.gauge(
            "sendgrid_seq_score_date_first_seen_timestamp_seconds",
            "When a poll first found the day that the published scores are for; absent where the "
            "poll before it did not look, as at the start.",
            "account",
            "scope",
        )
        self.save_failures = make.counter(
            "seq_exporter_state_save_failures_total",
            "How often the scores of the account could not be written to state_dir.",
            "account",
        )


class RequestMetrics:
    """What is asked of SendGrid, and what it answers."""

    def __init__(self, make: Instruments) -> None:
        self.total = make.counter(
            "seq_exporter_api_requests_total",
            "Requests to SendGrid by HTTP status; the code error stands for no whole answer.",
            "account",
            "endpoint",
            "code",
        )
        self.duration = make.histogram(
            "seq_exporter_api_request_duration_seconds",
            "How long a request to SendGrid took, its body included.",
            "endpoint",
            buckets=_REQUEST_BUCKETS,
        )
        self.limit = make.gauge(
            "seq_exporter_api_rate_limit",
            "Requests that SendGrid allows in one window, by its last response.",
            "account",
        )
        self.remaining = make.gauge(
            "seq_exporter_api_rate_limit_remaining",
            "Requests left in the present window, by SendGrid's last response.",
            "account",
        )
        self.reset = make.gauge(
            "seq_exporter_api_rate_limit_reset_timestamp_seconds",
            "When the present window ends, by SendGrid's last response.",
            "account",
        )
