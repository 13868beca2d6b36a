"""Scores for other programs: CSV, JSON, and the exporter's own page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from seq_exporter.commands.scores.rows import NUMBERS, Row
from seq_exporter.config.model import Account
from seq_exporter.publish.families import join_accounts, render_account
from seq_exporter.scores import Snapshot


def _to_dict(row: Row) -> dict[str, Any]:
    day = row.day.isoformat()
    return {"account": row.account, "subuser": row.subuser, "date": day, **row.numbers}


def render_csv(rows: Sequence[Row]) -> str:
    """Return a line of names, then a line for each row; unknown values are empty.

    account,subuser,date,overall,engagement_recency,...,spam_rate,change7,change30
    acme,shop-de,2026-11-22,2.8,3.1,...,4.0,-0.4,0.1
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, ("account", "subuser", "date", *NUMBERS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_to_dict, rows))
    return text.getvalue()


def render_json(rows: Sequence[Row]) -> str:
    """Return a list of objects, one for each line; `history` begins with the oldest day.

    {"account": "acme", "subuser": "shop-de", "date": "2026-11-22", "overall": 2.8, ...}
    """
    lines = (json.dumps(_to_dict(row) | {"history": row.history}) for row in rows)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def render_openmetrics(accounts: Sequence[tuple[Account, Snapshot]]) -> str:
    """Return the page that the exporter would publish with these scores.

    node_exporter's textfile collector can read it: to Prometheus' text format, which is otherwise
    the same, the last line is a comment.

        # TYPE sendgrid_seq_score gauge
        sendgrid_seq_score{account="acme",subuser="shop-de"} 2.8
    """
    pieces = [render_account(snapshot, account.series) for account, snapshot in accounts]
    return b"".join(join_accounts(pieces).inflated()).decode() + "# EOF\n"
