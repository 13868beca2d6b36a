"""The dashboard of the exporter: its polls, and the answers of SendGrid's API."""

from __future__ import annotations

from grafana_foundation_sdk.builders.stat import Panel as Number
from grafana_foundation_sdk.builders.timeseries import Panel as Graph
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import Dashboard, ValueMap, ValueMappingResult

from grafana.source import columns, panels, promql
from grafana.source.colours import BAD, FAULT_CELLS, GOOD, PLAIN_STEPS, WELL_CELLS
from grafana.source.dashboard import DashboardLayout
from grafana.source.promql import select, select_process, ten

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
    down = f"sum({_of_exporters('up')} == bool 0)"
    failing = f"sum({_account_up()} == bool 0)"
    saving = f"sum(increase({select('seq_exporter_state_save_failures_total')}[$__range]))"
    exporters = number("Exporters down", _DOWN, down, "locale", FAULT_CELLS)
    layout.place(
        4,
        (4, exporters.no_value("none known")),
        (4, number("Accounts failing", _FAILING, failing, "locale", FAULT_CELLS)),
        (4, _reloaded("Configuration", "seq_exporter_config_last_reload_successful")),
        (4, _reloaded("Web configuration", "seq_exporter_web_config_last_reload_successful")),
        (4, number("State not saved", _STATE, saving, "locale", FAULT_CELLS)),
        (4, _version()),
    )


def _of_exporters(metric: str) -> str:
    """Return the series of a metric that other targets of Prometheus have, too."""
    known = f"last_over_time({select_process('seq_exporter_build_info')}[7d])"
    return f"({select_process(metric)} and on (job, instance) {known})"


_DOWN = (
    "Processes that Prometheus cannot scrape now, of those that it could scrape within the last 7 "
    "days."
)
_FAILING = "Accounts whose last poll failed in at least one process. Their last good scores stay."
_STATE = "How often scores could not be written to state_dir, within the dashboard's time range."


def _account_up() -> str:
    return f"min by (account) ({select('seq_exporter_account_up')})"


def _reloaded(title: str, metric: str) -> Number:
    words = {"0": ValueMappingResult(text="failed"), "1": ValueMappingResult(text="loaded")}
    description = "Whether the last reload succeeded. If not, the old configuration stays in force."
    last = f"min({select_process(metric)})"
    panel = panels.number(title, description, last, "none", WELL_CELLS)
    return panel.mappings([ValueMap(words)])


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
    return panels.paint(panels.paint(panel, "succeeded", GOOD), "failed", BAD)


def _failures() -> panels.Panel:
    expr = f"sum by (reason) (increase({select('seq_exporter_poll_failures_total')}{_RATE}))"
    description = "Failed polls by reason; docs/metrics.md explains each reason."
    targets = [panels.query(f"{expr} > 0", "{{reason}}")]
    return panels.bars_over_time("Failures by reason", description, targets).no_value(
        "No failed poll is known."
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
        "For each account: whether the last poll succeeded, the time since the last success, the "
        "number of failures within the dashboard's time range, and whether the scores still come "
        "from an earlier process."
    )
    targets = [panels.query_rows(asked[name], ref=letter) for letter, name in letters.items()]
    panel = panels.table("Accounts", description, targets, has_pages=True)
    panel = columns.name_columns(panel, ("account",), letters)
    panel = columns.color_column(panel, "Last poll", WELL_CELLS)
    panel = columns.give_unit(panel, "Failures", "none")
    panel = columns.give_words(panel, "Last poll", {0: "failed", 1: "succeeded"})
    panel = columns.give_words(panel, "Restored", {0: "no", 1: "yes"})
    panel = columns.give_unit(panel, "Last success", "s")
    panel = columns.link_column(panel, "account", columns.link_row_to_account())
    panel = panel.no_value("No account is polled: is the exporter scraped?")
    return columns.sort_by(panel, "Last success", descending=True)


def _poll_time() -> panels.Panel:
    took = f"sum by (le) (rate({select('seq_exporter_poll_duration_seconds_bucket')}{_RATE}))"
    targets = [
        panels.query(f"histogram_quantile(0.5, {took})", "median"),
        panels.query(f"histogram_quantile(0.95, {took})", "95th percentile", ref="B"),
    ]
    description = "How long polls take, including all their requests and waits."
    return _duration(panels.graph("Poll duration", description, targets, "s"))


def _duration(panel: Graph) -> Graph:
    # An account is polled every quarter of an hour: between the polls there is no duration.
    return panel.max_data_points(144).span_nulls(True).min(0)


def _requests() -> panels.Panel:
    expr = f"sum by (code) (increase({select('seq_exporter_api_requests_total')}{_RATE}))"
    description = "Requests to SendGrid by HTTP status; error: no complete answer."
    return panels.bars_over_time(
        "API requests by code", description, [panels.query(expr, "{{code}}")]
    )


def _request_time() -> panels.Panel:
    took = select_process("seq_exporter_api_request_duration_seconds_bucket")
    expr = f"histogram_quantile(0.95, sum by (le, endpoint) (rate({took}{_RATE})))"
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
    least = ten(f"{left} / {limit}", by="account", most=False)
    panel = panels.graph(
        "Rate limit left", description, [panels.query(least, "{{account}}")], "percentunit"
    )
    return panel.min(0).max(1).decimals(0)


def _age() -> panels.Panel:
    day = promql.newest_day(by="account, scope")
    description = (
        "The age of the scores, counted from midnight UTC of their day: the ten oldest. It falls "
        "by a day whenever a new day appears; two to three days are normal."
    )
    oldest = ten(f"time() - {day}", by="account, scope")
    targets = [panels.query(oldest, "{{account}} {{scope}}")]
    panel = panels.graph("Age of the scores", description, targets, "s", "10m")
    return panel.min(0).decimals(1)


def _lag() -> panels.Panel:
    description = (
        "The time from a day's end (UTC) until the exporter first saw its scores, for the ten "
        "latest accounts."
    )
    latest = ten(promql.publishing_delay(), by="account, scope")
    targets = [panels.query(latest, "{{account}} {{scope}}")]
    panel = panels.graph("SendGrid's publishing delay", description, targets, "s", "10m")
    return panel.min(0).decimals(1).no_value("No new day has appeared since the exporter started.")


def _anomalies() -> panels.Panel:
    expr = f"sum by (kind) (increase({select('seq_exporter_anomalies_total')}{_RATE}))"
    description = "Values that did not match SendGrid's documentation, by kind."
    targets = [panels.query(f"{expr} > 0", "{{kind}}")]
    return panels.bars_over_time("Anomalies", description, targets).no_value(
        "No odd value is known."
    )


def _scrape_time() -> panels.Panel:
    expr = f"max by (job) ({_of_exporters('scrape_duration_seconds')})"
    description = "How long Prometheus takes to scrape the slowest process of each job."
    targets = [panels.query(expr, "{{job}}")]
    return panels.graph("Scrape duration", description, targets, "s").min(0)


def _series() -> panels.Panel:
    expr = ten(f"max by (account) ({select('seq_exporter_account_series')})", by="account")
    description = "Series of scores that an account has on the page, for the ten largest accounts."
    targets = [panels.query(expr, "{{account}}")]
    return panels.graph("Series", description, targets, "short").min(0)


def _memory() -> panels.Panel:
    expr = f"max by (job) ({_of_exporters('process_resident_memory_bytes')})"
    description = "Resident memory of the largest process of each job."
    return panels.graph("Memory", description, [panels.query(expr, "{{job}}")], "bytes").min(0)
