"""What the oldest and the newest supported release of Grafana show of each panel's answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seq_exporter.scores import METRICS
from tests.grafana.conftest import PROBES, Panel

#: WCAG 2, level AA, for text of the usual size.
LEAST_CONTRAST = 4.5
#: Names that a person should not have to read.
RAW_NAME = re.compile(r"Time|Value( #\w+)?|__name__")
#: The texts that a number of each kind may have; a word may stand for it.
FORMS = {
    "score": re.compile(r"[-+]?\d+\.\d|\D*"),
    "count": re.compile(r"[^.]*"),
    "date": re.compile(r"(?!.*\d:\d\d).*"),
}


def test_each_override_matches_a_field(panels: list[Panel]) -> None:
    assert_none(
        f"{panel} ({panel.case}): {name}"
        for panel in panels
        if panel.has_data
        for name in panel.shown["unmatched"]
        if name not in panel.painted
    )


def test_what_has_no_rows_says_so(panels: list[Panel]) -> None:
    """See that Grafana does not show a table's headings with "No rows" below them."""
    assert_none(
        f"{panel} ({panel.case}): {panel.shown['words']}"
        for panel in panels
        if not panel.has_data
        if panel.shown["words"] != panel.json["fieldConfig"]["defaults"]["noValue"]
    )


def test_a_table_has_the_columns_that_it_promises_in_that_order(panels: list[Panel]) -> None:
    assert_none(
        f"{panel} ({panel.case}): {found}, not {promised}"
        for panel in list_tables(panels)
        for found, promised in [([f["rawName"] for f in panel.visible], list_promised(panel))]
        if found != promised
    )


def test_no_column_has_a_raw_name(panels: list[Panel]) -> None:
    assert_none(
        f"{panel} ({panel.case}): {field['name']}"
        for panel in list_tables(panels)
        for field in panel.visible
        if RAW_NAME.fullmatch(field["name"])
    )


def test_metrics_are_named_in_words(panels: list[Panel]) -> None:
    assert_none(
        f"{panel}: {field['name']}: {cell['text']}"
        for panel in list_tables(panels)
        for field in panel.visible
        for cell in field["cells"]
        if cell["text"] in METRICS
    )


def test_a_table_has_one_row_for_each_set_of_shared_labels(panels: list[Panel]) -> None:
    for panel in list_tables(panels):
        shared = panel.shared_labels
        labels = [f["cells"] for f in panel.shown["fields"] if f["rawName"] in shared]
        rows = [tuple(cell["text"] for cell in row) for row in zip(*labels, strict=True)]
        assert len(rows) == len(set(rows)) > 0, str(panel)


def test_what_is_missing_has_no_colour(panels: list[Panel]) -> None:
    assert_none(
        f"{name}: {cell['text'] or 'null'} is {cell['color']}"
        for panel in panels
        for name, cell in list_shown(panel)
        if cell["color"] and (cell["value"] is None)
    )


def test_what_is_there_is_not_painted_as_missing(panels: list[Panel]) -> None:
    assert_none(
        f"{panel}: {field['name']}: {cell['value']} is below {field['lowest']}"
        for panel in panels
        for field in panel.visible
        for cell in field["cells"]
        if cell["contrast"] is not None and cell["value"] is not None
        if field["lowest"] is not None and cell["value"] < field["lowest"]
    )


def test_text_is_legible_on_its_colour(panels: list[Panel]) -> None:
    assert_none(
        f"{name}: {cell['color']} has a contrast of {cell['contrast']:.2f}"
        for panel in panels
        for name, cell in list_shown(panel)
        if cell["text"] and cell["contrast"] is not None and cell["contrast"] < LEAST_CONTRAST
    )


def test_numbers_have_the_decimals_of_their_kind(panels: list[Panel]) -> None:
    assert_none(
        f"{panel}: {field['name']}: the {kind} {wrong[0]['value']} is {wrong[0]['text']!r}"
        for panel in panels
        for field in panel.visible
        if field["type"] == "number" and (kind := find_kind(panel, field))
        if (wrong := [cell for cell in list_numbers(field, kind) if not has_form(kind, cell)])
    )


def list_numbers(field: Mapping[str, Any], kind: str) -> list[Any]:
    """Return a field's numbers, and some of its kind, unless there is a word for each of them."""
    more = [] if field["hasWords"] else field["probes"]
    return [*field["cells"], *(cell for cell in more if cell["value"] in PROBES[kind])]


def has_form(kind: str, cell: Mapping[str, Any]) -> bool:
    return FORMS[kind].fullmatch(cell["text"]) is not None


def assert_none(problems: Iterable[str]) -> None:
    found = sorted(set(problems))
    assert not found, "\n".join(found)


def list_tables(panels: list[Panel]) -> list[Panel]:
    """Return the tables that have rows."""
    return [panel for panel in panels if panel.has_data and panel.json["type"] == "table"]


def list_promised(panel: Panel) -> list[str]:
    """Return the columns that are to be visible, in the order that the panel gives them."""
    (organize,) = (t["options"] for t in panel.json["transformations"] if t["id"] == "organize")
    order = sorted(organize["indexByName"], key=organize["indexByName"].__getitem__)
    hidden = {field["rawName"] for field in panel.shown["fields"] if field["hidden"]}
    return [name for name in order if name not in hidden]


def list_shown(panel: Panel) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return all that a panel shows or may show, each with a name for it."""
    for field in panel.visible:
        name = f"{panel}: {field['name']}" if panel.json["type"] == "table" else str(panel)
        for cell in field["cells"] + field["probes"] + field["limits"]:
            yield name, cell
    for cell in panel.shown["noData"]:
        yield str(panel), cell


def find_kind(panel: Panel, field: Mapping[str, Any]) -> str | None:
    """Return what a field's numbers are; a graph may shorten counts."""
    unit = field["unit"] or "none"
    if re.match(r"dateTime|time:", unit):
        return "date"
    if unit not in ("none", "short", "locale"):
        return None
    expression = panel.find_query(field).expression
    counted = re.search(r"\b(count|sum)|timestamp\(|_subusers|increase\(", expression)
    if re.search(r'score[{"]', expression) and not counted:
        return "score"
    return "count" if panel.json["type"] in ("stat", "bargauge", "table") else None
