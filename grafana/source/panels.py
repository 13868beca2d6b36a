"""Builders of panels with their common parts: title, description, unit, data source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, statetimeline
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders import text as texts
from grafana_foundation_sdk.builders import timeseries as graphs
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.heatmap import HeatmapColorOptions
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from grafana.source.colours import PLAIN_STEPS, Steps, thresholds

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
# What stands where there is nothing, if a panel has no words of its own.
_NO_NUMBER = "no data"
_NOTHING = "Nothing is known in this time: is the exporter scraped?"

#: Every kind of panel with queries.
Chart = TypeVar(
    "Chart",
    stat.Panel,
    tables.Panel,
    bargauge.Panel,
    heatmap.Panel,
    statetimeline.Panel,
    graphs.Panel,
)
Panel = (
    stat.Panel
    | tables.Panel
    | bargauge.Panel
    | heatmap.Panel
    | statetimeline.Panel
    | graphs.Panel
    | texts.Panel
)


def query(expr: str, legend: str = "", *, ref: str = "A") -> Dataquery:
    """Query lines over the dashboard's time range."""
    asked = Dataquery().expr(expr).ref_id(ref).range().datasource(DATASOURCE)
    return asked.format(PromQueryFormat.TIME_SERIES).legend_format(legend or "__auto")


def query_now(expr: str, legend: str = "", *, ref: str = "A") -> Dataquery:
    """Query values at the end of the dashboard's time range."""
    asked = Dataquery().expr(expr).ref_id(ref).instant().datasource(DATASOURCE)
    return asked.format(PromQueryFormat.TIME_SERIES).legend_format(legend or "__auto")


def query_rows(expr: str, *, ref: str = "A") -> Dataquery:
    """Query values at the end of the dashboard's time range, one row each."""
    asked = Dataquery().expr(expr).ref_id(ref).instant().datasource(DATASOURCE)
    return asked.format(PromQueryFormat.TABLE)


def number(
    title: str, description: str, expr: str, unit: str, steps: Steps, decimals: int = 0
) -> stat.Panel:
    """Show one current number on the colour of its step."""
    panel = _dress(stat.Panel(), title, description, unit, [query_now(expr)])
    panel = _color_by_steps(panel, thresholds(steps)).graph_mode(shapes.BigValueGraphMode.NONE)
    panel = panel.color_mode(shapes.BigValueColorMode.BACKGROUND_SOLID).no_value(_NO_NUMBER)
    return panel.reduce_options(_last()).decimals(decimals)


def bars(
    title: str, description: str, targets: Sequence[Dataquery], unit: str, steps: Steps
) -> bargauge.Panel:
    """Show current values as horizontal bars, one below the other."""
    panel = _dress(bargauge.Panel(), title, description, unit, targets)
    panel = _color_by_steps(panel, thresholds(steps))
    panel = panel.orientation(shapes.VizOrientation.HORIZONTAL).reduce_options(_last())
    panel = panel.display_mode(shapes.BarGaugeDisplayMode.BASIC).show_unfilled(False)
    panel = panel.value_mode(shapes.BarGaugeValueMode.TEXT).sizing(shapes.BarGaugeSizing.AUTO)
    return panel.min_viz_height(16).max_viz_height(300).min_viz_width(8)


def graph(
    title: str, description: str, targets: Sequence[Dataquery], unit: str, interval: str = "1m"
) -> graphs.Panel:
    """Draw step lines, with points at least `interval` apart."""
    panel = _dress(graphs.Panel(), title, description, unit, targets).interval(interval)
    panel = panel.line_interpolation(shapes.LineInterpolation.STEP_AFTER).line_width(2)
    panel = panel.legend(_legend("lastNotNull"))
    tooltip = common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI)
    panel = panel.tooltip(tooltip.sort(shapes.SortOrder.ASCENDING))
    # By number and not by name: two names often share a colour.
    return panel.color_scheme(FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))


def bars_over_time(
    title: str, description: str, targets: Sequence[Dataquery], unit: str = "locale"
) -> graphs.Panel:
    """Draw stacked bars for events: up to 144 of them, for five minutes or longer each.

    Grafana's `$__rate_interval` is longer than the bar: in short ones, events would count often.
    """
    panel = graph(title, description, targets, unit, "5m").draw_style(shapes.GraphDrawStyle.BARS)
    panel = panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))
    panel = panel.legend(_legend()).decimals(0).max_data_points(144)
    return panel.fill_opacity(80).line_width(0).min(0)


def words(texts: Mapping[str, str]) -> models.ValueMap:
    """Show words in place of values."""
    return models.ValueMap({v: models.ValueMappingResult(text=text) for v, text in texts.items()})


def paint(panel: graphs.Panel, colors: Mapping[str, str]) -> graphs.Panel:
    """Give the lines or bars of these names fixed colours.

    A palette gives colours by order: a reason that is new would change those of the others.
    """
    for name, color in colors.items():
        fixed = FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(color)
        panel = panel.override_by_name(name, [models.DynamicConfigValue("color", fixed.build())])
    return panel


def _legend(*calculations: str) -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM)
    return legend.display_mode(shapes.LegendDisplayMode.LIST).calcs(list(calculations))


# A query without series returns a frame without fields. If there are only such frames, these panels
# complain of a field that is missing; if there are none, they show the words for no value.
_WITHOUT_EMPTY_FRAMES = models.DataTransformerConfig(
    id_val="filterFieldsByName", options={"include": {"pattern": "/.*/"}}
)


def heat(title: str, description: str, targets: Sequence[Dataquery], unit: str) -> heatmap.Panel:
    """Draw a row for each of the targets' series; of 90 days, four columns a day."""
    panel = _dress(heatmap.Panel(), title, description, unit, targets).max_data_points(360)
    panel = panel.with_transformation(_WITHOUT_EMPTY_FRAMES)
    color = HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Cividis").fill("dark-blue")
    color = color.scale(HeatmapColorScale.EXPONENTIAL).exponent(0.5).steps(64)
    rows = heatmap.RowsHeatmapOptions().layout(shapes.HeatmapCellLayout.AUTO)
    axis = heatmap.YAxisConfig().unit("none").axis_placement(shapes.AxisPlacement.LEFT)
    return panel.calculate(False).color(color).rows_frame(rows).y_axis(axis).cell_gap(0)


def states(
    title: str, description: str, targets: Sequence[Dataquery], unit: str, steps: Steps
) -> statetimeline.Panel:
    """Draw a bar for each series, coloured by its steps."""
    panel = _dress(statetimeline.Panel(), title, description, unit, targets).interval("10m")
    panel = _color_by_steps(panel, thresholds(steps)).merge_values(True).row_height(0.85)
    panel = panel.with_transformation(_WITHOUT_EMPTY_FRAMES)
    panel = panel.legend(_legend())
    return panel.show_value(shapes.VisibilityMode.NEVER).fill_opacity(85).line_width(0)


def table(
    title: str, description: str, targets: Sequence[Dataquery], *, has_pages: bool
) -> tables.Panel:
    """Make a table with a row for each set of labels, in pages or as a whole."""
    panel = _dress(tables.Panel(), title, description, "none", targets)
    panel = _color_by_steps(panel, thresholds(PLAIN_STEPS)).cell_height(shapes.TableCellHeight.SM)
    # Grafana's own minimum, 150 pixels, would make the wide tables scroll.
    return panel.footer(_Pages(enable_pagination=has_pages)).min_width(60)


class _Pages(shapes.TableFooterOptions, Builder[shapes.TableFooterOptions]):
    """Of a table's footer, the pages alone: Grafana 13 has dropped the other options."""

    def to_json(self) -> dict[str, object]:
        return {"enablePagination": self.enable_pagination}

    def build(self) -> shapes.TableFooterOptions:
        """Return it: a panel takes only what is still to be built."""
        return self


def note(title: str, description: str, content: str) -> texts.Panel:
    """Show a text."""
    panel = texts.Panel().title(title).description(description)
    return panel.mode(TextMode.MARKDOWN).content(content)


def _dress(
    panel: Chart, title: str, description: str, unit: str, targets: Sequence[Dataquery]
) -> Chart:
    panel = panel.title(title).description(description).datasource(DATASOURCE)
    return panel.unit(unit).targets(list(targets)).no_value(_NOTHING)


def _color_by_steps(panel: Chart, steps: ThresholdsConfig) -> Chart:
    color = FieldColor().mode(models.FieldColorModeId.THRESHOLDS)
    return panel.thresholds(steps).color_scheme(color)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields("")
