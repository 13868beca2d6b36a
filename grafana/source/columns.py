"""Columns of tables, and links from one dashboard to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from grafana.source.colours import SCORE_STEPS, Steps, thresholds

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


def link_series_to_subuser() -> DashboardLink:
    """Link a line or a bar to its subuser."""
    return _link(
        "Show ${__field.labels.subuser}", _TO_SUBUSER, "${{__field.labels.{}:percentencode}}"
    )


def name_columns(
    panel: tables.Panel, keys: Sequence[str], names: Mapping[str, str]
) -> tables.Panel:
    """Put a row's labels first, then the targets' values under their names; hide the rest.

    `names` maps the targets' letters to column names. Labels keep their names, because links refer
    to them.
    """
    only = len(names) == 1
    values = {"Value" if only else f"Value #{ref}": name for ref, name in names.items()}
    order = {column: place for place, column in enumerate([*keys, *values])}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": values}
    if not only:
        panel = panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    return panel.with_transformation(DataTransformerConfig(id_val="organize", options=organize))


def color_column(panel: tables.Panel, name: str, steps: Steps = SCORE_STEPS) -> tables.Panel:
    """Fill a column's columns with the colours of their steps."""
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


def give_unit(panel: tables.Panel, name: str, unit: str, decimals: int = 0) -> tables.Panel:
    """Give a column its own unit."""
    properties = [DynamicConfigValue("unit", unit), DynamicConfigValue("decimals", decimals)]
    return panel.override_by_name(name, properties)


def link_column(panel: tables.Panel, name: str, link: DashboardLink) -> tables.Panel:
    """Make the columns of a column links."""
    return panel.override_by_name(name, [DynamicConfigValue("links", [link.build()])])


def hide_columns(panel: tables.Panel, *names: str) -> tables.Panel:
    """Hide columns that have the same value in each row."""
    for name in names:
        panel = panel.override_by_name(name, [DynamicConfigValue("custom.hidden", True)])
    return panel


def sort_by(panel: tables.Panel, name: str, *, descending: bool = False) -> tables.Panel:
    """Sort the rows by a column initially."""
    state = common.TableSortByFieldState().display_name(name).desc(descending)
    return panel.sort_by([state])


def _link(title: str, url: str, value: str) -> DashboardLink:
    account, subuser = value.format("account"), value.format("subuser")
    filled = url.replace("{account}", account).replace("{subuser}", subuser)
    return DashboardLink(title).url(filled).target_blank(False)
