"""Scores for other programs: CSV, JSON, and the exporter's own page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seq_exporter.commands.scores.columns import NUMBERS
from seq_exporter.commands.scores.rows import Row
from seq_exporter.config.model import Account
from seq_exporter.escapes import dump_json, show
from seq_exporter.publish.families import join_accounts, render_account
from seq_exporter.scores import Snapshot

# Spreadsheets take a cell for a formula that begins so; some of them in full width, too.
_FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def _to_dict(row: Row) -> dict[str, Any]:
    day = row.day.isoformat()
    return {"account": row.account, "subuser": row.subuser, "date": day, **row.numbers}


def render_csv(rows: Sequence[Row]) -> str:
    """Return a line of names, then a line for each row; unknown values are empty.

    account,subuser,date,overall,engagement_recency,...,spam_rate,change7,change30
    acme,shop-de,2026-11-22,2.8,3.1,...,4.0,-0.4,0.1
    """
    header = ",".join(("account", "subuser", "date", *NUMBERS))
    lines = (_join_cells(_to_dict(row).values()) for row in rows)
    return "".join(f"{line}\n" for line in (header, *lines))


def _join_cells(values: Iterable[object]) -> str:
    # Not the module `csv`, which quotes either every text or none that can do without.
    return ",".join(
        _make_cell(value) if isinstance(value, str) else _number(value) for value in values
    )


def _number(value: object) -> str:
    return "" if value is None else str(value)


def _make_cell(text: str) -> str:
    """Return a text as a cell. A name that a spreadsheet would compute becomes `"'=1+1"`.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    is_formula = text.lstrip().startswith(_FORMULAS) or text.startswith(("\t", "\r", "\n"))
    shown = ("'" if is_formula else "") + show(text)
    if is_formula or "," in shown or '"' in shown:
        shown = shown.replace('"', '""')
        return f'"{shown}"'
    return shown


def render_json(rows: Sequence[Row]) -> str:
    """Return a list of objects, one for each line; `history` begins with the oldest day.

    {"account": "acme", "subuser": "shop-de", "date": "2026-11-22", "overall": 2.8, ...}
    """
    lines = (dump_json(_to_dict(row) | {"history": row.history}) for row in rows)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def render_openmetrics(accounts: Sequence[tuple[Account, Snapshot]]) -> str:
    """Return the page that the exporter would publish with these scores.

    node_exporter's textfile collector can read it: to Prometheus' text format, which is otherwise
    the same, the last line is a comment.

        # TYPE sendgrid_seq_score gauge
        sendgrid_seq_score{account="acme",subuser="shop-de"} 2.8
    """
    pieces = [render_account(snapshot, account.series).families for account, snapshot in accounts]
    return b"".join(join_accounts(pieces).inflated()).decode() + "# EOF\n"
