"""The exporter's own metrics, in registries of their own."""

from __future__ import annotations

import contextlib
import platform
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector

from seq_exporter import __version__
from seq_exporter.config.shard import Shard
from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.sendgrid.parsing import ANOMALY_KINDS
from seq_exporter.sendgrid.transport import RateLimit

_POLL_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_REQUEST_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_Metric = TypeVar("_Metric", Gauge, Counter, Histogram)


class _Metrics:
    """Every metric that changes only with an event, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._of_account: list[Gauge | Counter | Histogram] = []

        def of_account(
            kind: type[_Metric], name: str, text: str, *labels: str, **options: Any
        ) -> _Metric:
            made = kind(name, text, ("account", *labels), registry=registry, **options)
            self._of_account.append(made)
            return made

        account_gauge, account_counter = partial(of_account, Gauge), partial(of_account, Counter)
        gauge = partial(Gauge, registry=registry)
        self.account_up = account_gauge(
            "seq_exporter_account_up",
            "Whether the last poll of the account succeeded (1) or failed (0).",
        )
        self.last_poll = account_gauge(
            "seq_exporter_last_poll_timestamp_seconds",
            "When the last poll of the account ended.",
        )
        self.last_successful_poll = account_gauge(
            "seq_exporter_last_successful_poll_timestamp_seconds",
            "When the last poll of the account that succeeded ended.",
        )
        self.poll_duration = of_account(
            Histogram,
            "seq_exporter_poll_duration_seconds",
            "How long a poll of the account took, failed or not; its count is the number of polls.",
            buckets=_POLL_BUCKETS,
        )
        self.failures = account_counter(
            "seq_exporter_poll_failures_total",
            "Polls of the account that failed, by the reason of the first failure in each.",
            "reason",
        )
        self.anomalies = account_counter(
            "seq_exporter_anomalies_total",
            "Values from SendGrid that were not as documented, and were left out or corrected.",
            "kind",
        )
        self.restored = account_gauge(
            "seq_exporter_scores_restored",
            "Whether the account's scores are those that an earlier process saved (1), because no "
            "poll has succeeded since the start, or not (0).",
        )
        self.series = account_gauge(
            "seq_exporter_account_series",
            "How many series of scores the account publishes.",
        )
        self.day_first_seen = account_gauge(
            "sendgrid_seq_score_date_first_seen_timestamp_seconds",
            "When a poll first found the day that the published scores are for; absent if the poll "
            "before it did not look for it, as at the start.",
            "scope",
        )
        self.save_failures = account_counter(
            "seq_exporter_state_save_failures_total",
            "How often the scores of the account could not be written to state_dir.",
        )
        self.requests = account_counter(
            "seq_exporter_api_requests_total",
            "Requests to SendGrid by HTTP status; the code error means no complete answer.",
            "endpoint",
            "code",
        )
        self.request_duration = Histogram(
            "seq_exporter_api_request_duration_seconds",
            "How long a request to SendGrid took, including the body.",
            ("endpoint",),
            registry=registry,
            buckets=_REQUEST_BUCKETS,
        )
        self.rate_limit = account_gauge(
            "seq_exporter_api_rate_limit",
            "Requests that SendGrid allows in one window, by its last response.",
        )
        self.rate_limit_remaining = account_gauge(
            "seq_exporter_api_rate_limit_remaining",
            "Requests left in the current window, by SendGrid's last response.",
        )
        self.rate_limit_reset = account_gauge(
            "seq_exporter_api_rate_limit_reset_timestamp_seconds",
            "When the current window ends, by SendGrid's last response.",
        )
        self.reload_successful = gauge(
            "seq_exporter_config_last_reload_successful",
            "Whether the last reading of the configuration succeeded (1) or failed (0).",
        )
        self.reload_success_time = gauge(
            "seq_exporter_config_last_reload_success_timestamp_seconds",
            "When the current configuration was read.",
        )
        self.web_reload_successful = gauge(
            "seq_exporter_web_config_last_reload_successful",
            "Whether the last reading of the web configuration and the certificates succeeded (1) "
            "or failed (0).",
        )
        self.web_reload_successful.set(1)
        self.shard_ordinal = gauge(
            "seq_exporter_shard_ordinal",
            "The number of this process among those that share the work, counted from 0.",
        )
        self.shards = gauge(
            "seq_exporter_shards", "How many processes share the work; 1 if it is not shared."
        )
        build = gauge(
            "seq_exporter_build_info",
            "The running version; always 1.",
            ("version", "python_version"),
        )
        build.labels(__version__, platform.python_version()).set(1)

    def forget(self, account: str) -> None:
        """Remove the series of the account."""
        for metric in self._of_account:
            metric.remove_by_labels({"account": account})


#: Renders a registry in one of the exposition formats.
Renderer = Callable[[CollectorRegistry], bytes]


class Telemetry:
    """The exporter's own metrics; an AccountTelemetry writes those of each account.

    Wall times are epoch seconds. Two lines of the exposition:

        seq_exporter_account_up{account="acme"} 1.0
        seq_exporter_poll_failures_total{account="acme",reason="timeout"} 0.0
    """

    def __init__(self) -> None:
        # A `_created` series for each counter would double the page, and nobody uses it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        #: Metrics that change only with an event.
        self.registry = CollectorRegistry()
        self._process_registry = CollectorRegistry()
        self._version = object()
        self._rendered: Mapping[Renderer, tuple[object, DeflatedText]] = {}
        self.metrics = _Metrics(self.registry)
        ProcessCollector(registry=self._process_registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self._process_registry)

    def render(self, render: Renderer) -> tuple[DeflatedText, bytes]:
        """Return all metrics as `render` writes them: those that events change, and the process's.

        Metrics that have not changed are not rendered again: with many accounts, that would cost a
        scrape as much as sending a large page.
        """
        version = self._version  # read first: a change during rendering makes a new version
        rendered = self._rendered.get(render)
        if rendered is None or rendered[0] is not version:
            text = render(self.registry).removesuffix(b"# EOF\n").decode()
            rendered = version, DeflatedText.of([text])
            self._rendered = {**self._rendered, render: rendered}
        return rendered[1], render(self._process_registry)

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """Mark a change of a metric in `registry`; wrap every change in it."""
        try:
            yield
        finally:
            self._version = object()

    def observe_reload(self, successful: bool, now: float) -> None:
        """Note that the configuration was read at `now`, or was rejected."""
        with self.change():
            self.metrics.reload_successful.set(successful)
            if successful:
                self.metrics.reload_success_time.set(now)

    def observe_shard(self, shard: Shard) -> None:
        """Note which part of the work this process does."""
        with self.change():
            self.metrics.shard_ordinal.set(shard.ordinal)
            self.metrics.shards.set(shard.total)

    def observe_web_reload(self, successful: bool) -> None:
        """Note that the web configuration was read, or was rejected."""
        with self.change():
            self.metrics.web_reload_successful.set(successful)


class AccountTelemetry:
    """Writes the metrics of one account until it is closed, which removes them.

    A poll that still runs in another thread when its account is removed would otherwise bring them
    back.
    """

    def __init__(self, telemetry: Telemetry, account: str) -> None:
        self._telemetry = telemetry
        self._metrics = telemetry.metrics
        self._account = account
        self._lock = threading.Lock()
        with self._writing() as metrics:
            for each in (
                metrics.poll_duration,
                metrics.restored,
                metrics.series,
                metrics.save_failures,
            ):
                each.labels(account)
            for reason in POLL_FAILURE_REASONS:
                metrics.failures.labels(account, reason)
            for kind in ANOMALY_KINDS:
                metrics.anomalies.labels(account, kind)

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Count a request to SendGrid; `code` is its HTTP status, or `error`."""
        with self._writing() as metrics:
            metrics.requests.labels(self._account, endpoint, code).inc()
            metrics.request_duration.labels(endpoint).observe(seconds)

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Note the rate limit of a response; a header that it lacks keeps its last value."""
        with self._writing() as metrics:
            gauges = (metrics.rate_limit, metrics.rate_limit_remaining, metrics.rate_limit_reset)
            for gauge, value in zip(gauges, rate_limit, strict=True):
                if value is not None:
                    gauge.labels(self._account).set(value)

    def observe_poll(
        self, now: float, seconds: float, failure: str | None, anomalies: Mapping[str, int]
    ) -> None:
        """Note that a poll ended at `now` after `seconds`.

        `failure` is its reason if it failed; `anomalies` are counts by kind.
        """
        with self._writing() as metrics:
            metrics.account_up.labels(self._account).set(failure is None)
            metrics.last_poll.labels(self._account).set(now)
            metrics.poll_duration.labels(self._account).observe(seconds)
            if failure is None:
                metrics.restored.labels(self._account).set(0)
                metrics.last_successful_poll.labels(self._account).set(now)
            else:
                metrics.failures.labels(self._account, failure).inc()
            for kind, count in anomalies.items():
                metrics.anomalies.labels(self._account, kind).inc(count)

    def observe_series(self, count: int) -> None:
        """Note how many series of scores the account publishes."""
        with self._writing() as metrics:
            metrics.series.labels(self._account).set(count)

    def observe_new_day(self, scope: str, first_seen: float | None) -> None:
        """Note when the published day was first seen; None if the poll before did not look."""
        with self._writing() as metrics:
            gauge = metrics.day_first_seen
            if first_seen is not None:
                gauge.labels(self._account, scope).set(first_seen)
            else:
                gauge.remove_by_labels({"account": self._account, "scope": scope})

    def observe_restore(self) -> None:
        """Note that the published scores were saved by an earlier process."""
        with self._writing() as metrics:
            metrics.restored.labels(self._account).set(1)

    def observe_save_failure(self) -> None:
        """Note that the scores could not be saved."""
        with self._writing() as metrics:
            metrics.save_failures.labels(self._account).inc()

    def close(self) -> None:
        """Remove the account's metrics for good; what is written later, nobody sees.

        Closing again removes nothing: a new account of the same name may have metrics by now.
        """
        with self._writing() as metrics:
            metrics.forget(self._account)
            self._metrics = _Metrics(CollectorRegistry())

    @contextlib.contextmanager
    def _writing(self) -> Iterator[_Metrics]:
        with self._lock, self._telemetry.change():
            yield self._metrics
