"""The frame of a dashboard: variables, links, the time range, and a position for each panel."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.source.panels import DATASOURCE, Panel

TAG = "seq-exporter"
_WIDTH = 24
_ALL = models.VariableOption(selected=True, text=["All"], value=["$__all"])
# An account may have only its own score, only subusers' scores, or no score yet; backfilled history
# has no `seq_exporter_account_up`.
_SIGNS_OF_ACCOUNTS = "seq_exporter_account_up|sendgrid_seq_account_score|sendgrid_seq_subusers"


_SIGNS_OF_SUBUSERS = (
    '{__name__=~"sendgrid_seq_score|sendgrid_seq_subuser_eligible", job=~"$job", '
    "account=~`${account:regex}`"
)


class DashboardLayout:
    """A dashboard to which rows and panels are added from the top."""

    def __init__(self, uid: str, title: str, description: str, begins: str) -> None:
        dashboard = build.Dashboard(title).uid(uid).description(description)
        dashboard = dashboard.tags([TAG, "sendgrid"]).timezone("utc").readonly()
        dashboard = dashboard.time(begins, "now").refresh("5m").link(_link_to_the_others())
        self._dashboard = dashboard.tooltip(models.DashboardCursorSync.CROSSHAIR)
        self._next_id = 1
        self._top = 0
        self.choose(_choose_datasource())
        self.choose(_choose("job", "Job", "label_values(seq_exporter_build_info, job)"))
        signs = f'{{__name__=~"{_SIGNS_OF_ACCOUNTS}", job=~"$job"}}'
        self.choose(_choose("account", "Account", f"label_values({signs}, account)"))

    def mark(self, annotation: Builder[models.AnnotationQuery]) -> None:
        """Mark moments in all graphs."""
        self._dashboard.annotation(annotation)

    def link(self, link: build.DashboardLink) -> None:
        """Add a link at the top."""
        self._dashboard.link(link)

    def choose(self, variable: Builder[models.VariableModel]) -> None:
        """Add a variable."""
        self._dashboard.with_variable(variable)

    def row(self, title: str) -> None:
        """Begin a section of the dashboard with a title."""
        self._dashboard.with_row(self._make_row(title))

    def place(self, height: int, *panels: tuple[int, Panel]) -> None:
        """Put panels of given widths side by side, below the existing ones."""
        for panel in self._position(height, panels):
            self._dashboard.with_panel(panel)

    def fold(self, title: str, height: int, *panels: tuple[int, Panel]) -> None:
        """Add a closed section with panels side by side: they ask nothing until it is opened."""
        row = self._make_row(title).collapsed(True)
        for panel in self._position(height, panels):
            row.with_panel(panel)
        self._dashboard.with_row(row)

    def _make_row(self, title: str) -> build.Row:
        position = models.GridPos(h=1, w=_WIDTH, x=0, y=self._top)
        self._top += 1
        return build.Row(title).id(self._take_id()).grid_pos(position)

    def _position(self, height: int, panels: tuple[tuple[int, Panel], ...]) -> Iterator[Panel]:
        left = 0
        for width, panel in panels:
            position = models.GridPos(h=height, w=width, x=left, y=self._top)
            yield panel.id(self._take_id()).grid_pos(position)
            left += width
        if left > _WIDTH:
            raise ValueError(f"a row is {_WIDTH} wide, not {left}")
        self._top += height

    def build(self) -> models.Dashboard:
        """Return the finished dashboard."""
        return self._dashboard.build()

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1


def choose_subuser() -> build.QueryVariable:
    """Return the variable that selects one subuser, scored or not."""
    query = f"label_values({_SIGNS_OF_SUBUSERS}}}, subuser)"
    return _ask("subuser", "Subuser", query).multi(False).include_all(False)


def choose_owner() -> build.QueryVariable:
    """Return the variable that selects one of the accounts that have a subuser of this name."""
    query = f"label_values({_SIGNS_OF_SUBUSERS}, subuser=`${{subuser:raw}}`}}, account)"
    return _ask("owner", "In account", query).multi(False).include_all(False)


def find_subusers(name: str, expr: str) -> build.QueryVariable:
    """Return a variable that nobody sees: the subusers that a query returns, as a whole."""
    # Of `{account="a", subuser="s"} 4.2 1700000000000`, which is not escaped.
    found = _ask(name, name, f"query_result({expr})").regex(r'/subuser="(.*)"\} \S+ \S+$/')
    found = found.multi(True).include_all(True).current(_ALL)
    return found.hide(models.VariableHide.HIDE_VARIABLE)


def choose_one(name: str, label: str, values: tuple[str, ...]) -> build.CustomVariable:
    """Return a variable that selects one of some values; the first is preselected."""
    options = [
        models.VariableOption(selected=value == values[0], text=value, value=value)
        for value in values
    ]
    variable = build.CustomVariable(name).label(label).values(",".join(values))
    return variable.options(options).current(options[0]).multi(False).include_all(False)


def type_in(name: str, label: str) -> build.TextBoxVariable:
    """Return a variable that the user types; it is empty at first."""
    option = models.VariableOption(selected=True, text="", value="")
    return build.TextBoxVariable(name).label(label).default_value("").current(option)


def _choose_datasource() -> build.DatasourceVariable:
    variable = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return variable.regex("").multi(False).include_all(False)


def _choose(name: str, label: str, query: str) -> build.QueryVariable:
    variable = _ask(name, label, query).multi(True).include_all(True)
    return variable.all_value(".+").current(_ALL)


def _ask(name: str, label: str, query: str) -> build.QueryVariable:
    variable = build.QueryVariable(name).label(label).query(query).datasource(DATASOURCE)
    variable = variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.sort(models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)


def _link_to_the_others() -> build.DashboardLink:
    link = build.DashboardLink("SendGrid Engagement Quality").type(
        models.DashboardLinkType.DASHBOARDS
    )
    link = link.tags([TAG]).as_dropdown(True).include_vars(True).keep_time(True)
    return link.icon("external link").tooltip("The other dashboards, with the same selection")
