"""The exporter's own metrics, written out, and what each observation changes."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from seq_exporter import __version__
from seq_exporter.publish.telemetry import AccountTelemetry, Telemetry
from seq_exporter.sendgrid.transport import RateLimit
from seq_exporter.web.negotiation import OPENMETRICS, TEXT, Format
from tests.support import own_text

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
    return own_text(telemetry.render(generate_latest))


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
    AccountTelemetry(telemetry, "acme")
    lines = page_of(telemetry).splitlines(keepends=True)
    assert "".join(line for line in lines if any(name in line for name in _PREFIXES)) == FRESH


def test_the_page_holds_the_process_and_python_too() -> None:
    families = text_string_to_metric_families(page_of(Telemetry()))
    names = {family.name for family in families if not family.name.startswith(_PREFIXES)}
    assert {name.partition("_")[0] for name in names} == {"process", "python"}
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "python_info"} <= names


def test_no_series_tells_when_another_was_created() -> None:
    telemetry = Telemetry()
    account = AccountTelemetry(telemetry, "acme")
    account.observe_request("scores", "200", 1.5)
    account.observe_poll(1000, 1.5, "timeout", {"date": 1})
    assert "_created" not in page_of(telemetry)


def test_two_registries_share_nothing() -> None:
    one, other = Telemetry(), Telemetry()
    AccountTelemetry(one, "acme").observe_poll(1000, 1.5, None, {})
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
    account = AccountTelemetry(telemetry, "acme")
    assert changes_of(telemetry, lambda: observe(account)) == expected


def test_a_failed_poll_leaves_the_time_of_the_last_good_one() -> None:
    telemetry = Telemetry()
    account = AccountTelemetry(telemetry, "acme")
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
    account = AccountTelemetry(telemetry, "acme")
    account.observe_rate_limit(RateLimit(600, 599, 1060))
    changes = changes_of(telemetry, lambda: account.observe_rate_limit(RateLimit(None, 598, None)))
    assert changes == ['api_rate_limit_remaining{account="acme"} 598.0']


def test_what_has_not_changed_is_not_rendered_again() -> None:
    telemetry = Telemetry()
    account = AccountTelemetry(telemetry, "acme")
    rendered: list[CollectorRegistry] = []

    def render(registry: CollectorRegistry) -> bytes:
        rendered.append(registry)
        return generate_latest(registry)

    telemetry.render(render)
    telemetry.render(render)
    assert rendered.count(telemetry.registry) == 1
    assert len(rendered) == 3  # what the process takes is of the moment
    account.observe_poll(1000, 1, None, {})
    assert 'seq_exporter_account_up{account="acme"} 1.0\n' in own_text(telemetry.render(render))


@pytest.mark.parametrize("chosen", [TEXT, OPENMETRICS], ids=["text", "OpenMetrics"])
def test_the_metrics_of_some_accounts(chosen: Format) -> None:
    telemetry = Telemetry()
    for name in ("acme", "globex", "initech"):
        account = AccountTelemetry(telemetry, name)
        account.observe_poll(1000, 1, None, {})
    account.observe_rate_limit(RateLimit(600, 599, 1060))  # a family without the others

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

    whole = read(own_text(telemetry.render(chosen.render)))
    page = own_text(telemetry.render_accounts(chosen.render, {"acme", "globex"}))
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


def test_the_metrics_of_some_accounts_are_rendered_again_only_after_a_change_of_theirs() -> None:
    telemetry = Telemetry()
    acme, globex = (AccountTelemetry(telemetry, name) for name in ("acme", "globex"))
    rendered: list[CollectorRegistry] = []

    def render(registry: CollectorRegistry) -> bytes:
        rendered.append(registry)
        return generate_latest(registry)

    def scrape() -> str:
        rendered.clear()
        return own_text(telemetry.render_accounts(render, {"acme"}))

    scrape()
    assert len(rendered) == 3  # the account's, those of no account, and the process's
    scrape()
    assert len(rendered) == 1
    globex.observe_request("scores", "200", 0.2)
    page = scrape()
    assert len(rendered) == 2
    assert 'seq_exporter_api_request_duration_seconds_count{endpoint="scores"} 1.0\n' in page
    acme.observe_poll(1000, 1, None, {})
    assert 'seq_exporter_account_up{account="acme"} 1.0\n' in scrape()
    assert len(rendered) == 3
    acme.close()
    assert "acme" not in scrape()
    again = AccountTelemetry(telemetry, "acme")
    again.observe_poll(1000, 1, "timeout", {})
    assert 'seq_exporter_account_up{account="acme"} 0.0\n' in scrape()


def test_openmetrics_ends_once() -> None:
    telemetry = Telemetry()
    page = own_text(telemetry.render(OPENMETRICS.render))
    assert page.endswith("# EOF\n")
    families = [family.name for family in parse_openmetrics(page)]  # type: ignore[no-untyped-call]
    assert "seq_exporter_build_info" in families
    assert "process_cpu_seconds" in families
    # The formats do not share what is kept of them.
    assert "# EOF" not in page_of(telemetry)


def test_durations_fall_into_buckets() -> None:
    telemetry = Telemetry()
    account = AccountTelemetry(telemetry, "acme")
    for seconds in (0.3, 5, 1000):
        account.observe_poll(1000, seconds, None, {})
        account.observe_request("scores", "200", seconds)

    def buckets_of(name: str) -> dict[str, float]:
        (family,) = (metric for metric in telemetry.registry.collect() if metric.name == name)
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
    acme, globex = AccountTelemetry(telemetry, "acme"), AccountTelemetry(telemetry, "globex")
    observe_everything(acme)
    observe_everything(globex)
    others = [line for line in series_of(telemetry) if 'account="acme"' not in line]
    assert len(others) < len(series_of(telemetry))
    acme.close()
    assert series_of(telemetry) == others


def test_nothing_is_observed_of_a_closed_account() -> None:
    telemetry = Telemetry()
    account = AccountTelemetry(telemetry, "acme")
    account.close()
    page = series_of(telemetry)
    observe_everything(account)
    assert series_of(telemetry) == page


def test_an_account_that_comes_back_starts_anew() -> None:
    telemetry = Telemetry()
    old = AccountTelemetry(telemetry, "acme")
    fresh = series_of(telemetry, account="acme")
    observe_everything(old)
    old.close()
    AccountTelemetry(telemetry, "acme")
    observe_everything(old)
    assert series_of(telemetry, account="acme") == fresh
