"""The dashboard of the exporter: its polls, and the answers of SendGrid's API."""

from __future__ import annotations

from grafana_foundation_sdk.builders.stat import Panel as Number
from grafana_foundation_sdk.builders.timeseries import Panel as Graph
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source import columns, links, panels, processes, promql
from grafana.source.colours import (
    BAD,
    FAILURES,
    FAULT_CELLS,
    GOOD,
    NEUTRAL,
    PLAIN_STEPS,
    WELL_CELLS,
)
from grafana.source.columns import Numbers
from grafana.source.dashboard import DashboardLayout
from grafana.source.promql import select, select_process, ten
from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.sendgrid.anomalies import ANOMALY_KINDS

_RATE = "[$__rate_interval]"


def build_exporter() -> Dashboard:
    """Make the dashboard."""
    layout = DashboardLayout(
        "seq-exporter",
        "SendGrid Engagement Quality / Exporter",
        "The exporter's polls, SendGrid's answers, and the age of the scores.",
        begins="now-24h",
    )
    _place_numbers(layout)
    layout.row("Polls")
    layout.place(8, (12, _polls()), (12, _failures()))
    layout.place(8, (12, _accounts()), (12, _poll_time()))
    layout.row("SendGrid's API")
    layout.place(8, (8, _requests()), (8, _request_time()), (8, _anomalies()))
    # So high and wide that the legends of ten lines fit.
    layout.row("Accounts, ten at most")
    layout.place(11, (12, _age()), (12, _lag()))
    layout.place(11, (12, _rate_limit()), (12, _series()))
    layout.row("Process")
    layout.place(8, (12, _scrape_time()), (12, _memory()))
    return layout.build()


def _place_numbers(layout: DashboardLayout) -> None:
    number = panels.number
    failing = f"sum({_account_up()} == bool 0)"
    saving = f"sum(increase({select('seq_exporter_state_save_failures_total')}[$__range]))"
    layout.place(
        4,
        (4, processes.count_down()),
        (4, number("Accounts failing", _FAILING, failing, "locale", FAULT_CELLS)),
        (4, _reloaded("Configuration", "seq_exporter_config_last_reload_successful")),
        (4, _reloaded("Web configuration", "seq_exporter_web_config_last_reload_successful")),
        (4, number("State not saved", _STATE, saving, "locale", FAULT_CELLS)),
        (4, _version()),
    )


_FAILING = "Accounts whose last poll failed in at least one process. Their last good scores stay."
_STATE = "How often scores could not be written to state_dir, within the dashboard's time range."


def _account_up() -> str:
    return f"min by (account) ({select('seq_exporter_account_up')})"


def _reloaded(title: str, metric: str) -> Number:
    description = "Whether the last reload succeeded. If not, the old configuration stays in force."
    last = f"min({select_process(metric)})"
    panel = panels.number(title, description, last, "none", WELL_CELLS)
    return panel.mappings([panels.words({"0": "failed", "1": "loaded"})])


def _version() -> Number:
    description = "The running versions of seq-exporter, and how many processes run each."
    expr = f"count by (version) ({select_process('seq_exporter_build_info')})"
    panel = panels.number("Version", description, expr, "locale", PLAIN_STEPS)
    panel = panel.targets([panels.query_now(expr, "{{version}}")])
    return panel.text_mode(BigValueTextMode.VALUE_AND_NAME)


def _polls() -> panels.Panel:
    polls = f"sum(increase({select('seq_exporter_poll_duration_seconds_count')}{_RATE}))"
    failures = f"sum(increase({select('seq_exporter_poll_failures_total')}{_RATE}))"
    description = "How many polls ended, and how many of them failed."
    asked = [
        panels.query(f"{polls} - {failures}", "succeeded"),
        panels.query(failures, "failed", ref="B"),
    ]
    panel = panels.bars_over_time("Polls", description, asked)
    return panels.paint(panel, {"succeeded": GOOD, "failed": BAD})


def _failures() -> panels.Panel:
    expr = f"sum by (reason) (increase({select('seq_exporter_poll_failures_total')}{_RATE}))"
    description = "Failed polls by reason; docs/metrics.md explains each reason."
    targets = [panels.query(f"{expr} > 0", "{{reason}}")]
    panel = panels.bars_over_time("Failures by reason", description, targets)
    panel = panels.paint(panel, dict(zip(POLL_FAILURE_REASONS, FAILURES, strict=True)))
    return panel.no_value("No poll failed, or no exporter was scraped.")


def _accounts() -> panels.Panel:
    ended = select("seq_exporter_last_successful_poll_timestamp_seconds")
    failed = select("seq_exporter_poll_failures_total")
    numbers = {
        "Last poll": Numbers(_account_up(), steps=WELL_CELLS, words={0: "failed", 1: "succeeded"}),
        "Last success": Numbers(f"time() - max by (account) (last_over_time({ended}[25h]))", "s"),
        "Failures": columns.counts(f"sum by (account) (increase({failed}[$__range]))"),
        "Restored": Numbers(
            f"max by (account) ({select('seq_exporter_scores_restored')})",
            words={0: "no", 1: "yes"},
        ),
    }
    description = (
        "For each account: whether the last poll succeeded, the time since the last success, the "
        "number of failures within the dashboard's time range, and whether the scores still come "
        "from an earlier process."
    )
    panel = columns.make_table("Accounts", description, ("account",), numbers, has_pages=True)
    panel = columns.link_column(panel, "account", links.from_row_to_fleet())
    panel = panel.no_value("No account is polled: is the exporter scraped?")
    return columns.sort_by(panel, "Last success", descending=True)


def _poll_time() -> panels.Panel:
    took = select("seq_exporter_poll_duration_seconds_bucket")
    targets = [
        panels.query(promql.quantile(0.5, took), "median"),
        panels.query(promql.quantile(0.95, took), "95th percentile", ref="B"),
    ]
    description = "How long polls take, including all their requests and waits."
    return _duration(panels.graph("Poll duration", description, targets, "s"))


def _duration(panel: Graph) -> Graph:
    # An account is polled every quarter of an hour: between the polls there is no duration.
    return panel.max_data_points(144).span_nulls(True).min(0)


def _requests() -> panels.Panel:
    requests = select("seq_exporter_api_requests_total")
    expr = f"sum by (code) (increase({requests}{_RATE})) > 0"
    description = (
        "Requests to SendGrid by HTTP status: 200 is an answer, 202 means no scores yet, and all "
        "others are failures. error: no complete answer."
    )
    targets = [panels.query(expr, "{{code}}")]
    panel = panels.bars_over_time("API requests by code", description, targets)
    return panels.paint(panel, {"200": GOOD, "202": NEUTRAL, **_FAILED})


# Of the many codes of failures, those that are common.
_FAILED = dict(
    zip(("error", "401", "403", "404", "429", "500", "502", "503"), FAILURES, strict=False)
)


def _request_time() -> panels.Panel:
    took = select_process("seq_exporter_api_request_duration_seconds_bucket")
    expr = promql.quantile(0.95, took, by="endpoint")
    description = "The time within which 95 of 100 requests were answered, by endpoint."
    targets = [panels.query(expr, "{{endpoint}}")]
    return _duration(panels.graph("Request duration", description, targets, "s"))


def _rate_limit() -> panels.Panel:
    left = f"min by (account) ({select('seq_exporter_api_rate_limit_remaining')})"
    limit = f"max by (account) ({select('seq_exporter_api_rate_limit')})"
    description = (
        "The share of the requests in SendGrid's window that was left after the last one, for the "
        "ten accounts with the least. All programs with the account's key share the limit."
    )
    least = ten(f"100 * {left} / {limit}", by="account", most=False)
    targets = [panels.query(least, "{{account}}")]
    panel = panels.graph("Rate limit left", description, targets, "percent")
    return panel.min(0).max(100).decimals(0)


def _age() -> panels.Panel:
    description = (
        "The age of the scores, counted from midnight UTC of their day: the ten oldest. It falls "
        "by a day whenever a new day appears; two to three days are normal."
    )
    oldest = ten(promql.age(by="account, scope"), by="account, scope")
    targets = [panels.query(oldest, "{{account}} {{scope}}")]
    panel = panels.graph("Age of the scores", description, targets, "suffix:days", "10m")
    return panel.min(0).decimals(2)  # for steps of a quarter of a day


def _lag() -> panels.Panel:
    description = (
        "The time from a day's end (UTC) until the exporter first saw its scores, for the ten "
        "latest accounts."
    )
    latest = ten(promql.publishing_delay(), by="account, scope")
    targets = [panels.query(latest, "{{account}} {{scope}}")]
    panel = panels.graph("SendGrid's publishing delay", description, targets, "suffix:hours", "10m")
    return panel.min(0).decimals(1).no_value("No new day has appeared since the exporter started.")


def _anomalies() -> panels.Panel:
    expr = f"sum by (kind) (increase({select('seq_exporter_anomalies_total')}{_RATE}))"
    description = "Values that did not match SendGrid's documentation, by kind."
    targets = [panels.query(f"{expr} > 0", "{{kind}}")]
    panel = panels.bars_over_time("Anomalies", description, targets)
    panel = panels.paint(panel, dict(zip(ANOMALY_KINDS, FAILURES, strict=False)))
    return panel.no_value("No odd value, or no exporter was scraped.")


def _scrape_time() -> panels.Panel:
    expr = f"max by (job) ({processes.of_exporters('scrape_duration_seconds')})"
    description = "How long Prometheus takes to scrape the slowest process of each job."
    targets = [panels.query(expr, "{{job}}")]
    return panels.graph("Scrape duration", description, targets, "s").min(0)


def _series() -> panels.Panel:
    expr = ten(f"max by (account) ({select('seq_exporter_account_series')})", by="account")
    description = "Series of scores that an account has on the page, for the ten largest accounts."
    targets = [panels.query(expr, "{{account}}")]
    return panels.graph("Series", description, targets, "locale").min(0).decimals(0)


def _memory() -> panels.Panel:
    expr = f"max by (job) ({processes.of_exporters('process_resident_memory_bytes')})"
    description = "Resident memory of the largest process of each job."
    return panels.graph("Memory", description, [panels.query(expr, "{{job}}")], "bytes").min(0)
