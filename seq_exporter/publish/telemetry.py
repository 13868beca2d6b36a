"""The exporter's own metrics, in registries of their own."""

from __future__ import annotations

import contextlib
import platform
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

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
from seq_exporter.sendgrid.transport import RateLimit, RequestObserver

_Metric = Gauge | Counter | Histogram


class _Family(NamedTuple):
    make: Callable[..., _Metric]
    labels: tuple[str, ...]
    help: str


_PollHistogram = partial(Histogram, buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600))
_RequestHistogram = partial(Histogram, buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))

#: Every metric that an event changes, by name, in the order of the page.
_FAMILIES: Mapping[str, _Family] = {
    "seq_exporter_account_up": _Family(
        Gauge, ("account",), "Whether the last poll of the account succeeded (1) or failed (0)."
    ),
    "seq_exporter_last_poll_timestamp_seconds": _Family(
        Gauge, ("account",), "When the last poll of the account ended."
    ),
    "seq_exporter_last_successful_poll_timestamp_seconds": _Family(
        Gauge, ("account",), "When the last poll of the account that succeeded ended."
    ),
    "seq_exporter_poll_duration_seconds": _Family(
        _PollHistogram,
        ("account",),
        "How long a poll of the account took, failed or not; its count is the number of polls.",
    ),
    "seq_exporter_poll_failures_total": _Family(
        Counter,
        ("account", "reason"),
        "Polls of the account that failed, by the reason of the first failure in each.",
    ),
    "seq_exporter_anomalies_total": _Family(
        Counter,
        ("account", "kind"),
        "Values from SendGrid that were not as documented, and were left out or corrected.",
    ),
    "seq_exporter_scores_restored": _Family(
        Gauge,
        ("account",),
        "Whether the account's scores are those that an earlier process saved (1), because no "
        "poll has succeeded since the start, or not (0).",
    ),
    "seq_exporter_account_series": _Family(
        Gauge, ("account",), "How many series of scores the account publishes."
    ),
    "sendgrid_seq_score_date_first_seen_timestamp_seconds": _Family(
        Gauge,
        ("account", "scope"),
        "When a poll first found the day that the published scores are for; absent if the poll "
        "before it did not look for it, as at the start.",
    ),
    "seq_exporter_state_save_failures_total": _Family(
        Counter,
        ("account",),
        "How often the scores of the account could not be written to state_dir.",
    ),
    "seq_exporter_api_requests_total": _Family(
        Counter,
        ("account", "endpoint", "code"),
        "Requests to SendGrid by HTTP status; the code error means no complete answer.",
    ),
    "seq_exporter_api_request_duration_seconds": _Family(
        _RequestHistogram,
        ("endpoint",),
        "How long a request to SendGrid took, including the body.",
    ),
    "seq_exporter_api_rate_limit": _Family(
        Gauge,
        ("account",),
        "Requests that SendGrid allows in one window, by its last response.",
    ),
    "seq_exporter_api_rate_limit_remaining": _Family(
        Gauge, ("account",), "Requests left in the current window, by SendGrid's last response."
    ),
    "seq_exporter_api_rate_limit_reset_timestamp_seconds": _Family(
        Gauge, ("account",), "When the current window ends, by SendGrid's last response."
    ),
    "seq_exporter_config_last_reload_successful": _Family(
        Gauge, (), "Whether the last reading of the configuration succeeded (1) or failed (0)."
    ),
    "seq_exporter_config_last_reload_success_timestamp_seconds": _Family(
        Gauge, (), "When the current configuration was read."
    ),
    "seq_exporter_web_config_last_reload_successful": _Family(
        Gauge,
        (),
        "Whether the last reading of the web configuration and the certificates succeeded (1) "
        "or failed (0).",
    ),
    "seq_exporter_shard_ordinal": _Family(
        Gauge, (), "The number of this process among those that share the work, counted from 0."
    ),
    "seq_exporter_shards": _Family(
        Gauge, (), "How many processes share the work; 1 if it is not shared."
    ),
    "seq_exporter_build_info": _Family(
        Gauge, ("version", "python_version"), "The running version; always 1."
    ),
}

_FIRST_SEEN = "sendgrid_seq_score_date_first_seen_timestamp_seconds"
_RATE_LIMIT = (
    "seq_exporter_api_rate_limit",
    "seq_exporter_api_rate_limit_remaining",
    "seq_exporter_api_rate_limit_reset_timestamp_seconds",
)
# An account has these, at 0, before its first poll; and each reason and kind.
_FROM_THE_START = (
    "seq_exporter_poll_duration_seconds",
    "seq_exporter_scores_restored",
    "seq_exporter_account_series",
    "seq_exporter_state_save_failures_total",
)


class _Selection(CollectorRegistry):
    """The samples of some metrics that `is_wanted`; a family without such a sample is left out."""

    def __init__(
        self,
        metrics: Iterable[Collector],
        is_wanted: Callable[[Sample], bool] = lambda sample: True,
    ) -> None:
        super().__init__()
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
        self._metrics = {
            name: family.make(name, family.help, family.labels, registry=self.registry)
            for name, family in _FAMILIES.items()
        }
        self._by_account = [
            metric for name, metric in self._metrics.items() if "account" in _FAMILIES[name].labels
        ]
        self._shared: list[Collector] = [
            *(metric for metric in self._metrics.values() if metric not in self._by_account),
            PlatformCollector(registry=self.registry),
        ]
        self._process_registry = CollectorRegistry()
        ProcessCollector(registry=self._process_registry)
        GCCollector(registry=self._process_registry)
        self._version = object()
        self._account_versions: dict[str, object] = {}
        self._rendered: dict[
            tuple[Renderer, frozenset[str] | str], tuple[object, DeflatedText]
        ] = {}
        self.write("seq_exporter_web_config_last_reload_successful", True)
        versions = {"version": __version__, "python_version": platform.python_version()}
        self.write("seq_exporter_build_info", 1, **versions)

    def render(self, render: Renderer) -> tuple[DeflatedText, bytes]:
        """Return all metrics as `render` writes them: those that events change, and the process's.

        Metrics that have not changed are not rendered again: with many accounts, that would cost a
        scrape as much as sending a large page. Call it in one thread.
        """
        text = self._render_once(render, "all", self._version, self.registry)
        return text, render(self._process_registry)

    def render_accounts(
        self, render: Renderer, accounts: Collection[str]
    ) -> tuple[DeflatedText, bytes]:
        """Return what `render` does, without the metrics of other accounts.

        The metrics of the accounts are rendered again only if one of theirs has changed. Call it in
        one thread.
        """
        names = frozenset(accounts)
        versions = tuple(self._account_versions.get(name) for name in sorted(names))
        of_accounts = _Selection(self._by_account, lambda each: each.labels["account"] in names)
        shared = _Selection(self._shared)
        parts = (
            self._render_once(render, names, versions, of_accounts),
            self._render_once(render, "shared", self._version, shared),
        )
        return DeflatedText.join(parts), render(self._process_registry)

    def _render_once(
        self,
        render: Renderer,
        selection: frozenset[str] | str,
        version: object,
        registry: CollectorRegistry,
    ) -> DeflatedText:
        """Return `registry` as `render` writes it; renders it again only if `version` is new.

        The caller reads `version` first: a change during rendering makes a new one.
        """
        rendered = self._rendered.get((render, selection))
        if rendered is None or rendered[0] != version:
            text = render(registry).removesuffix(b"# EOF\n").decode()
            rendered = version, DeflatedText.of([text])
            if len(self._rendered) >= _MOST_SELECTIONS:
                self._rendered.clear()
            self._rendered[render, selection] = rendered
        return rendered[1]

    @contextlib.contextmanager
    def change(self, account: str | None = None) -> Iterator[None]:
        """Mark a change of a metric in `registry`, of `account` or of none; wrap each in it."""
        try:
            yield
        finally:
            self._version = object()
            if account is not None:
                self._account_versions[account] = self._version

    def series(self, name: str, **labels: str) -> _Metric:
        """Return a series of the metric `name`, which begins at 0; other `labels` are ignored."""
        metric = self._metrics[name]
        values = [labels[label] for label in _FAMILIES[name].labels]
        return metric.labels(*values) if values else metric

    def write(self, name: str, value: float | None, **labels: str) -> None:
        """Set a gauge to `value`, add it to a counter, or observe it in a histogram.

        None removes the series.
        """
        if value is None:
            self._metrics[name].remove_by_labels(labels)
            return
        match self.series(name, **labels):
            case Gauge() as gauge:
                gauge.set(value)
            case Counter() as counter:
                counter.inc(value)
            case Histogram() as histogram:
                histogram.observe(value)

    def remove_account(self, account: str) -> None:
        """Remove all series of `account`."""
        for metric in self._by_account:
            metric.remove_by_labels({"account": account})

    def observe_reload(self, successful: bool, now: float) -> None:
        """Note that the configuration was read at `now`, or was rejected."""
        with self.change():
            self.write("seq_exporter_config_last_reload_successful", successful)
            if successful:
                self.write("seq_exporter_config_last_reload_success_timestamp_seconds", now)

    def observe_shard(self, shard: Shard) -> None:
        """Note which part of the work this process does."""
        with self.change():
            self.write("seq_exporter_shard_ordinal", shard.ordinal)
            self.write("seq_exporter_shards", shard.total)

    def observe_web_reload(self, successful: bool) -> None:
        """Note that the web configuration was read, or was rejected."""
        with self.change():
            self.write("seq_exporter_web_config_last_reload_successful", successful)


class AccountTelemetry(RequestObserver):
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
            for reason in POLL_FAILURE_REASONS:
                telemetry.series("seq_exporter_poll_failures_total", account=account, reason=reason)
            for kind in ANOMALY_KINDS:
                telemetry.series("seq_exporter_anomalies_total", account=account, kind=kind)
            for name in _FROM_THE_START:
                telemetry.series(name, account=account)

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Count a request to SendGrid; `code` is its HTTP status, or `error`."""
        with self._writing() as write:
            write("seq_exporter_api_requests_total", 1, endpoint=endpoint, code=code)
            write("seq_exporter_api_request_duration_seconds", seconds, endpoint=endpoint)

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Note the rate limit of a response; a header that it lacks keeps its last value."""
        with self._writing() as write:
            for name, value in zip(_RATE_LIMIT, rate_limit, strict=True):
                if value is not None:
                    write(name, value)

    def observe_poll(
        self, now: float, seconds: float, failure: str | None, anomalies: Mapping[str, int]
    ) -> None:
        """Note that a poll ended at `now` after `seconds`.

        `failure` is its reason if it failed; `anomalies` are counts by kind.
        """
        with self._writing() as write:
            write("seq_exporter_account_up", failure is None)
            write("seq_exporter_last_poll_timestamp_seconds", now)
            write("seq_exporter_poll_duration_seconds", seconds)
            if failure is None:
                write("seq_exporter_scores_restored", False)
                write("seq_exporter_last_successful_poll_timestamp_seconds", now)
            else:
                write("seq_exporter_poll_failures_total", 1, reason=failure)
            for kind, count in anomalies.items():
                write("seq_exporter_anomalies_total", count, kind=kind)

    def observe_series(self, count: int) -> None:
        """Note how many series of scores the account publishes."""
        with self._writing() as write:
            write("seq_exporter_account_series", count)

    def observe_new_day(self, scope: str, first_seen: float | None) -> None:
        """Note when the published day was first seen; None if the poll before did not look."""
        with self._writing() as write:
            write(_FIRST_SEEN, first_seen, scope=scope)

    def observe_restore(self) -> None:
        """Note that the published scores were saved by an earlier process."""
        with self._writing() as write:
            write("seq_exporter_scores_restored", True)

    def observe_save_failure(self) -> None:
        """Note that the scores could not be saved."""
        with self._writing() as write:
            write("seq_exporter_state_save_failures_total", 1)

    def close(self) -> None:
        """Remove the account's metrics for good."""
        with self._lock, self._telemetry.change(self._account):
            if not self._is_closed:  # a new account of the same name may have metrics by now
                self._is_closed = True
                self._telemetry.remove_account(self._account)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Callable[..., None]]:
        """Yield what writes a metric of the account, and nothing once this is closed."""
        with self._lock, self._telemetry.change(self._account):
            write = partial(self._telemetry.write, account=self._account)
            yield write if not self._is_closed else lambda *_, **labels: None
