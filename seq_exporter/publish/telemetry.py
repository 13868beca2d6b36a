"""The exporter's own metrics: those of each account, and those of the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from prometheus_client.metrics_core import Metric

from seq_exporter.config.shard import Shard
from seq_exporter.publish.account_pieces import AccountPieces
from seq_exporter.publish.changes import Changes
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.formats import FORMATS, Format
from seq_exporter.publish.joined_accounts import Joined, JoinedAccounts, merge_texts
from seq_exporter.publish.own_metrics import OWN_METRICS, REQUEST_DURATION, Numbers
from seq_exporter.publish.process_metrics import ProcessMetrics
from seq_exporter.sendgrid.observer import RateLimit, RequestObserver

_FIRST_SEEN = "sendgrid_seq_score_date_first_seen_timestamp_seconds"
_RATE_LIMIT = (
    "seq_exporter_api_rate_limit",
    "seq_exporter_api_rate_limit_remaining",
    "seq_exporter_api_rate_limit_reset_timestamp_seconds",
)

# A metric, its value, and the values of its labels after `account`.
_Change = tuple[str, float | None] | tuple[str, float | None, *tuple[str, ...]]

# A long poll publishes what it has observed so often. A short one does so at its end, at once.
_PUBLISH_SECONDS = 1.0

# How many selections of accounts stay rendered: each takes a few kilobytes.
_MOST_SELECTIONS = 4096


class Telemetry:
    """The exporter's own metrics; an AccountTelemetry writes those of each account.

    Wall times are epoch seconds. Two lines of the exposition:

        seq_exporter_account_up{account="acme"} 1.0
        seq_exporter_poll_failures_total{account="acme",reason="timeout"} 0.0

    The thread that changes an account's metrics renders them, and joins them to those of the other
    accounts. A scrape finds them ready.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        #: The clock of what waits to be published.
        self.monotonic = monotonic
        self._headers = {each: _write_headers(each) for each in FORMATS}
        self._accounts: dict[str, AccountTelemetry] = {}
        self._changing = threading.Lock()
        self._texts = AccountPieces(_compress, self._changing)  # the lines of their metrics
        self._durations = Numbers()
        self._changing_durations = threading.Lock()
        self._changes = Changes(self._publish)
        self._selections: dict[
            tuple[Format, frozenset[str]], tuple[list[Mapping[str, str]], DeflatedText]
        ] = {}
        self._process = ProcessMetrics(monotonic)
        self._publish()

    def open(self, account: str) -> AccountTelemetry:
        """Return what writes the metrics of `account`; an earlier one can no longer write."""
        return self.open_all([account])[0]

    def open_all(self, accounts: Iterable[str]) -> list[AccountTelemetry]:
        """Do what `open` does for each of `accounts`, and publish them together."""
        opened = [AccountTelemetry(self, name) for name in accounts]
        texts = [each.numbers.render() for each in opened]
        with self._changing:
            for each, rendered in zip(opened, texts, strict=True):
                self._accounts[each.name] = each
                self._texts.replace(each.name, rendered)
            self._changes.note()
        self._changes.publish()
        return opened

    def replace(self, account: AccountTelemetry, texts: Mapping[str, str]) -> None:
        """Replace the lines of `account`, unless it is closed; `publish` makes them appear."""
        with self._changing:
            if self.is_open(account) and self._texts.replace(account.name, texts):
                self._changes.note()

    def publish(self) -> None:
        """Publish what has been replaced."""
        self._changes.publish()

    def close_all(self, accounts: Iterable[AccountTelemetry]) -> None:
        """Remove the metrics of `accounts` for good, in one step."""
        with self._changing:
            for each in accounts:
                if self.is_open(each):  # a new account of the same name may have metrics by now
                    del self._accounts[each.name]
                    self._texts.remove(each.name)
                    self._changes.note()
        self._changes.publish()

    def is_open(self, account: AccountTelemetry) -> bool:
        """Return whether `account` can still write."""
        return self._accounts.get(account.name) is account

    def render(self, chosen: Format) -> tuple[DeflatedText, bytes]:
        """Return all metrics: those of accounts, and those of the process, which are read now."""
        return self._pages[chosen], self._process.render(chosen)

    def render_accounts(
        self, chosen: Format, accounts: Collection[str]
    ) -> tuple[DeflatedText, bytes]:
        """Return what `render` does, without the metrics of other accounts.

        A family without a sample is left out. The accounts are joined again only if one of them has
        changed. Call it in one thread.
        """
        names = frozenset(accounts)
        with self._changing:
            texts = self._texts.select(names)
        texts.append(self._render_durations())
        selected = self._selections.get((chosen, names))
        if selected is None or selected[0] != texts:
            families = JoinedAccounts(_compress).join(texts)
            selected = texts, self._join_page(chosen, families, has_empty=False)
            if len(self._selections) >= _MOST_SELECTIONS:
                self._selections.clear()
            self._selections[chosen, names] = selected
        return selected[1], self._process.render(chosen)

    def describe(self) -> list[Metric]:
        """Return all metrics as prometheus-client knows them; only some have samples."""
        return [*(metric.describe() for metric in OWN_METRICS), *self._process.collect()]

    def observe_duration(self, endpoint: str, seconds: float) -> None:
        """Note how long a request of any account took."""
        with self._changing_durations:
            self._durations.write(REQUEST_DURATION.name, seconds, endpoint)

    def observe_reload(self, successful: bool, now: float) -> None:
        """Note that the configuration was read at `now`, or was rejected."""
        self._process.write("seq_exporter_config_last_reload_successful", successful)
        if successful:
            self._process.write("seq_exporter_config_last_reload_success_timestamp_seconds", now)

    def observe_shard(self, shard: Shard) -> None:
        """Note which part of the work this process does."""
        self._process.write("seq_exporter_shard_ordinal", shard.ordinal)
        self._process.write("seq_exporter_shards", shard.total)

    def observe_web_reload(self, successful: bool) -> None:
        """Note that the web configuration was read, or was rejected."""
        self._process.write("seq_exporter_web_config_last_reload_successful", successful)

    def _publish(self) -> None:
        families = dict(self._texts.join())
        for name, text in self._render_durations().items():
            families[name] = [DeflatedText.of([text])]
        self._pages = {each: self._join_page(each, families, has_empty=True) for each in FORMATS}

    def _render_durations(self) -> Mapping[str, str]:
        with self._changing_durations:
            return self._durations.render()

    def _join_page(
        self, chosen: Format, families: Mapping[str, Joined], *, has_empty: bool
    ) -> DeflatedText:
        """Return the page of `families`, with headers; `has_empty`: also those without a sample."""
        pieces: list[DeflatedText] = []
        for name, header in self._headers[chosen].items():
            if has_empty or name in families:
                pieces += (header, *families.get(name, ()))
        return DeflatedText.join(merge_texts(pieces))


class AccountTelemetry(RequestObserver):
    """Writes the metrics of one account until it is closed, which removes them.

    A poll that still runs in another thread when its account is removed would otherwise bring them
    back.
    """

    def __init__(self, telemetry: Telemetry, name: str) -> None:
        self.name = name
        self.numbers = Numbers(name)
        #: What SendGrid's newest responses say; None for what none has said.
        self.rate_limit = RateLimit(None, None, None)
        self._telemetry = telemetry
        self._lock = threading.Lock()
        self._waiting_since: float | None = None

    def observe_request(self, endpoint: str, code: str, seconds: float) -> None:
        """Count one request to SendGrid; `code` is its HTTP status, or `error`."""
        if self._telemetry.is_open(self):
            self._telemetry.observe_duration(endpoint, seconds)
            self._write(("seq_exporter_api_requests_total", 1, code, endpoint), may_wait=True)

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Note the rate limit of a response; a header that it lacks keeps its last value."""
        pairs = zip(rate_limit, self.rate_limit, strict=True)
        self.rate_limit = RateLimit(*(old if new is None else new for new, old in pairs))
        found = zip(_RATE_LIMIT, rate_limit, strict=True)
        given = [(name, value) for name, value in found if value is not None]
        self._write(*given, may_wait=True)

    def observe_poll(
        self, now: float, seconds: float, failure: str | None, anomalies: Mapping[str, int]
    ) -> None:
        """Note that a poll ended at `now` after `seconds`.

        `failure` is its reason if it failed; `anomalies` are counts by kind.
        """
        changes: list[_Change] = [
            ("seq_exporter_account_up", failure is None),
            ("seq_exporter_last_poll_timestamp_seconds", now),
            ("seq_exporter_poll_duration_seconds", seconds),
        ]
        if failure is None:
            changes.append(("seq_exporter_scores_restored", False))
            changes.append(("seq_exporter_last_successful_poll_timestamp_seconds", now))
        else:
            changes.append(("seq_exporter_poll_failures_total", 1, failure))
        changes += [
            ("seq_exporter_anomalies_total", count, kind) for kind, count in anomalies.items()
        ]
        self._write(*changes)

    def observe_series(self, count: int) -> None:
        """Note how many series of scores the account publishes."""
        self._write(("seq_exporter_account_series", count), may_wait=True)

    def observe_new_day(self, scope: str, first_seen: float | None) -> None:
        """Note when the published day was first seen; None if the poll before did not look."""
        self._write((_FIRST_SEEN, first_seen, scope), may_wait=True)

    def observe_restore(self) -> None:
        """Note that the published scores were saved by an earlier process."""
        self._write(("seq_exporter_scores_restored", True))

    def observe_save_failure(self) -> None:
        """Note that the scores could not be saved."""
        self._write(("seq_exporter_state_save_failures_total", 1))

    def publish(self) -> None:
        """Publish what has been observed so far, if anything is new."""
        self._write()

    def close(self) -> None:
        """Remove the account's metrics for good."""
        self._telemetry.close_all([self])

    def _write(self, *changes: _Change, may_wait: bool = False) -> None:
        """Write `changes` and publish them, unless they `may_wait` and have not waited for long."""
        with self._lock:
            for name, value, *labels in changes:
                self.numbers.write(name, value, *labels)
            if may_wait and not self._has_waited():
                return
            self._waiting_since = None
            # Under the lock: what another thread renders later must not be replaced by this.
            self._telemetry.replace(self, self.numbers.render())
        self._telemetry.publish()

    def _has_waited(self) -> bool:
        now = self._telemetry.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        return now - self._waiting_since >= _PUBLISH_SECONDS


def _compress(texts: Sequence[str]) -> Joined:
    return [DeflatedText.of(texts)]


def _write_headers(chosen: Format) -> Mapping[str, DeflatedText]:
    return {
        metric.name: DeflatedText.of([chosen.header(metric.describe())]) for metric in OWN_METRICS
    }
