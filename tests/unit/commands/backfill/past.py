"""Two days of an account with two subusers, and when they were published."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.history import AccountHistory
from seq_exporter.commands.backfill.plan import BackfillOptions, Plan, publish
from seq_exporter.config.model import ALL_SUBUSERS, Account
from seq_exporter.config.secret import Secret
from seq_exporter.score import Score
from tests.support import KEY, day

HOURS = 3600
LABELS = {"job": "seq", "instance": 'a "b" \\ c\n'}


def at(number: int, hour: int = 0) -> int:
    return int(datetime(2026, 11, number, hour, tzinfo=UTC).timestamp())


def metrics(open_rate: float) -> tuple[float | None, ...]:
    return (None, open_rate, None, None, None)


def fill(archive: Archive, made: Account) -> AccountHistory:
    """Add two days: shop-fr is not eligible on the second, and only then is the account."""
    own = archive.claim(made, Secret(KEY))
    pages = {
        day(1): [Score("2", "shop-fr", 3.0), Score("1", "shop-de", 4.5, metrics(2.0))],
        day(2): [Score("1", "shop-de", 4.0, metrics(1.0)), Score("2")],
    }
    for when, scores in pages.items():
        own.add_page(when, scores, None)
        own.finish(when)
    own.add_own({day(1): Score(""), day(2): Score("", None, 5.0)})
    own.label(ALL_SUBUSERS)
    return AccountHistory(made, own, [])


def options_of(**changes: Any) -> BackfillOptions:
    return replace(
        BackfillOptions(
            first=day(1),
            last=day(3),
            until=None,
            delay_seconds=12 * HOURS,
            step_seconds=None,
            labels={},
            requests_per_minute=300,
        ),
        **changes,
    )


def plan_of(
    history: AccountHistory, until: int, step_seconds: int = 12 * HOURS, **changes: Any
) -> Plan:
    days = publish(history.account, history.archive, options_of(last=day(30)), until)
    return replace(Plan([replace(history, days=days)], step_seconds, LABELS), **changes)
