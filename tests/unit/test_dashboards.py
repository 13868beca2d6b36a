"""The committed dashboards: current, complete, and as Grafana's dashboard-linter wants them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import yaml

from grafana.queries import list_panels
from grafana.source.files import render_all
from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.publish.families import FAMILIES
from seq_exporter.publish.telemetry import Telemetry
from seq_exporter.sendgrid.anomalies import ANOMALY_KINDS
from seq_exporter.web.templates import link_subuser
from tests.support import ROOT

FOLDER = ROOT / "grafana"
NAMES = ("seq-exporter.json", "seq-fleet.json", "seq-subuser.json")
DASHBOARDS: dict[str, Any] = {
    name: json.loads((FOLDER / name).read_text(encoding="utf-8")) for name in NAMES
}
PANELS: dict[str, Any] = {
    f"{name.removesuffix('.json')} {panel['id']} {panel['title']}": panel
    for name, dashboard in DASHBOARDS.items()
    for panel in list_panels(dashboard)
    if panel["type"] != "row"
}
EXPRESSIONS = {
    f"{name} {target['refId']}": target["expr"]
    for name, panel in PANELS.items()
    for target in panel.get("targets", ())
}
EACH_PANEL = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
EACH_QUERY = pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
EACH = pytest.mark.parametrize("name", NAMES)
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: Of Grafana's many units, those that are used.
UNITS = {"none", "locale", "short", "s", "bytes", "percent", "dateTimeFromNow"}
# Grafana makes 13.9 hours and 2.3 days of seconds.
UNITS |= {"suffix:days", "suffix:down", "suffix:hours"}
#: What a number says where it is not known: no word that reads as good news.
UNKNOWN = {"no data", "no scores", "none", "not known"}
#: A selector of what is published or an alert; a recorded series has a colon in its name.
SELECTOR = re.compile(r"(?<![\w:$])([a-zA-Z_]*)\{((?:\$\{[\w:]+\}|[^}])*)\}")
#: What is published for each subuser.
OF_EVERY_SUBUSER = {
    "sendgrid_seq_score",
    "sendgrid_seq_metric_score",
    "sendgrid_seq_subuser_eligible",
}


def test_the_files_are_what_the_code_makes() -> None:
    made = render_all()
    assert sorted(made) == sorted(path.name for path in FOLDER.glob("*.json"))
    for name, content in made.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == content, "run `make dashboards`"


@EACH
def test_a_dashboard_can_be_provisioned_anywhere(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["uid"] == name.removesuffix(".json")
    assert dashboard.get("id") is None
    assert "__inputs" not in dashboard
    assert dashboard["editable"] is False
    assert dashboard["timezone"] == "utc"
    assert dashboard["tags"] == ["seq-exporter", "sendgrid"]
    assert dashboard["description"].endswith(".")
    # 36 is what Grafana 10.4 knows; newer ones bring it up to date themselves.
    assert dashboard["schemaVersion"] == 36
    link, *_ = dashboard["links"]
    assert (link["type"], link["tags"]) == ("dashboards", ["seq-exporter"])
    assert (link["includeVars"], link["keepTime"]) == (True, True)


@EACH
def test_the_variables_are_as_the_linter_wants_them(name: str) -> None:
    source, job, account, *_ = variables = DASHBOARDS[name]["templating"]["list"]
    assert (source["name"], source["type"], source["query"], source["label"]) == (
        "datasource",
        "datasource",
        "prometheus",
        "Data source",
    )
    for variable, called in ((job, "job"), (account, "account")):
        assert variable["name"] == called
        assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (
            True,
            True,
            ".+",
        )
    for variable in variables[1:]:
        assert variable["label"]
        if variable["type"] == "query":
            assert variable["datasource"] == SOURCE
            assert variable["refresh"] == 2  # when the time changes
            asked = r"label_values\(.+, [a-z_]+\)|query_result\(.+\)"
            assert re.fullmatch(asked, variable["query"])


@pytest.mark.parametrize("name", ["it's", 'a"b', 'a"} 1', "back\\slash", "${x}", "ünï"])
def test_the_ten_are_found_whatever_their_names_are(name: str) -> None:
    variables = DASHBOARDS["seq-fleet.json"]["templating"]["list"]
    found = [each for each in variables if each["query"].startswith("query_result(")]
    assert [each["name"] for each in found] == ["lowest", "fallen"]
    # Grafana writes a series like this, and escapes nothing.
    text = f'{{account="a",subuser="{name}"}} 4.2 1795718188000'
    for variable in found:
        assert re.findall(variable["regex"].strip("/"), text) == [name]
        # Nobody sees it, and all of its values count.
        assert (variable["hide"], variable["current"]["value"]) == (2, ["$__all"])


@pytest.mark.parametrize(
    ("title", "variable"), [("Lowest scores now", "lowest"), ("Fell most in 7 days", "fallen")]
)
def test_a_list_of_ten_reads_only_the_ten(title: str, variable: str) -> None:
    of_the_ten = f"subuser=~`${{{variable}:regex}}`"
    expressions = [each for name, each in EXPRESSIONS.items() if f" {title} " in name]
    assert len(expressions) == 3
    for expression in expressions:
        read = [each for each in SELECTOR.finditer(expression) if each[1] in OF_EVERY_SUBUSER]
        assert read
        assert all(of_the_ten in each[2] for each in read)


@EACH
def test_panels_lie_beside_one_another(name: str) -> None:
    panels = list(list_panels(DASHBOARDS[name]))
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [set(cells_of(panel["gridPos"])) for panel in panels]
    assert not any(one & other for one, other in combinations(cells, 2))
    assert {x for cell in cells for x, _ in cell} == set(range(24))


def cells_of(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y


@EACH_PANEL
def test_every_panel_explains_itself(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    if panel["type"] == "text":
        assert panel["options"]["content"]
        return
    assert panel["datasource"] == SOURCE
    assert panel["targets"]
    assert all(target["datasource"] == SOURCE for target in panel["targets"])
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@EACH_QUERY
def test_every_query_is_as_the_linter_wants_it(expression: str) -> None:
    # Not the rule that asks for a matcher of `instance`: scores are taken together over replicas,
    # and which of them told a score says nothing.
    selectors = SELECTOR.findall(expression)
    assert selectors
    for name, matchers in selectors:
        if name != "ALERTS":  # whose series have no job
            assert 'job=~"$job"' in matchers, name
            assert selected_metrics(name, matchers)
    for function in re.findall(r"(\w+)\([a-z_]+_total\{", expression):
        assert function in ("rate", "increase")
    assert all(
        window == "$__rate_interval" for window in re.findall(r"rate\([^[]*\[([^]]*)\]", expression)
    )


@EACH_PANEL
def test_nothing_looks_like_the_worst(panel: dict[str, Any]) -> None:
    """See that what is missing has no colour, and words: Grafana paints it as the lowest step."""
    for steps in find_values(panel, "steps"):
        if isinstance(steps, list):
            assert (steps[0]["value"], steps[0]["color"]) == (None, "transparent")
    if panel["type"] != "text":
        assert panel["fieldConfig"]["defaults"]["noValue"]
    for target in panel.get("targets", ()):
        assert "vector(" not in target["expr"]  # a number where nothing is scraped


@EACH_PANEL
def test_what_is_missing_is_said(panel: dict[str, Any]) -> None:
    """See that a number has a short word for it, and all else a sentence."""
    if panel["type"] == "text":
        return
    words = panel["fieldConfig"]["defaults"]["noValue"]
    if panel["type"] in ("stat", "bargauge"):
        assert words in UNKNOWN
    else:
        assert re.fullmatch(r"(No|Nothing) .*[.?]", words)


@EACH_PANEL
def test_bars_have_colours_of_their_own(panel: dict[str, Any]) -> None:
    """See that a palette does not give a failure the green of success."""
    if "bars" in find_values(panel, "drawStyle"):
        overrides = panel["fieldConfig"]["overrides"]
        colors = [color["fixedColor"] for color in find_values(overrides, "value")]
        assert len(colors) == len(set(colors)) > 1
        assert not [color for color in colors if "green" in color]


@EACH_PANEL
def test_a_name_is_no_number(panel: dict[str, Any]) -> None:
    """See that labels are shown as they are: by itself, Grafana makes 12 of a subuser `0012`."""
    if panel["type"] != "table":
        return
    (organize,) = (t for t in panel["transformations"] if t["id"] == "organize")
    names = organize["options"]["indexByName"]
    strings = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if {"id": "unit", "value": "string"} in override["properties"]
    }
    assert strings == {name for name in names if not name.startswith("Value")}


@EACH_PANEL
def test_grafana_13_knows_every_option(panel: dict[str, Any]) -> None:
    written = json.dumps(panel)
    assert "custom.hidden" not in written
    if panel["type"] == "table":
        assert panel["options"]["footer"].keys() == {"enablePagination"}


@EACH_PANEL
def test_a_list_of_ten_shows_ten(panel: dict[str, Any]) -> None:
    if panel["type"] == "table" and not panel["options"]["footer"]["enablePagination"]:
        rows = 10 if "bottomk(10" in panel["targets"][0]["expr"] or "topk(10" in str(panel) else 6
        # A row has 36 pixels, and so has the heading; the panel's title and edges have 48.
        assert panel["gridPos"]["h"] * 38 - 8 >= 48 + 36 * (rows + 1), panel["title"]


@EACH_PANEL
def test_colours_follow_the_number_of_a_line(panel: dict[str, Any]) -> None:
    """See that they do not follow its name: two names often share a colour."""
    assert "palette-classic-by-name" not in find_values(panel, "mode")


@EACH_QUERY
def test_names_may_hold_any_character(expression: str) -> None:
    """See that they stand in backticks, in which Grafana's formats need no further escapes."""
    for operator, value in re.findall(
        r"(?:account|subuser)(=~?)(.[^,}]*\$\{.*?\}.*?[`\"])", expression
    ):
        assert value[0] == value[-1] == "`", expression
        assert ("regex" if operator == "=~" else "raw") == re.findall(r":(\w+)\}", value)[0]
    for variable in ("account", "owner", "subuser", "search"):
        found = re.findall(rf"\$\{{?{variable}\b[:\w]*", expression)
        assert set(found) <= {f"${{{variable}:regex", f"${{{variable}:raw"}, expression


@pytest.mark.parametrize("name", PANELS)
def test_the_ten_are_the_same_ten_at_each_step(name: str) -> None:
    for target in PANELS[name].get("targets", ()):
        if target.get("range") and re.search(r"(?:top|bottom)k\(", target["expr"]):
            chosen = re.split(r"(?:top|bottom)k\(10, ", target["expr"])[1]
            selected = re.findall(r"\}(?!`)(?:\[[$\w]+\])?( @ end\(\))?", chosen)
            assert set(selected) == {" @ end()"}


def find_values(part: Any, key: str) -> Iterator[Any]:
    """Yield each value of a key, however deep."""
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == key)
    children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for child in children:
        yield from find_values(child, key)


@EACH_QUERY
def test_replicas_are_aggregated(expression: str) -> None:
    assert re.search(r"\b(sum|min|max|count)( by \([a-z, ]+\))? \(|sum\(|min\(", expression)
    for found in SELECTOR.finditer(expression):
        if "sendgrid_seq_" in found[0]:
            assert "max by (account" in expression[: found.start()]


@EACH_QUERY
def test_outdated_replicas_do_not_count(expression: str) -> None:
    for found in SELECTOR.finditer(expression):
        if expression[found.end() :].startswith("[1h])) == 0"):
            continue  # subusers that have lost their score: what that costs is more than it helps
        if "sendgrid_seq_" in found[0] and "_timestamp_seconds{" not in found[0]:
            merged = r"\[25h\]( @ end\(\))?( offset \w+)?\)(, [a-z\", ]+\))? unless ignoring \("
            assert re.match(merged, expression[found.end() :]), found[0]


def selected_metrics(name: str, matchers: str) -> set[str]:
    """Return the metrics that a selector finds: by its name, or by a matcher of names."""
    by_name = re.search(r'__name__=~"([^"]*)"', matchers)
    return {each for each in known_metrics() if re.fullmatch(by_name[1] if by_name else name, each)}


def known_metrics() -> set[str]:
    """Return what Prometheus knows once it has scraped the exporter."""
    own = {sample for family in Telemetry().describe() for sample in names_of(family)}
    by_prometheus = {"up", "scrape_duration_seconds"}
    of_every_process = {"process_resident_memory_bytes"}
    return own | {family.name for family in FAMILIES} | by_prometheus | of_every_process


def names_of(family: Any) -> set[str]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {family.name + suffix for suffix in suffixes.get(family.type, ("",))}


def test_the_provisioning_files_name_each_other() -> None:
    (provider,) = load("dashboards/seq-exporter.yaml")["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"].startswith("/")
    (source,) = load("datasources/prometheus.yaml")["datasources"]
    assert source["type"] == "prometheus"


def test_every_failure_and_every_anomaly_has_a_colour() -> None:
    for title, names in (
        ("Failures by reason", POLL_FAILURE_REASONS),
        ("Anomalies", ANOMALY_KINDS),
    ):
        (panel,) = (panel for panel in PANELS.values() if panel["title"] == title)
        overrides = panel["fieldConfig"]["overrides"]
        assert {each["matcher"]["options"] for each in overrides} == set(names)


def test_the_linter_knows_which_panels_have_a_unit_of_ours() -> None:
    rules = yaml.safe_load((FOLDER / ".lint").read_text(encoding="utf-8"))["exclusions"]
    excluded = {(each["dashboard"], each["panel"]) for each in rules["panel-units-rule"]["entries"]}
    assert excluded == {
        (dashboard["title"], panel["title"])
        for dashboard in DASHBOARDS.values()
        for panel in list_panels(dashboard)
        if "suffix:" in panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
    }


def load(name: str) -> Any:
    return yaml.safe_load((FOLDER / "provisioning" / name).read_text(encoding="utf-8"))


def test_the_dashboard_of_a_subuser_has_the_path_of_its_page() -> None:
    """See that names are in the path only: whoever pastes a command would run what is in a name."""
    (note,) = [panel for panel in PANELS.values() if panel["title"] == "Why it changed"]
    content = note["options"]["content"]
    path = link_subuser("ACCOUNT", "SUBUSER")
    path = path.replace("ACCOUNT", "${owner:percentencode}")
    assert f"\n/{path.replace('SUBUSER', '${subuser:percentencode}')}\n" in content
    assert content.count("${") == 2
