"""What was found, as a table."""

from __future__ import annotations

from tests.incidents.judge import Finding
from tests.incidents.play import Summary

_WIDTHS = (14, 15, 27, 6, 6)


def print_summary(summary: Summary) -> None:
    """Print a line for each incident, then recall, days to detection and false alarms."""
    _print_row("account", "subuser", "alert", "days", "told")
    for finding in summary.findings:
        _print_finding(finding)
    for alarm in summary.false_alarms:
        print("false alarm:", *alarm.labels.values())
    found = [finding for finding in summary.findings if finding.days is not None]
    print(f"{len(found)} of {len(summary.findings)} incidents found")
    for within in sorted({finding.truth.within_days for finding in found}):
        days = [f.days for f in found if f.truth.within_days == within and f.days is not None]
        print(f"at most {max(days):.1f} days after they showed, where {within} are allowed")
    print(f"{max(f.notifications for f in summary.findings)} notifications of one at most")
    print(f"{len(summary.false_alarms)} false alarms in {summary.subuser_years:.0f} subuser-years")


def _print_finding(finding: Finding) -> None:
    incident = finding.truth.incident
    (subuser, *others) = incident.subusers or ("itself",)
    days = "never" if finding.days is None else f"{finding.days:.1f}"
    who = f"{subuser} ..." if others else subuser
    _print_row(incident.account, who, finding.alert, days, str(finding.notifications))


def _print_row(*cells: str) -> None:
    print("".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip())
