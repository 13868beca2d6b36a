"""The exporter's own metrics, written out, and what each observation changes."""

from __future__ import annotations

import platform
import random
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from seq_exporter import __version__
from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.formats import FORMATS, OPENMETRICS, TEXT, Format
from seq_exporter.publish.own_metrics import OWN_METRICS
from seq_exporter.publish.telemetry import AccountTelemetry, Telemetry
from seq_exporter.sendgrid.anomalies import ANOMALY_KINDS
from seq_exporter.sendgrid.observer import RateLimit
from tests.support import examples, own_text, text_of

FRESH = f"""
# HELP seq_exporter_account_up Whether the last poll of the account succeeded (1) or failed (0).
# TYPE seq_exporter_account_up gauge
# HELP seq_exporter_last_poll_timestamp_seconds When the last poll of the account ended.
# TYPE seq_exporter_last_poll_timestamp_seconds gauge
# HELP seq_exporter_last_successful_poll_timestamp_seconds When the last poll of the account that succeeded ended.
# TYPE seq_exporter_last_successful_poll_timestamp_seconds gauge
# HELP seq_exporter_poll_duration_seconds How long a poll of the account took, failed or not; its count is the number of polls.
# TYPE seq_exporter_poll_duration_seconds histogram
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="0.1"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="0.25"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="0.5"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="1.0"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="2.5"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="5.0"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="10.0"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="30.0"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="60.0"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="120.0"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="300.0"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="600.0"}} 0.0
seq_exporter_poll_duration_seconds_bucket{{account="acme",le="+Inf"}} 0.0
seq_exporter_poll_duration_seconds_count{{account="acme"}} 0.0
seq_exporter_poll_duration_seconds_sum{{account="acme"}} 0.0
# HELP seq_exporter_poll_failures_total Polls of the account that failed, by the reason of the first failure in each.
# TYPE seq_exporter_poll_failures_total counter
seq_exporter_poll_failures_total{{account="acme",reason="key_unavailable"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="unauthorized"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="rate_limited"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="connection"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="timeout"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="bad_request"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="forbidden"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="not_found"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="server_error"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="unexpected_status"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="malformed_response"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="too_many_series"}} 0.0
seq_exporter_poll_failures_total{{account="acme",reason="internal"}} 0.0
# HELP seq_exporter_anomalies_total Values from SendGrid that were not as documented, and were left out or corrected.
# TYPE seq_exporter_anomalies_total counter
seq_exporter_anomalies_total{{account="acme",kind="item"}} 0.0
seq_exporter_anomalies_total{{account="acme",kind="user_id"}} 0.0
seq_exporter_anomalies_total{{account="acme",kind="username"}} 0.0
seq_exporter_anomalies_total{{account="acme",kind="duplicate_username"}} 0.0
seq_exporter_anomalies_total{{account="acme",kind="date"}} 0.0
seq_exporter_anomalies_total{{account="acme",kind="score"}} 0.0
seq_exporter_anomalies_total{{account="acme",kind="metrics"}} 0.0
seq_exporter_anomalies_total{{account="acme",kind="metric"}} 0.0
# HELP seq_exporter_scores_restored Whether the account's scores are those that an earlier process saved (1), because no poll has succeeded since the start, or not (0).
# TYPE seq_exporter_scores_restored gauge
seq_exporter_scores_restored{{account="acme"}} 0.0
# HELP seq_exporter_account_series How many series of scores the account publishes.
# TYPE seq_exporter_account_series gauge
seq_exporter_account_series{{account="acme"}} 0.0
# HELP sendgrid_seq_score_date_first_seen_timestamp_seconds When a poll first found the day that the published scores are for; absent if the poll before it did not look for it, as at the start.
# TYPE sendgrid_seq_score_date_first_seen_timestamp_seconds gauge
# HELP seq_exporter_state_save_failures_total How often the scores of the account could not be written to state_dir.
# TYPE seq_exporter_state_save_failures_total counter
seq_exporter_state_save_failures_total{{account="acme"}} 0.0
# HELP seq_exporter_api_requests_total Requests to SendGrid by HTTP status; the code error means no complete answer.
# TYPE seq_exporter_api_requests_total counter
# HELP seq_exporter_api_request_duration_seconds How long a request to SendGrid took, including the body.
# TYPE seq_exporter_api_request_duration_seconds histogram
# HELP seq_exporter_api_rate_limit Requests that SendGrid allows in one window, by its last response.
# TYPE seq_exporter_api_rate_limit gauge
# HELP seq_exporter_api_rate_limit_remaining Requests left in the current window, by SendGrid's last response.
# TYPE seq_exporter_api_rate_limit_remaining gauge
# HELP seq_exporter_api_rate_limit_reset_timestamp_seconds When the current window ends, by SendGrid's last response.
# TYPE seq_exporter_api_rate_limit_reset_timestamp_seconds gauge
# HELP seq_exporter_config_last_reload_successful Whether the last reading of the configuration succeeded (1) or failed (0).
# TYPE seq_exporter_config_last_reload_successful gauge
seq_exporter_config_last_reload_successful 0.0
# HELP seq_exporter_config_last_reload_success_timestamp_seconds When the current configuration was read.
# TYPE seq_exporter_config_last_reload_success_timestamp_seconds gauge
seq_exporter_config_last_reload_success_timestamp_seconds 0.0
# HELP seq_exporter_web_config_last_reload_successful Whether the last reading of the web configuration and the certificates succeeded (1) or failed (0).
# TYPE seq_exporter_web_config_last_reload_successful gauge
seq_exporter_web_config_last_reload_successful 1.0
# HELP seq_exporter_shard_ordinal The number of this process among those that share the work, counted from 0.
# TYPE seq_exporter_shard_ordinal gauge
seq_exporter_shard_ordinal 0.0
# HELP seq_exporter_shards How many processes share the work; 1 if it is not shared.
# TYPE seq_exporter_shards gauge
seq_exporter_shards 0.0
# HELP seq_exporter_build_info The running version; always 1.
# TYPE seq_exporter_build_info gauge
seq_exporter_build_info{{python_version="{platform.python_version()}",version="{__version__}"}} 1.0
""".lstrip()  # noqa: E501

# Of each observation, the lines that it adds to the page or changes; without the buckets.
POLL_SUCCEEDED = [
    'account_up{account="acme"} 1.0',
    'last_poll_timestamp_seconds{account="acme"} 1000.0',
    'last_successful_poll_timestamp_seconds{account="acme"} 1000.0',
    'poll_duration_seconds_count{account="acme"} 1.0',
    'poll_duration_seconds_sum{account="acme"} 1.5',
]
POLL_FAILED = [
    'account_up{account="acme"} 0.0',
    'last_poll_timestamp_seconds{account="acme"} 1000.0',
    'poll_duration_seconds_count{account="acme"} 1.0',
    'poll_duration_seconds_sum{account="acme"} 1.5',
    'poll_failures_total{account="acme",reason="timeout"} 1.0',
]
REQUEST = [
    'api_requests_total{account="acme",code="202",endpoint="scores"} 1.0',
    'api_request_duration_seconds_count{endpoint="scores"} 1.0',
    'api_request_duration_seconds_sum{endpoint="scores"} 1.5',
]
RATE_LIMIT = [
    'api_rate_limit{account="acme"} 600.0',
    'api_rate_limit_remaining{account="acme"} 599.0',
    'api_rate_limit_reset_timestamp_seconds{account="acme"} 1060.0',
]

_PREFIXES = ("seq_exporter_", "sendgrid_seq_")

Observation = Callable[[AccountTelemetry], None]


def page_of(telemetry: Telemetry) -> str:
    return own_text(telemetry.render(TEXT))


def series_of(telemetry: Telemetry, **labels: str) -> list[str]:
    """Return the lines of the exporter's samples with `labels`, without the common prefix."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return [
        line.removeprefix("seq_exporter_")
        for line in page_of(telemetry).splitlines()
        if line.startswith(_PREFIXES) and all(label in line for label in wanted)
    ]


def changes_of(telemetry: Telemetry, observe: Callable[[], Any]) -> list[str]:
    """Return the lines that `observe` adds or changes, without the buckets of histograms."""
    before = series_of(telemetry)
    observe()
    new = [line for line in series_of(telemetry) if line not in before]
    return [line for line in new if "_bucket{" not in line]


def test_the_page_before_the_first_poll() -> None:
    telemetry = Telemetry()
    telemetry.open("acme")
    lines = page_of(telemetry).splitlines(keepends=True)
    assert "".join(line for line in lines if any(name in line for name in _PREFIXES)) == FRESH


def test_the_page_holds_the_process_and_python_too() -> None:
    families = text_string_to_metric_families(page_of(Telemetry()))
    names = {family.name for family in families if not family.name.startswith(_PREFIXES)}
    assert {name.partition("_")[0] for name in names} == {"process", "python"}
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "python_info"} <= names


def test_no_series_tells_when_another_was_created() -> None:
    telemetry = Telemetry()
    account = telemetry.open("acme")
    account.observe_request("scores", "200", 1.5)
    account.observe_poll(1000, 1.5, "timeout", {"date": 1})
    assert "_created" not in page_of(telemetry)


def test_two_registries_share_nothing() -> None:
    one, other = Telemetry(), Telemetry()
    one.open("acme").observe_poll(1000, 1.5, None, {})
    assert series_of(other, account="acme") == []


@pytest.mark.parametrize(
    ("observe", "expected"),
    [
        (lambda account: account.observe_poll(1000, 1.5, None, {}), POLL_SUCCEEDED),
        (lambda account: account.observe_poll(1000, 1.5, "timeout", {}), POLL_FAILED),
        (
            lambda account: account.observe_poll(1000, 1.5, None, {"date": 2, "score": 1}),
            [
                *POLL_SUCCEEDED,
                'anomalies_total{account="acme",kind="date"} 2.0',
                'anomalies_total{account="acme",kind="score"} 1.0',
            ],
        ),
        (lambda account: account.observe_series(7), ['account_series{account="acme"} 7.0']),
        (
            lambda account: account.observe_new_day("own", 1000.0),
            [
                "sendgrid_seq_score_date_first_seen_timestamp_seconds"
                '{account="acme",scope="own"} 1000.0'
            ],
        ),
        (lambda account: account.observe_new_day("own", None), []),
        (lambda account: account.observe_restore(), ['scores_restored{account="acme"} 1.0']),
        (
            lambda account: account.observe_save_failure(),
            ['state_save_failures_total{account="acme"} 1.0'],
        ),
        (lambda account: account.observe_request("scores", "202", 1.5), REQUEST),
        (lambda account: account.observe_rate_limit(RateLimit(600, 599, 1060)), RATE_LIMIT),
        (
            lambda account: account.observe_rate_limit(RateLimit(None, 0, None)),
            ['api_rate_limit_remaining{account="acme"} 0.0'],
        ),
        (lambda account: account.observe_rate_limit(RateLimit(None, None, None)), []),
    ],
)
def test_what_an_observation_changes(observe: Observation, expected: list[str]) -> None:
    telemetry = Telemetry()
    account = telemetry.open("acme")

    def observe_now() -> None:
        observe(account)
        account.publish()

    assert changes_of(telemetry, observe_now) == expected


def test_a_failed_poll_leaves_the_time_of_the_last_good_one() -> None:
    telemetry = Telemetry()
    account = telemetry.open("acme")
    account.observe_poll(1000, 1.5, None, {})
    assert changes_of(telemetry, lambda: account.observe_poll(2000, 0.5, "timeout", {})) == [
        'account_up{account="acme"} 0.0',
        'last_poll_timestamp_seconds{account="acme"} 2000.0',
        'poll_duration_seconds_count{account="acme"} 2.0',
        'poll_duration_seconds_sum{account="acme"} 2.0',
        'poll_failures_total{account="acme",reason="timeout"} 1.0',
    ]


def test_what_a_response_does_not_say_of_the_rate_limit_stays_as_it_was() -> None:
    telemetry = Telemetry()
    account = telemetry.open("acme")
    account.observe_rate_limit(RateLimit(600, 599, 1060))
    account.publish()
    account.observe_rate_limit(RateLimit(None, 598, None))
    changes = changes_of(telemetry, account.publish)
    assert changes == ['api_rate_limit_remaining{account="acme"} 598.0']


@pytest.mark.parametrize("chosen", [TEXT, OPENMETRICS], ids=["text", "OpenMetrics"])
def test_a_scrape_finds_the_metrics_of_accounts_ready(chosen: Format) -> None:
    telemetry = Telemetry()
    account = telemetry.open("acme")
    page, _ = telemetry.render(chosen)
    telemetry.observe_reload(True, 1000)  # of the process, not of an account
    account.observe_series(0)  # as before
    assert telemetry.render(chosen)[0] is page
    account.observe_poll(1000, 1, None, {})
    assert 'seq_exporter_account_up{account="acme"} 1.0\n' in own_text(telemetry.render(chosen))


def test_the_requests_of_a_long_poll_appear_each_second_and_those_of_a_short_one_at_its_end() -> (
    None
):
    seconds = [0.0]
    telemetry = Telemetry(monotonic=lambda: seconds[0])
    account = telemetry.open("acme")
    counts = []
    for seconds[0] in (0, 0.9, 1, 1.5, 2.4, 2.5, 3.4):
        account.observe_request("scores", "200", 0.1)
        found = re.search(r"^seq_exporter_api_requests_total\{.*\} (.*)$", page_of(telemetry), re.M)
        counts.append(float(found[1]) if found else 0)
    assert counts == [0, 0, 3, 3, 3, 6, 6]
    account.observe_poll(1000, 3.4, None, {})
    assert 'seq_exporter_api_request_duration_seconds_count{endpoint="scores"} 7.0' in page_of(
        telemetry
    )


@pytest.mark.parametrize("chosen", [TEXT, OPENMETRICS], ids=["text", "OpenMetrics"])
def test_the_metrics_of_some_accounts(chosen: Format) -> None:
    telemetry = Telemetry()
    for name in ("acme", "globex", "initech"):
        account = telemetry.open(name)
        account.observe_poll(1000, 1, None, {})
    account.observe_rate_limit(RateLimit(600, 599, 1060))  # a family without the others
    account.publish()

    def read(page: str) -> dict[str, list[str]]:
        """Return the lines of each family's samples; those of the moment by name."""
        families: dict[str, list[str]] = {}
        for line in page.splitlines():
            if line.startswith("# HELP "):
                family = line.split()[2]
                assert family not in families
                families[family] = []
            elif not line.startswith("#"):
                is_of_the_moment = family.startswith(("process_", "python_gc_"))
                families[family].append(line.split()[0] if is_of_the_moment else line)
        return families

    whole = read(own_text(telemetry.render(chosen)))
    page = own_text(telemetry.render_accounts(chosen, {"acme", "globex"}))
    expected = {
        family: chosen_lines
        for family, lines in whole.items()
        if (chosen_lines := [line for line in lines if 'account="initech"' not in line])
    }
    assert read(page) == expected
    assert "seq_exporter_api_rate_limit" in whole.keys() - expected.keys()
    assert {"seq_exporter_build_info", "python_info"} <= expected.keys()
    assert page.endswith("# EOF\n") == (chosen is OPENMETRICS)
    assert page.count("# EOF") == (chosen is OPENMETRICS)


def test_the_metrics_of_some_accounts_are_joined_again_only_after_a_change_of_theirs() -> None:
    telemetry = Telemetry()
    acme, globex = telemetry.open_all(["acme", "globex"])

    def scrape() -> DeflatedText:
        return telemetry.render_accounts(TEXT, {"acme"})[0]

    page = scrape()
    globex.observe_poll(1000, 1, None, {})
    assert scrape() is page
    globex.observe_request("scores", "200", 0.2)
    globex.publish()
    shared = 'seq_exporter_api_request_duration_seconds_count{endpoint="scores"} 1.0\n'
    assert shared in text_of(scrape())
    acme.observe_poll(1000, 1, None, {})
    assert 'seq_exporter_account_up{account="acme"} 1.0\n' in text_of(scrape())
    acme.close()
    assert "acme" not in text_of(scrape())
    again = telemetry.open("acme")
    again.observe_poll(1000, 1, "timeout", {})
    assert 'seq_exporter_account_up{account="acme"} 0.0\n' in text_of(scrape())


def test_openmetrics_ends_once() -> None:
    telemetry = Telemetry()
    page = own_text(telemetry.render(OPENMETRICS))
    assert page.endswith("# EOF\n")
    families = [family.name for family in parse_openmetrics(page)]  # type: ignore[no-untyped-call]
    assert "seq_exporter_build_info" in families
    assert "process_cpu_seconds" in families
    # The formats do not share what is kept of them.
    assert "# EOF" not in page_of(telemetry)


def test_durations_fall_into_buckets() -> None:
    telemetry = Telemetry()
    account = telemetry.open("acme")
    for seconds in (0.3, 5, 1000):
        account.observe_request("scores", "200", seconds)
        account.observe_poll(1000, seconds, None, {})

    def buckets_of(name: str) -> dict[str, float]:
        families = text_string_to_metric_families(page_of(telemetry))
        (family,) = (metric for metric in families if metric.name == name)
        return {
            sample.labels["le"]: sample.value
            for sample in family.samples
            if sample.name == f"{name}_bucket"
        }

    assert list(buckets_of("seq_exporter_poll_duration_seconds").values()) == [
        *(0, 0),  # up to 0.25 s
        *(1, 1, 1),  # up to 2.5 s
        *(2, 2, 2, 2, 2, 2, 2),  # up to 600 s
        3,
    ]
    assert buckets_of("seq_exporter_api_request_duration_seconds") == {
        "0.05": 0,
        "0.1": 0,
        "0.25": 0,
        "0.5": 1,
        "1.0": 1,
        "2.5": 1,
        "5.0": 2,
        "10.0": 2,
        "30.0": 2,
        "+Inf": 3,
    }


def test_a_reload_is_noted_with_its_time_and_a_refused_one_without() -> None:
    telemetry = Telemetry()
    assert changes_of(telemetry, lambda: telemetry.observe_reload(True, 1000)) == [
        "config_last_reload_successful 1.0",
        "config_last_reload_success_timestamp_seconds 1000.0",
    ]
    assert changes_of(telemetry, lambda: telemetry.observe_reload(False, 2000)) == [
        "config_last_reload_successful 0.0"
    ]
    assert changes_of(telemetry, lambda: telemetry.observe_reload(True, 3000)) == [
        "config_last_reload_successful 1.0",
        "config_last_reload_success_timestamp_seconds 3000.0",
    ]


def observe_everything(account: AccountTelemetry) -> None:
    account.observe_request("scores", "200", 1.5)
    account.observe_request("subusers", "error", 1.5)
    account.observe_rate_limit(RateLimit(600, 599, 1060))
    account.observe_poll(1000, 1.5, None, {"date": 1})
    account.observe_poll(1000, 1.5, "timeout", {})


def test_closing_takes_away_all_of_the_account_and_nothing_else() -> None:
    telemetry = Telemetry()
    acme, globex = telemetry.open("acme"), telemetry.open("globex")
    observe_everything(acme)
    observe_everything(globex)
    others = [line for line in series_of(telemetry) if 'account="acme"' not in line]
    assert len(others) < len(series_of(telemetry))
    acme.close()
    assert series_of(telemetry) == others


def test_nothing_is_observed_of_a_closed_account() -> None:
    telemetry = Telemetry()
    account = telemetry.open("acme")
    account.close()
    page = series_of(telemetry)
    observe_everything(account)
    assert series_of(telemetry) == page


def test_an_account_that_comes_back_starts_anew() -> None:
    telemetry = Telemetry()
    old = telemetry.open("acme")
    fresh = series_of(telemetry, account="acme")
    observe_everything(old)
    old.close()
    telemetry.open("acme")
    observe_everything(old)
    old.close()
    assert series_of(telemetry, account="acme") == fresh


def test_many_accounts_come_and_go_in_one_step() -> None:
    telemetry = Telemetry()
    names = [f"account-{number:03}" for number in range(100)]
    opened = telemetry.open_all(reversed(names))
    assert [name for name in names if f'account="{name}"' in page_of(telemetry)] == names
    for account in opened:
        observe_everything(account)
    kept = series_of(telemetry, account="account-007")
    published: list[int] = []
    publish = telemetry._changes._publish
    telemetry._changes._publish = lambda: published.append(1) or publish()  # type: ignore[func-returns-value]
    telemetry.close_all(
        account
        for name, account in zip(reversed(names), opened, strict=True)
        if name != "account-007"
    )
    assert published == [1]
    assert [line for line in series_of(telemetry) if 'account="' in line] == kept


def test_scrapes_while_polls_end_see_whole_accounts() -> None:
    telemetry = Telemetry()
    opened = telemetry.open_all([f"account-{number}" for number in range(40)])
    polls = 25

    def poll(account: AccountTelemetry) -> None:
        for number in range(polls):
            account.observe_request("scores", "200", 0.5)
            account.observe_poll(1000 + number, 0.5, None, {})

    threads = [threading.Thread(target=poll, args=(account,)) for account in opened]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        page = own_text(telemetry.render(TEXT))
        by_account: dict[str, set[float]] = {}
        for name, label in (
            ("seq_exporter_poll_duration_seconds_count", "account"),
            ("seq_exporter_api_requests_total", "account"),
        ):
            for found in re.finditer(rf'^{name}{{{label}="(.*?)".*}} (.*)$', page, re.M):
                by_account.setdefault(found[1], set()).add(float(found[2]))
        # As many requests as polls, unless the account has had neither.
        assert all(len(counts) == 1 for counts in by_account.values())
    total = f'seq_exporter_api_request_duration_seconds_count{{endpoint="scores"}} {40.0 * polls}\n'
    assert total in page_of(telemetry)
    assert page_of(telemetry).count(f"}} {float(polls)}\n") >= 40


class Stock:
    """The metrics of accounts, in prometheus-client's own objects."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        kinds: dict[str, Any] = {"gauge": Gauge, "counter": Counter, "histogram": Histogram}
        self.metrics = {
            metric.name: kinds[metric.kind](
                metric.name,
                metric.help,
                metric.labels,
                registry=self.registry,
                **({"buckets": metric.buckets} if metric.buckets else {}),
            )
            for metric in OWN_METRICS
        }

    def open(self, account: str) -> None:
        for metric in OWN_METRICS:
            for labels in metric.start:
                self.metrics[metric.name].labels(account, *labels)

    def write(self, name: str, value: float, *labels: str) -> None:
        series = self.metrics[f"seq_exporter_{name}"].labels(*labels)
        match series:
            case Gauge():
                series.set(value)
            case Counter():
                series.inc(value)
            case Histogram():
                series.observe(value)

    def observe_request(self, account: str, endpoint: str, code: str, seconds: float) -> None:
        self.write("api_requests_total", 1, account, code, endpoint)

    def observe_poll(
        self, account: str, now: float, seconds: float, failure: str | None, anomalies: Any
    ) -> None:
        self.write("account_up", failure is None, account)
        self.write("last_poll_timestamp_seconds", now, account)
        self.write("poll_duration_seconds", seconds, account)
        if failure:
            self.write("poll_failures_total", 1, account, failure)
        else:
            self.write("scores_restored", 0, account)
            self.write("last_successful_poll_timestamp_seconds", now, account)
        for kind, count in anomalies.items():
            self.write("anomalies_total", count, account, kind)

    def observe_rate_limit(self, account: str, limit: RateLimit) -> None:
        for name, value in zip(("", "_remaining", "_reset_timestamp_seconds"), limit, strict=True):
            if value is not None:
                self.write(f"api_rate_limit{name}", value, account)

    def observe_series(self, account: str, count: int) -> None:
        self.write("account_series", count, account)


numbers = st.integers(0, 10**12).map(lambda number: number / 1024)  # sums in any order are the same
observations = st.one_of(
    st.tuples(
        st.just("observe_request"),
        st.sampled_from(["scores", "subusers"]),
        st.sampled_from(["200", "202", "error"]),
        numbers,
    ),
    st.tuples(
        st.just("observe_poll"),
        numbers,
        numbers,
        st.none() | st.sampled_from(POLL_FAILURE_REASONS),
        st.dictionaries(st.sampled_from(ANOMALY_KINDS), st.integers(1, 10**6)),
    ),
    st.tuples(st.just("observe_rate_limit"), st.builds(RateLimit, *[st.none() | numbers] * 3)),
    st.tuples(st.just("observe_series"), st.integers(0, 10**7)),
)


@examples(0.5)
@given(
    by_account=st.dictionaries(st.text(min_size=1), st.lists(observations, max_size=5), max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_the_page_is_what_prometheus_client_writes(
    by_account: dict[str, list[tuple[Any, ...]]], order: random.Random
) -> None:
    telemetry, stock = Telemetry(), Stock()
    for name in sorted(by_account):
        stock.open(name)
        for observe, *values in by_account[name]:
            getattr(stock, observe)(name, *values)
    opened = dict(zip(by_account, telemetry.open_all(by_account), strict=True))
    left = [name for name, found in by_account.items() for _ in found]
    order.shuffle(left)
    waiting = {name: iter(found) for name, found in by_account.items()}
    for name in left:
        observe, *values = next(waiting[name])
        getattr(opened[name], observe)(*values)
        if observe == "observe_request":  # not of an account, so in the order of arrival
            stock.write("api_request_duration_seconds", values[2], values[0])
    for account in opened.values():
        account.publish()
    for chosen in FORMATS:
        assert text_of(telemetry.render(chosen)[0]) == chosen.render_part(stock.registry).decode()
