"""The dashboard of the exporter: its polls, and the answers of SendGrid's API."""

from __future__ import annotations

from grafana_foundation_sdk.builders.stat import Panel as Number
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import Dashboard, ValueMap, ValueMappingResult

from grafana.source import columns, panels, promql
from grafana.source.colours import (
    BAD,
    FAULT_STEPS,
    GOOD,
    PLAIN_STEPS,
    WELL_STEPS,
)
from grafana.source.dashboard import DashboardLayout
from grafana.source.promql import select, select_process

#: The most lines in a graph with a line for each account: those that matter most.
_LINES = 10
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
    layout.place(8, (8, _requests()), (8, _request_time()), (8, _rate_limit()))
    layout.row("Scores")
    layout.place(8, (8, _age()), (8, _lag()), (8, _anomalies()))
    layout.row("Process")
    layout.place(8, (8, _scrape_time()), (8, _series()), (8, _memory()))
    return layout.build()


def _place_numbers(layout: DashboardLayout) -> None:
    number = panels.number
    up = f"sum({select_process('up')})"
    failing = f"count({_account_up()} == 0) or vector(0)"
    saving = f"sum(increase({select('seq_exporter_state_save_failures_total')}[$__range]))"
    version = f"count by (version) ({select_process('seq_exporter_build_info')})"
    layout.place(
        4,
        (
            4,
            number(
                "Exporters up", "Processes that Prometheus can scrape.", up, "short", WELL_STEPS
            ),
        ),
        (4, number("Accounts failing", _FAILING, failing, "short", FAULT_STEPS)),
        (4, _reloaded("Configuration", "seq_exporter_config_last_reload_successful")),
        (4, _reloaded("Web configuration", "seq_exporter_web_config_last_reload_successful")),
        (4, number("State not saved", _STATE, saving, "short", FAULT_STEPS)),
        (4, _version(version)),
    )


_FAILING = "Accounts whose last poll failed in at least one process. Their last good scores stay."
_STATE = "How often scores could not be written to state_dir, within the dashboard's time range."


def _account_up() -> str:
    return f"min by (account) ({select('seq_exporter_account_up')})"


def _reloaded(title: str, metric: str) -> Number:
    words = {
        "0": ValueMappingResult(text="failed", color=BAD),
        "1": ValueMappingResult(text="loaded", color=GOOD),
    }
    description = "Whether the last reload succeeded. If not, the old configuration stays in force."
    last = f"min({select_process(metric)})"
    panel = panels.number(title, description, last, "none", WELL_STEPS)
    return panel.mappings([ValueMap(words)])


def _version(expr: str) -> Number:
    description = "The running versions of seq-exporter, and how many processes run each."
    panel = panels.number("Version", description, expr, "short", PLAIN_STEPS)
    panel = panel.targets([panels.query_now(expr, "{{version}}")])
    return panel.text_mode(BigValueTextMode.VALUE_AND_NAME)


def _polls() -> panels.Panel:
    polls = f"sum(increase({select('seq_exporter_poll_duration_seconds_count')}{_RATE}))"
    failures = f"sum(increase({select('seq_exporter_poll_failures_total')}{_RATE}))"
    description = "How many polls ended in each hour, and how many of them failed."
    asked = [
        panels.query(f"{polls} - {failures}", "succeeded"),
        panels.query(failures, "failed", ref="B"),
    ]
    return panels.columns("Polls", description, asked, "short")


def _failures() -> panels.Panel:
    expr = f"sum by (reason) (increase({select('seq_exporter_poll_failures_total')}{_RATE}))"
    description = "Failed polls in each hour by reason; docs/metrics.md explains each reason."
    return panels.columns(
        "Failures by reason", description, [panels.query(expr, "{{reason}}")], "short"
    )


def _accounts() -> panels.Panel:
    ended = select("seq_exporter_last_successful_poll_timestamp_seconds")
    failed = select("seq_exporter_poll_failures_total")
    asked = {
        "Last poll": _account_up(),
        "Last success": f"time() - max by (account) ({ended})",
        "Failures": f"sum by (account) (increase({failed}[$__range]))",
        "Restored": f"max by (account) ({select('seq_exporter_scores_restored')})",
    }
    letters = dict(zip("ABCD", asked, strict=True))
    description = (
        "For each account: whether the last poll succeeded (1) or failed (0), the time since the "
        "last success, the number of failures within the dashboard's time range, and whether the "
        "scores still come from an earlier process (1)."
    )
    targets = [panels.query_rows(asked[name], ref=letter) for letter, name in letters.items()]
    panel = panels.table("Accounts", description, targets, "short", PLAIN_STEPS)
    panel = columns.name_columns(panel, ("account",), letters)
    panel = columns.color_column(panel, "Last poll", WELL_STEPS)
    panel = columns.give_unit(columns.give_unit(panel, "Last poll", "none"), "Last success", "s")
    panel = columns.link_column(panel, "account", columns.link_row_to_account())
    return columns.sort_by(panel, "Last success", descending=True)


def _poll_time() -> panels.Panel:
    took = f"sum by (le) (rate({select('seq_exporter_poll_duration_seconds_bucket')}{_RATE}))"
    targets = [
        panels.query(f"histogram_quantile(0.5, {took})", "median"),
        panels.query(f"histogram_quantile(0.95, {took})", "95th percentile", ref="B"),
    ]
    description = "How long polls take, including all their requests and waits."
    return panels.graph("Poll duration", description, targets, "s", "1h").min(0)


def _requests() -> panels.Panel:
    expr = f"sum by (code) (increase({select('seq_exporter_api_requests_total')}{_RATE}))"
    description = "Requests to SendGrid in each hour by HTTP status; error: no complete answer."
    return panels.columns(
        "API requests by code", description, [panels.query(expr, "{{code}}")], "short"
    )


def _request_time() -> panels.Panel:
    took = select_process("seq_exporter_api_request_duration_seconds_bucket")
    expr = f"histogram_quantile(0.95, sum by (le, endpoint) (rate({took}{_RATE})))"
    description = "The time within which 95 of 100 requests were answered, by endpoint."
    targets = [panels.query(expr, "{{endpoint}}")]
    return panels.graph("Request duration", description, targets, "s", "1h").min(0)


def _rate_limit() -> panels.Panel:
    left = f"min by (account) ({select('seq_exporter_api_rate_limit_remaining')})"
    limit = f"max by (account) ({select('seq_exporter_api_rate_limit')})"
    description = (
        "The share of the requests in SendGrid's window that was left after the last one, for the "
        "ten accounts with the least. All programs with the account's key share the limit."
    )
    targets = [panels.query(f"bottomk({_LINES}, {left} / {limit})", "{{account}}")]
    return panels.graph("Rate limit left", description, targets, "percentunit").min(0).max(1)


def _age() -> panels.Panel:
    day = promql.newest_day(by="account, scope")
    description = (
        "The age of the scores, counted from midnight UTC of their day: the ten oldest. It falls "
        "by a day whenever a new day appears; two to three days are normal."
    )
    targets = [panels.query(f"topk({_LINES}, time() - {day})", "{{account}} {{scope}}")]
    return panels.graph("Age of the scores", description, targets, "s").min(0)


def _lag() -> panels.Panel:
    description = (
        "The time from a day's end (UTC) until the exporter first saw its scores, for the ten "
        "latest accounts. Empty until a new day has appeared while the exporter was running."
    )
    latest = f"topk({_LINES}, {promql.publishing_delay()})"
    targets = [panels.query(latest, "{{account}} {{scope}}")]
    return panels.graph("SendGrid's publishing delay", description, targets, "s").min(0)


def _anomalies() -> panels.Panel:
    expr = f"sum by (kind) (increase({select('seq_exporter_anomalies_total')}{_RATE}))"
    description = "Values that did not match SendGrid's documentation, in each hour by kind."
    return panels.columns("Anomalies", description, [panels.query(expr, "{{kind}}")], "short")


def _scrape_time() -> panels.Panel:
    expr = f"max by (job) ({select_process('scrape_duration_seconds')})"
    description = "How long Prometheus takes to scrape the slowest process of each job."
    targets = [panels.query(expr, "{{job}}")]
    return panels.graph("Scrape duration", description, targets, "s").min(0)


def _series() -> panels.Panel:
    expr = f"topk({_LINES}, max by (account) ({select('seq_exporter_account_series')}))"
    description = "Series of scores that an account has on the page, for the ten largest accounts."
    targets = [panels.query(expr, "{{account}}")]
    return panels.graph("Series", description, targets, "short").min(0)


def _memory() -> panels.Panel:
    expr = f"max by (job) ({select_process('process_resident_memory_bytes')})"
    description = "Resident memory of the largest process of each job."
    return panels.graph("Memory", description, [panels.query(expr, "{{job}}")], "bytes").min(0)
