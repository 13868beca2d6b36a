"""The exporter's own metrics, in registries of their own."""

from __future__ import annotations

import contextlib
import platform
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

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
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from seq_exporter import __version__
from seq_exporter.config.shard import Shard
from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.sendgrid.parsing import ANOMALY_KINDS
from seq_exporter.sendgrid.transport import RateLimit

_POLL_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_REQUEST_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_Metric = TypeVar("_Metric", Gauge, Counter, Histogram)


class MetricFactory:
    """Makes metrics in one registry, and lists those labelled by account and the others."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.by_account: list[Gauge | Counter | Histogram] = []
        self.shared: list[Collector] = []

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
        (self.by_account if "account" in labels else self.shared).append(metric)
        return metric


class PollMetrics:
    """The polls of each account."""

    def __init__(self, make: MetricFactory) -> None:
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
            "How long a poll of the account took, failed or not; its count is the number of polls.",
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
            "Values from SendGrid that were not as documented, and were left out or corrected.",
            "account",
            "kind",
        )


class ScoreMetrics:
    """The published scores of each account."""

    def __init__(self, make: MetricFactory) -> None:
        self.restored = make.gauge(
            "seq_exporter_scores_restored",
            "Whether the account's scores are those that an earlier process saved (1), because no "
            "poll has succeeded since the start, or not (0).",
            "account",
        )
        self.series = make.gauge(
            "seq_exporter_account_series",
            "How many series of scores the account publishes.",
            "account",
        )
        self.day_first_seen = make.gauge(
            "sendgrid_seq_score_date_first_seen_timestamp_seconds",
            "When a poll first found the day that the published scores are for; absent if the poll "
            "before it did not look for it, as at the start.",
            "account",
            "scope",
        )
        self.save_failures = make.counter(
            "seq_exporter_state_save_failures_total",
            "How often the scores of the account could not be written to state_dir.",
            "account",
        )


class RequestMetrics:
    """The requests to SendGrid and its answers."""

    def __init__(self, make: MetricFactory) -> None:
        self.total = make.counter(
            "seq_exporter_api_requests_total",
            "Requests to SendGrid by HTTP status; the code error means no complete answer.",
            "account",
            "endpoint",
            "code",
        )
        self.duration = make.histogram(
            "seq_exporter_api_request_duration_seconds",
            "How long a request to SendGrid took, including the body.",
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
            "Requests left in the current window, by SendGrid's last response.",
            "account",
        )
        self.reset = make.gauge(
            "seq_exporter_api_rate_limit_reset_timestamp_seconds",
            "When the current window ends, by SendGrid's last response.",
            "account",
        )


class _Selection(Collector):
    """The samples of some metrics that `is_wanted`; a family without such a sample is left out."""

    def __init__(
        self,
        metrics: Sequence[Collector],
        is_wanted: Callable[[Sample], bool] = lambda sample: True,
    ) -> None:
        self._metrics = metrics
        self._is_wanted = is_wanted

    def collect(self) -> Iterator[Metric]:
        for metric in self._metrics:
            for family in metric.collect():
                family.samples = list(filter(self._is_wanted, family.samples))
                if family.samples:
                    yield family


#: Renders a registry in one of the exposition formats.
Renderer = Callable[[CollectorRegistry], bytes]

# How many selections of accounts stay rendered: each takes a few kilobytes.
_MOST_SELECTIONS = 4096


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
        self._account_versions: dict[str, object] = {}
        self._selections: dict[
            tuple[Renderer, frozenset[str] | None], tuple[object, DeflatedText]
        ] = {}
        make = MetricFactory(self.registry)
        self.polls = PollMetrics(make)
        self.scores = ScoreMetrics(make)
        self.requests = RequestMetrics(make)
        self.by_account = tuple(make.by_account)
        self._shared: list[Collector] = make.shared  # gets the gauges below, too
        self._reload_successful = make.gauge(
            "seq_exporter_config_last_reload_successful",
            "Whether the last reading of the configuration succeeded (1) or failed (0).",
        )
        self._reload_success_time = make.gauge(
            "seq_exporter_config_last_reload_success_timestamp_seconds",
            "When the current configuration was read.",
        )
        self._web_reload_successful = make.gauge(
            "seq_exporter_web_config_last_reload_successful",
            "Whether the last reading of the web configuration and the certificates succeeded (1) "
            "or failed (0).",
        )
        self._web_reload_successful.set(1)
        self._shard_ordinal = make.gauge(
            "seq_exporter_shard_ordinal",
            "The number of this process among those that share the work, counted from 0.",
        )
        self._shards = make.gauge(
            "seq_exporter_shards", "How many processes share the work; 1 if it is not shared."
        )
        build = make.gauge(
            "seq_exporter_build_info", "The running version; always 1.", "version", "python_version"
        )
        build.labels(__version__, platform.python_version()).set(1)
        ProcessCollector(registry=self._process_registry)
        self._shared.append(PlatformCollector(registry=self.registry))
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

    def render_accounts(
        self, render: Renderer, accounts: Collection[str]
    ) -> tuple[DeflatedText, bytes]:
        """Return what `render` does, without the metrics of other accounts.

        The metrics of the accounts are rendered again only if one of theirs has changed. Call it in
        one thread.
        """
        names = frozenset(accounts)
        # Read first, as in `render`.
        versions = tuple(self._account_versions.get(name) for name in sorted(names))
        of_accounts = _Selection(self.by_account, lambda each: each.labels["account"] in names)
        parts = (
            self._select(render, names, versions, of_accounts),
            self._select(render, None, self._version, _Selection(self._shared)),
        )
        return DeflatedText.join(parts), render(self._process_registry)

    def _select(
        self,
        render: Renderer,
        accounts: frozenset[str] | None,
        version: object,
        selection: _Selection,
    ) -> DeflatedText:
        """Return `selection` as `render` writes it; None for the metrics of no account."""
        selected = self._selections.get((render, accounts))
        if selected is None or selected[0] != version:
            registry = CollectorRegistry()
            registry.register(selection)
            text = render(registry).removesuffix(b"# EOF\n").decode()
            selected = version, DeflatedText.of([text])
            if len(self._selections) >= _MOST_SELECTIONS:
                self._selections.clear()
            self._selections[render, accounts] = selected
        return selected[1]

    @contextlib.contextmanager
    def change(self, account: str | None = None) -> Iterator[None]:
        """Mark a change of a metric in `registry`, of `account` or of none; wrap each in it."""
        try:
            yield
        finally:
            self._version = object()
            if account is not None:
                self._account_versions[account] = self._version

    def observe_reload(self, successful: bool, now: float) -> None:
        """Note that the configuration was read at `now`, or was rejected."""
        with self.change():
            self._reload_successful.set(successful)
            if successful:
                self._reload_success_time.set(now)

    def observe_shard(self, shard: Shard) -> None:
        """Note which part of the work this process does."""
        with self.change():
            self._shard_ordinal.set(shard.ordinal)
            self._shards.set(shard.total)

    def observe_web_reload(self, successful: bool) -> None:
        """Note that the web configuration was read, or was rejected."""
        with self.change():
            self._web_reload_successful.set(successful)


class AccountTelemetry:
    """Writes the metrics of one account until it is closed, which removes them.

    A poll that still runs in another thread when its account is removed would otherwise bring them
    back.
    """

    def __init__(self, telemetry: Telemetry, account: str) -> None:
        self._telemetry = telemetry
        self._account = account
        self._lock = threading.Lock()
        self._is_closed = False
        with telemetry.change(account):
            telemetry.polls.duration.labels(account)
            for reason in POLL_FAILURE_REASONS:
                telemetry.polls.failures.labels(account, reason)
            for kind in ANOMALY_KINDS:
                telemetry.polls.anomalies.labels(account, kind)
            telemetry.scores.restored.labels(account)
            telemetry.scores.series.labels(account)
            telemetry.scores.save_failures.labels(account)

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Count a request to SendGrid; `code` is its HTTP status, or `error`."""
        requests = self._telemetry.requests
        with self._writing() as is_open:
            if is_open:
                requests.total.labels(self._account, endpoint, code).inc()
                requests.duration.labels(endpoint).observe(seconds)

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Note the rate limit of a response; a header that it lacks keeps its last value."""
        requests = self._telemetry.requests
        gauges = (requests.limit, requests.remaining, requests.reset)
        with self._writing() as is_open:
            for gauge, value in zip(gauges, rate_limit, strict=True):
                if value is not None and is_open:
                    gauge.labels(self._account).set(value)

    def observe_poll(
        self, now: float, seconds: float, failure: str | None, anomalies: Mapping[str, int]
    ) -> None:
        """Note that a poll ended at `now` after `seconds`.

        `failure` is its reason if it failed; `anomalies` are counts by kind.
        """
        polls = self._telemetry.polls
        with self._writing() as is_open:
            if not is_open:
                return
            polls.account_up.labels(self._account).set(failure is None)
            polls.last_poll.labels(self._account).set(now)
            polls.duration.labels(self._account).observe(seconds)
            if failure is None:
                self._telemetry.scores.restored.labels(self._account).set(0)
                polls.last_successful_poll.labels(self._account).set(now)
            else:
                polls.failures.labels(self._account, failure).inc()
            for kind, count in anomalies.items():
                polls.anomalies.labels(self._account, kind).inc(count)

    def observe_series(self, count: int) -> None:
        """Note how many series of scores the account publishes."""
        with self._writing() as is_open:
            if is_open:
                self._telemetry.scores.series.labels(self._account).set(count)

    def observe_new_day(self, scope: str, first_seen: float | None) -> None:
        """Note when the published day was first seen; None if the poll before did not look."""
        gauge = self._telemetry.scores.day_first_seen
        with self._writing() as is_open:
            if is_open and first_seen is not None:
                gauge.labels(self._account, scope).set(first_seen)
            elif is_open:
                gauge.remove_by_labels({"account": self._account, "scope": scope})

    def observe_restore(self) -> None:
        """Note that the published scores were saved by an earlier process."""
        with self._writing() as is_open:
            if is_open:
                self._telemetry.scores.restored.labels(self._account).set(1)

    def observe_save_failure(self) -> None:
        """Note that the scores could not be saved."""
        with self._writing() as is_open:
            if is_open:
                self._telemetry.scores.save_failures.labels(self._account).inc()

    def close(self) -> None:
        """Remove the account's metrics for good."""
        with self._writing() as is_open:
            if not is_open:
                return  # a new account of the same name may have metrics by now
            self._is_closed = True
            for metric in self._telemetry.by_account:
                metric.remove_by_labels({"account": self._account})

    @contextlib.contextmanager
    def _writing(self) -> Iterator[bool]:
        with self._lock, self._telemetry.change(self._account):
            yield not self._is_closed
