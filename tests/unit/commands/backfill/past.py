"""Two days of an account with two subusers, and when they were shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.history import History
from seq_exporter.commands.backfill.labels import label_scores
from seq_exporter.commands.backfill.plan import Past, Plan
from seq_exporter.commands.backfill.timeline import trace_days
from seq_exporter.config.model import ALL_SUBUSERS, Account
from seq_exporter.config.secret import Secret
from seq_exporter.scores import Score
from tests.support import KEY, day

HOURS = 3600
LABELS = {"job": "seq", "instance": 'a "b" \\ c\n'}


def at(number: int, hour: int = 0) -> int:
    return int(datetime(2026, 11, number, hour, tzinfo=UTC).timestamp())


def metrics(open_rate: float) -> tuple[float | None, ...]:
    return (None, open_rate, None, None, None)


def fill(archive: Archive, made: Account) -> History:
    """Tell of two days: shop-fr is not eligible on the second, and only then is the account."""
    own = archive.claim(made, Secret(KEY))
    pages = {
        day(1): [Score("2", "shop-fr", 3.0), Score("1", "shop-de", 4.5, metrics(2.0))],
        day(2): [Score("1", "shop-de", 4.0, metrics(1.0)), Score("2")],
    }
    for when, scores in pages.items():
        own.add_page(when, scores, None)
        own.finish(when)
    own.add_own({day(1): Score(""), day(2): Score("", None, 5.0)})
    label_scores(own, ALL_SUBUSERS)
    return History(made, own)


def plan_of(history: History, until: int, step_seconds: int = 12 * HOURS, **changes: Any) -> Plan:
    def trace(days: Any) -> Any:
        return trace_days(days, delay_seconds=12 * HOURS, lookback_days=7, until=until)

    past = Past(history, trace(history.subuser_days), trace(history.own_days))
    return replace(Plan([past], step_seconds, LABELS), **changes)
