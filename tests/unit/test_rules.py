"""The rules speak of metrics that exist, and each alert is explained and tested."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from seq_exporter.config.durations import parse_duration
from seq_exporter.publish.families import FAMILIES
from seq_exporter.publish.telemetry import Telemetry
from tests.support import ROOT

GROUPS: list[dict[str, Any]] = yaml.safe_load(
    (ROOT / "prometheus" / "seq-exporter.rules.yaml").read_text(encoding="utf-8")
)["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDS = {rule["record"]: rule for rule in RULES if "record" in rule}
NAMES = sorted({alert["alert"] for alert in ALERTS})
#: Those for people; the others are for Alertmanager only.
TOLD = [alert for alert in ALERTS if alert["labels"]["severity"] != "none"]
TOLD_NAMES = sorted({alert["alert"] for alert in TOLD})
CASES = [
    case
    for file in sorted((ROOT / "prometheus" / "tests").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]
]
EXAMPLE = yaml.safe_load(
    (ROOT / "prometheus" / "alertmanager.example.yaml").read_text(encoding="utf-8")
)
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
ALERTS_PAGE = PAGES["alerts.md"]

#: How many days a rule may look back: the file's head says so. With Prometheus' default retention
#: these know less than with a longer one.
MOST_DAYS = 15
LONG_TERM = {
    "account_subuser:sendgrid_seq_score:decline10d": 17,
    "account_subuser:sendgrid_seq_metric_score:decline10d": 17,
    "account_subuser:sendgrid_seq_score:decline28d": 35,
    "account_subuser:sendgrid_seq_metric_score:decline28d": 35,
    "account_subuser:sendgrid_seq_score:decline42d": 49,
    "account_subuser:sendgrid_seq_metric_score:decline42d": 49,
    "SeqScoreDeclining": 20,
    "SeqScoreDecliningLongTerm": 50,
}

METRIC = re.compile(r"(?<![\w:])(?:sendgrid_seq|seq_exporter)_[a-z_]+(?![\w:])")
RECORD = re.compile(r"\b[a-z_]+:[a-z0-9_]+:[a-z0-9_]+")
# A record as it has been until now, read by the rules that come before its own.
PAST = re.compile(rf"(last|max)_over_time\({RECORD.pattern}({{[^}}]*}})?\[[\w:]+\]( offset \w+)?\)")
# What a look-back is made of: a range, with a subquery's step, and an offset.
RANGE = re.compile(r"\[(\w+)(?::\w+)?\](?: offset (\w+))?| offset (\w+)")


def name_of(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def code_of(rule: dict[str, Any]) -> str:
    """Return the expression without its comments."""
    return re.sub(r"#.*", "", str(rule["expr"]))


def text_of(rule: dict[str, Any]) -> str:
    """Return all of it in which metrics are named: an annotation may ask for them too."""
    return code_of(rule) + str(rule.get("annotations", {}).get("description", ""))


def known_metrics() -> set[str]:
    own = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in Telemetry().describe()
    }
    return own | {family.name for family in FAMILIES}


def test_there_are_rules() -> None:
    assert len(NAMES) > 15
    assert len(RECORDS) > 5


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_metric_in_a_rule_exists(rule: dict[str, Any]) -> None:
    assert set(METRIC.findall(text_of(rule))) <= known_metrics()
    assert set(RECORD.findall(text_of(rule))) <= set(RECORDS)


def test_what_is_recorded_is_recorded_before_it_is_used() -> None:
    seen: set[str] = set()
    for rule in RULES:
        assert set(RECORD.findall(PAST.sub("", code_of(rule)))) <= seen
        seen.add(name_of(rule))


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_replicas_are_aggregated(rule: dict[str, Any]) -> None:
    code = re.sub(r"\s+", " ", code_of(rule))
    for found in METRIC.finditer(code):
        before = code[: found.start()]
        aggregation = before.rfind(" by (")
        assert aggregation >= 0, found[0]
        labels = before[aggregation:].partition("(")[2].partition(")")[0]
        # Nothing that the aggregation holds has been closed yet.
        inside = before[aggregation + len(f" by ({labels})") :]
        assert inside.count("(") > inside.count(")"), found[0]
        if found[0].startswith("sendgrid_seq_"):
            assert "account" in labels.split(", ")


def lookbacks(rule: dict[str, Any]) -> Iterator[float]:
    """Return how far back each selector looks, in days; the hour of a subquery's points too."""
    for length, offset, bare in RANGE.findall(code_of(rule)):
        points = "1h" if f"[{length}:" in code_of(rule) else "0s"
        parts = (length, offset, bare, points)
        yield sum(parse_duration(part) for part in parts if part) / 86400


def test_only_some_rules_need_more_than_fifteen_days() -> None:
    days = {
        name: int(max(max(lookbacks(r), default=0) for r in RULES if name_of(r) == name))
        for name in {name_of(rule) for rule in RULES}
    }
    assert {name: longest for name, longest in days.items() if longest > MOST_DAYS} == LONG_TERM


@pytest.mark.parametrize("alert", TOLD, ids=name_of)
def test_every_alert_is_whole(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"Seq([A-Z][a-z]+)+", alert["alert"])
    assert set(alert) - {"for", "keep_firing_for"} == {"alert", "expr", "labels", "annotations"}
    assert set(alert["labels"]) - {"since"} == {"severity"}
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    annotations = alert["annotations"]
    assert set(annotations) - {"status_url"} == {
        "summary",
        "description",
        "runbook_url",
        "dashboard_url",
    }
    assert annotations["summary"].endswith(".")
    assert "{{" not in annotations["summary"]
    assert "{{ $labels." in annotations["description"]
    assert annotations["runbook_url"].endswith(f"/docs/runbooks/{alert['alert']}.md")


@pytest.mark.parametrize("alert", TOLD, ids=name_of)
def test_every_alert_leads_to_a_dashboard(alert: dict[str, Any]) -> None:
    address = alert["annotations"]["dashboard_url"]
    # Where an alert is about a subuser or the account itself, it names a dashboard for each.
    named = re.findall(r"\bseq-\w+\b", address.partition("/d/")[2])
    assert named
    for uid in named:
        dashboard = json.loads((ROOT / "grafana" / f"{uid}.json").read_text(encoding="utf-8"))
        assert dashboard["uid"] == uid
        known = {variable["name"] for variable in dashboard["templating"]["list"]}
        if len(named) == 1:
            assert set(re.findall(r"\bvar-(\w+)=", address)) <= known


@pytest.mark.parametrize("alert", TOLD, ids=name_of)
def test_every_alert_about_a_subuser_leads_to_its_page(alert: dict[str, Any]) -> None:
    """An alert that is about an account itself, too, leads to the status page then."""
    page = "subuser?account={{ urlquery $labels.account }}&subuser={{ urlquery $labels.subuser }}"
    either = (
        "{{ if $labels.subuser }}subuser{{ end }}?account={{ urlquery $labels.account }}"
        "{{ with $labels.subuser }}&subuser={{ urlquery . }}{{ end }}"
    )
    found = alert["annotations"].get("status_url", "")
    if "var-subuser=" in alert["annotations"]["dashboard_url"]:
        assert found in [f"https://status.seq-exporter.example/{path}" for path in (page, either)]
    else:
        assert not found


def test_an_alert_that_mutes_others_is_for_nobody() -> None:
    mutes = [alert for alert in ALERTS if alert not in TOLD]
    assert {alert["alert"] for alert in mutes} == {"SeqMuteResolved"}
    for alert in mutes:
        assert set(alert) - {"keep_firing_for"} == {"alert", "expr", "labels"}
        matcher = f'of="{alert["labels"]["of"]}"'
        sources = [rule["source_matchers"] for rule in EXAMPLE["inhibit_rules"]]
        assert sum(matcher in source for source in sources) == 1


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert sorted(path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")) == TOLD_NAMES


@pytest.mark.parametrize("name", TOLD_NAMES)
def test_every_runbook_has_its_sections(name: str) -> None:
    text = (ROOT / "docs" / "runbooks" / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", text, re.M) == [
        "Meaning",
        "Impact",
        "Diagnosis",
        "Mitigation",
    ]
    assert set(METRIC.findall(text)) <= known_metrics()
    assert set(RECORD.findall(text)) <= set(RECORDS)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (ROOT / "docs" / "runbooks" / target).exists(), target


@pytest.mark.parametrize("alert", TOLD, ids=name_of)
def test_every_alert_is_in_the_table(alert: dict[str, Any]) -> None:
    rows = re.findall(rf"^\| \[`{alert['alert']}`\]\(runbooks/.*$", ALERTS_PAGE, re.M)
    assert len(rows) == 1
    _, _, _, wait, severities, action, _ = (cell.strip() for cell in rows[0].split("|"))
    assert wait == alert.get("for", "")
    assert alert["labels"]["severity"] in severities.split(", ")
    assert action


@pytest.mark.parametrize("page", PAGES)
def test_every_recorded_series_in_the_docs_exists(page: str) -> None:
    assert set(RECORD.findall(PAGES[page])) <= set(RECORDS)


def expectations(name: str) -> Iterator[bool]:
    """Return, of each case that names the alert, whether it must fire."""
    for case in CASES:
        for test in case.get("alert_rule_test", ()):
            if test["alertname"] == name:
                yield bool(test.get("exp_alerts"))


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_is_tested_both_ways(name: str) -> None:
    assert set(expectations(name)) == {True, False}


def test_the_example_of_alertmanager_speaks_of_alerts_that_exist() -> None:
    rules = EXAMPLE["inhibit_rules"]
    matchers = [
        matcher
        for part in (*rules, *EXAMPLE["route"]["routes"])
        for key in ("source_matchers", "target_matchers", "matchers")
        for matcher in part.get(key, ())
        if matcher.startswith("alertname")
    ]
    assert len(matchers) > 10
    for matcher in matchers:
        pattern = matcher.partition('"')[2].rstrip('"')
        for part in pattern.split("|") if "(" not in pattern else [pattern]:
            assert any(re.fullmatch(part, name) for name in NAMES), part
