"""Tables: a column for each label, and a column of numbers for each query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from grafana.source import panels
from grafana.source.colours import CHANGE_CELLS, SCORE_CELLS, Steps, thresholds


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: what it asks, and how its cells look."""

    expr: str
    unit: str = "none"
    decimals: int = 0
    steps: Steps | None = None
    words: Mapping[int, str] = field(default_factory=dict)


def scores(expr: str) -> Numbers:
    """Return a column of scores."""
    return Numbers(expr, decimals=1, steps=SCORE_CELLS)


def changes(expr: str) -> Numbers:
    """Return a column of differences between scores."""
    return Numbers(expr, decimals=1, steps=CHANGE_CELLS)


def counts(expr: str) -> Numbers:
    """Return a column of counts."""
    return Numbers(expr, "locale")


def make_table(
    title: str,
    description: str,
    labels: Sequence[str],
    numbers: Mapping[str, Numbers],
    *,
    has_pages: bool,
    hidden: Sequence[str] = (),
) -> tables.Panel:
    """Make a table with a row for each set of labels, in pages or as a whole.

    The columns are `labels`, then `numbers` by their headings; a heading among the labels puts its
    column there. Labels keep their names as fields, because links refer to them. `hidden` labels
    keep rows apart and are not shown.
    """
    letters = dict(zip("ABCDEFGHIJ", numbers, strict=False))
    targets = [panels.query_rows(numbers[name].expr, ref=ref) for ref, name in letters.items()]
    panel = panels.table(title, description, targets, has_pages=has_pages)
    only = len(numbers) == 1
    fields = {name: "Value" if only else f"Value #{ref}" for ref, name in letters.items()}
    own = [label for label in labels if label not in numbers]
    panel = panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    panel = _group(panel, (*own, *hidden), tuple(fields.values()))
    panel = _arrange(panel, dict.fromkeys([*labels, *numbers]), fields, hidden)
    for label in own:
        panel = _name_label(panel, label)
    for name, column in numbers.items():
        panel = _show_numbers(panel, name, column)
    return panel


def _group(panel: tables.Panel, labels: Sequence[str], fields: Sequence[str]) -> tables.Panel:
    """Take only the labels and the numbers.

    If no query returned a row, there are no labels, and this leaves no frame. Then Grafana shows
    the panel's `noValue`; of columns without rows, it shows the headings and "No rows".
    """
    grouped: dict[str, dict[str, object]] = {
        label: {"operation": "groupby", "aggregations": []} for label in labels
    }
    for name in fields:
        grouped[name] = {"operation": "aggregate", "aggregations": [_LAST]}
    options = {"fields": grouped}
    return panel.with_transformation(DataTransformerConfig(id_val="groupBy", options=options))


_LAST = "lastNotNull"


def _arrange(
    panel: tables.Panel, order: Iterable[str], fields: Mapping[str, str], hidden: Sequence[str]
) -> tables.Panel:
    """Order the columns, and give the numbers their headings."""
    grouped = {name: f"{field} ({_LAST})" for name, field in fields.items()}
    options = {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {grouped.get(column, column): place for place, column in enumerate(order)},
        "renameByName": {field: name for name, field in grouped.items()},
    }
    return panel.with_transformation(DataTransformerConfig(id_val="organize", options=options))


# Otherwise, the sentence that a table without any rows shows would stand in each empty cell.
_EMPTY_CELL = DynamicConfigValue("noValue", "-")


def _show_numbers(panel: tables.Panel, name: str, column: Numbers) -> tables.Panel:
    """Make a column as wide as its heading, with the arrow of a sorted column, and format it."""
    properties = [
        DynamicConfigValue("custom.width", max(70, 8 * len(name) + 34)),
        _EMPTY_CELL,
        DynamicConfigValue("unit", column.unit),
        DynamicConfigValue("decimals", column.decimals),
    ]
    if column.steps:
        filled = shapes.TableColoredBackgroundCellOptions(
            shapes.TableCellBackgroundDisplayMode.BASIC
        )
        properties.append(DynamicConfigValue("custom.cellOptions", filled))
        properties.append(DynamicConfigValue("thresholds", thresholds(column.steps).build()))
    if column.words:
        properties.append(_mapping({str(value): word for value, word in column.words.items()}))
    return panel.override_by_name(name, properties)


def _mapping(texts: Mapping[str, str]) -> DynamicConfigValue:
    return DynamicConfigValue("mappings", [panels.words(texts)])


def _name_label(panel: tables.Panel, label: str) -> tables.Panel:
    properties = [
        DynamicConfigValue("displayName", label.capitalize()),
        DynamicConfigValue("custom.filterable", True),
        DynamicConfigValue("unit", "string"),  # else a subuser called 0012 is shown as 12
        _EMPTY_CELL,
    ]
    return panel.override_by_name(label, properties)


def leave_empty(panel: tables.Panel, *names: str) -> tables.Panel:
    """Show nothing in the empty cells of columns: a dash would be a link, too."""
    for name in names:
        panel = panel.override_by_name(name, [DynamicConfigValue("noValue", " ")])
    return panel


def give_words(panel: tables.Panel, name: str, texts: Mapping[str, str]) -> tables.Panel:
    """Show words in place of a label's values."""
    return panel.override_by_name(name, [_mapping(texts)])


def title_column(panel: tables.Panel, name: str, title: str) -> tables.Panel:
    """Give a column another heading."""
    return panel.override_by_name(name, [DynamicConfigValue("displayName", title)])


def set_width(panel: tables.Panel, name: str, pixels: int) -> tables.Panel:
    """Give a column a fixed width."""
    return panel.override_by_name(name, [DynamicConfigValue("custom.width", pixels)])


def link_column(panel: tables.Panel, name: str, link: DashboardLink) -> tables.Panel:
    """Make the cells of a column links."""
    return panel.override_by_name(name, [DynamicConfigValue("links", [link.build()])])


def sort_by(panel: tables.Panel, name: str, *, descending: bool = False) -> tables.Panel:
    """Sort the rows by a column initially."""
    state = common.TableSortByFieldState().display_name(name).desc(descending)
    return panel.sort_by([state])
