"""Links from one dashboard to another. They keep what is selected, but for what they set."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

_KEPT = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
_SUBUSER = f"/d/seq-subuser?{_KEPT}&var-account={{account}}&var-subuser={{subuser}}"
_FLEET = f"/d/seq-fleet?{_KEPT}&var-account={{account}}"


def from_row_to_subuser() -> DashboardLink:
    """Link a table's row to its subuser."""
    return _link("Show ${__data.fields.subuser}", _SUBUSER)


def from_row_to_fleet() -> DashboardLink:
    """Link a table's row to the fleet of its account."""
    return _link("Only ${__data.fields.account}", _FLEET)


def from_top_to_fleet(variable: str) -> DashboardLink:
    """Link a dashboard to the fleet of the account that a variable holds."""
    address = _FLEET.replace("{account}", f"${{{variable}:percentencode}}")
    link = DashboardLink("Fleet of this account").type(DashboardLinkType.LINK).url(address)
    return link.icon("dashboard").target_blank(False)


def _link(title: str, address: str) -> DashboardLink:
    for label in ("account", "subuser"):
        field = f"${{__data.fields.{label}:percentencode}}"
        address = address.replace(f"{{{label}}}", field)
    return DashboardLink(title).url(address).target_blank(False)
