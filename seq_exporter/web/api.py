"""The status page's data as JSON: `/api/v1/status` and `/api/v1/scores`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from seq_exporter import __version__
from seq_exporter.scores import METRICS, Health, OwnScore, Score, Snapshot
from seq_exporter.web.listing import Accounts, Entry, Listing, Query, list_subusers


def describe_status(accounts: Accounts) -> dict[str, Any]:
    """Return `{"version": "1.0.0", "accounts": [{"account": "acme", "up": true, ...}]}`."""
    return {
        "version": __version__,
        "accounts": [_describe_account(snapshot, health) for snapshot, health in accounts],
    }


def describe_scores(accounts: Accounts, query: Query) -> dict[str, Any]:
    """Return `{"total": 34, "limit": 50, "offset": 0, "scores": [{"account": "acme", ...}]}`."""
    listing: Listing = list_subusers(accounts, query)
    return {
        "total": listing.total,
        "limit": query.limit,
        "offset": query.offset,
        "scores": [_describe_entry(entry) for entry in listing.entries],
    }


def _describe_account(snapshot: Snapshot, health: Health) -> dict[str, Any]:
    subusers = snapshot.subusers
    return {
        "account": snapshot.account,
        "up": None if health.last_poll is None else health.failure is None,
        "error": health.failure,
        "restored": health.is_restored,
        "last_poll": _moment(health.last_poll),
        "last_successful_poll": _moment(health.last_success),
        "next_poll": _moment(health.next_poll),
        "own": _describe_own(snapshot.own),
        "subusers": subusers
        and {
            "date": subusers.day.isoformat(),
            **subusers.counts,
            "distribution": {
                metric: {str(band): count for band, count in bands.items()}
                for metric, bands in subusers.bands.items()
            },
        },
    }


def _describe_own(own: OwnScore | None) -> dict[str, Any] | None:
    return {"date": own.day.isoformat(), **_describe_score(own.score)} if own else None


def _describe_entry(entry: Entry) -> dict[str, Any]:
    return {
        "account": entry.account,
        "subuser": entry.subuser,
        "user_id": entry.score.user_id,
        "date": entry.subusers.day.isoformat(),
        **_describe_score(entry.score),
    }


def _describe_score(score: Score) -> dict[str, Any]:
    return {"overall": score.overall, **dict(zip(METRICS, score.metrics, strict=True))}


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
