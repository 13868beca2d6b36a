"""The status page at `/`: how each account is, for a person in a browser."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import jinja2

from seq_exporter import __version__
from seq_exporter.health import Health
from seq_exporter.scores import Snapshot


class StatusPage:
    """Renders the page; whatever a file or a vendor supplied is escaped."""

    def __init__(self) -> None:
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("seq_exporter.web", ""), autoescape=True
        )
        self._template = environment.get_template("status.html")

    def render(self, accounts: Iterable[tuple[Snapshot, Health]]) -> str:
        """Return the HTML for `accounts`, in their order."""
        return self._template.render(
            version=__version__,
            accounts=[_describe(snapshot, health) for snapshot, health in accounts],
        )


def _describe(snapshot: Snapshot, health: Health) -> dict[str, Any]:
    counts = snapshot.subusers.counts if snapshot.subusers else {}
    days = [part.day for part in (snapshot.subusers, snapshot.own) if part]
    return {
        "name": snapshot.account,
        "failure": health.failure,
        "is_restored": health.is_restored,
        "last_success": _clock_time(health.last_success),
        "last_poll": _clock_time(health.last_poll),
        "next_poll": _clock_time(health.next_poll),
        "day": max(days, default=None),
        **counts,
    }


def _clock_time(seconds: float | None) -> str | None:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" if seconds else None
