"""Columns of tables, and links from one dashboard to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataTransformerConfig,
    DynamicConfigValue,
    ValueMap,
    ValueMappingResult,
)

from grafana.source.colours import SCORE_CELLS, Steps, thresholds

# Link targets: the selection is kept, except for the values that the row sets.
_CHOICES = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
_TO_SUBUSER = f"/d/seq-subuser?{_CHOICES}&var-account={{account}}&var-subuser={{subuser}}"
_TO_FLEET = f"/d/seq-fleet?{_CHOICES}&var-account={{account}}"


def link_row_to_subuser() -> DashboardLink:
    """Link a table's row to its subuser."""
    return _link(
        "Show ${__data.fields.subuser}", _TO_SUBUSER, "${{__data.fields.{}:percentencode}}"
    )


def link_row_to_account() -> DashboardLink:
    """Link a table's row to the fleet of its account."""
    return _link("Only ${__data.fields.account}", _TO_FLEET, "${{__data.fields.{}:percentencode}}")


def link_to_fleet(variable: str) -> DashboardLink:
    """Link a dashboard to the fleet of the account that a variable holds."""
    address = _TO_FLEET.replace("{account}", f"${{{variable}:percentencode}}")
    link = DashboardLink("Fleet of this account").type(DashboardLinkType.LINK).url(address)
    return link.icon("dashboard").target_blank(False)


def name_columns(
    panel: tables.Panel, order: Sequence[str], names: Mapping[str, str], hidden: Sequence[str] = ()
) -> tables.Panel:
    """Put the columns into an order, with the targets' values under their names.

    `names` maps the targets' letters to column names. `order` holds labels, and perhaps names of
    values; the other values follow. Labels keep their names as fields, because links refer to them.
    """
    only = len(names) == 1
    fields = {name: "Value" if only else f"Value #{ref}" for ref, name in names.items()}
    whole = dict.fromkeys([*order, *fields])
    organize = {
        "excludeByName": dict.fromkeys(("Time", *hidden), True),
        "indexByName": {fields.get(column, column): place for place, column in enumerate(whole)},
        "renameByName": {field: name for name, field in fields.items()},
    }
    if not only:
        panel = panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    panel = panel.with_transformation(DataTransformerConfig(id_val="organize", options=organize))
    for column in whole:
        panel = _widen(panel, column) if column in fields else _name_label(panel, column)
    return panel


# Otherwise, the sentence that a table without any rows shows would stand in each empty cell.
_EMPTY_CELL = DynamicConfigValue("noValue", "-")


def _widen(panel: tables.Panel, name: str) -> tables.Panel:
    """Make a column of numbers as wide as its heading, with the arrow of a sorted column."""
    width = DynamicConfigValue("custom.width", max(70, 8 * len(name) + 34))
    return panel.override_by_name(name, [width, _EMPTY_CELL])


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


def give_words(panel: tables.Panel, name: str, words: Mapping[int, str]) -> tables.Panel:
    """Show words in place of numbers."""
    mapping = ValueMap({str(value): ValueMappingResult(text=word) for value, word in words.items()})
    return panel.override_by_name(name, [DynamicConfigValue("mappings", [mapping])])


def name_metrics(panel: tables.Panel, title: str, names: Mapping[str, str]) -> tables.Panel:
    """Give the column of the label `metric` a heading, and the metrics names in words."""
    words = {name: ValueMappingResult(text=text) for name, text in names.items()}
    properties = [DynamicConfigValue("mappings", [ValueMap(words)])]
    return title_column(panel, "metric", title).override_by_name("metric", properties)


def title_column(panel: tables.Panel, name: str, title: str) -> tables.Panel:
    """Give a column another heading."""
    return panel.override_by_name(name, [DynamicConfigValue("displayName", title)])


def color_column(panel: tables.Panel, name: str, steps: Steps = SCORE_CELLS) -> tables.Panel:
    """Fill a column's cells with the colours of their steps."""
    mode = shapes.TableCellBackgroundDisplayMode.BASIC
    return panel.override_by_name(
        name,
        [
            DynamicConfigValue(
                "custom.cellOptions", shapes.TableColoredBackgroundCellOptions(mode)
            ),
            DynamicConfigValue("thresholds", thresholds(steps).build()),
            DynamicConfigValue("decimals", 1),
        ],
    )


def set_width(panel: tables.Panel, name: str, pixels: int) -> tables.Panel:
    """Give a column a fixed width."""
    return panel.override_by_name(name, [DynamicConfigValue("custom.width", pixels)])


def give_unit(panel: tables.Panel, name: str, unit: str, decimals: int = 0) -> tables.Panel:
    """Give a column its own unit."""
    properties = [DynamicConfigValue("unit", unit), DynamicConfigValue("decimals", decimals)]
    return panel.override_by_name(name, properties)


def link_column(panel: tables.Panel, name: str, link: DashboardLink) -> tables.Panel:
    """Make the cells of a column links."""
    return panel.override_by_name(name, [DynamicConfigValue("links", [link.build()])])


def sort_by(panel: tables.Panel, name: str, *, descending: bool = False) -> tables.Panel:
    """Sort the rows by a column initially."""
    state = common.TableSortByFieldState().display_name(name).desc(descending)
    return panel.sort_by([state])


def _link(title: str, url: str, value: str) -> DashboardLink:
    account, subuser = value.format("account"), value.format("subuser")
    filled = url.replace("{account}", account).replace("{subuser}", subuser)
    return DashboardLink(title).url(filled).target_blank(False)
