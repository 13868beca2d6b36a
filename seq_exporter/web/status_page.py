"""The status page at `/`: the state of each account, and its subusers, worst first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from seq_exporter import __version__
from seq_exporter.scores import Health, Snapshot
from seq_exporter.web.listing import SORTS, Accounts, Query, list_subusers
from seq_exporter.web.templates import load_template

_NOTHING: Mapping[str, str] = {}

# The columns, from the left.
_TITLES = {
    "name": "Subuser",
    "overall": "Overall",
    "change7": "7-day change",
    "engagement_recency": "Engagement recency",
    "open_rate": "Open rate",
    "bounce_classification": "Bounce classification",
    "bounce_rate": "Bounce rate",
    "spam_rate": "Spam rate",
}
# The runbook for each reason of a failed poll; any other has SeqPollFailing's.
_RUNBOOKS = {
    "key_unavailable": "SeqAccountUnauthorized",
    "unauthorized": "SeqAccountUnauthorized",
    "forbidden": "SeqAccountUnauthorized",
    "rate_limited": "SeqRateLimited",
    "too_many_series": "SeqTooManySeries",
}
# A longer list of accounts would hide the scores below it.
_MOST_ACCOUNTS = 100


class StatusPage:
    """Renders the status page; text from the configuration or from SendGrid is escaped.

    Links are relative, so the page also works behind a proxy that serves it below a path.
    `find_docs` returns the documentation's URL, if there is one.
    """

    def __init__(self, find_docs: Callable[[], str | None] = lambda: None) -> None:
        self._find_docs = find_docs

    def render(
        self,
        accounts: Accounts,
        query: Query,
        mistakes: Mapping[str, str] = _NOTHING,
        entered: Mapping[str, str] = _NOTHING,
    ) -> str:
        """Return the HTML for `accounts` with the subusers that match `query`.

        Failing accounts come first, the others in their order. `mistakes` are shown beside the
        boxes that they are in, with what was `entered` there. As slow for a large fleet as
        `list_subusers`.
        """
        listing = list_subusers(accounts, query)
        docs_url = self._find_docs()
        shown = sorted(accounts, key=lambda each: each[1].failure is None)[:_MOST_ACCOUNTS]
        fleets = [snapshot.subusers for snapshot, _ in accounts if snapshot.subusers]
        has_changes = any(fleet.change7 for fleet in fleets)
        titles = {name: _TITLES[name] for name in _TITLES if name != "change7" or has_changes}
        return load_template("status.html").render(
            version=__version__,
            docs_url=docs_url,
            summary=_summarize([health for _, health in accounts]),
            accounts=[_describe(*each, docs_url) for each in shown],
            hidden=len(accounts) - len(shown),
            has_subusers=any(fleet.by_label for fleet in fleets),
            has_changes=has_changes,
            listing=listing,
            query=query,
            is_filtered=bool(query.subuser or query.account or query.below is not None),
            limit=query.limit if query.limit != Query().limit else None,
            mistakes=mistakes,
            entered=entered,
            columns=[_describe_column(name, title, query) for name, title in titles.items()],
            sorts={name: titles[name] for name in SORTS if name in titles},
            **_link_pages(query, listing.total),
        )


@functools.cache
def find_docs() -> str | None:
    """Return the documentation's URL in the package metadata (`[project.urls]`), or None."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        urls = metadata("seq-exporter").get_all("Project-URL") or []
    except PackageNotFoundError:  # run from a source folder, not installed
        return None
    places = dict(url.split(", ", 1) for url in urls)
    return places.get("Documentation")


def _summarize(healths: Sequence[Health]) -> str:
    """Return how many accounts are up, are failing, and have not been polled yet."""
    if not healths:
        return "No accounts."
    failing = sum(health.failure is not None for health in healths)
    waiting = sum(health.last_poll is None for health in healths)
    counts = {
        "up": len(healths) - failing - waiting,
        "failing": failing,
        "not polled yet": waiting,
    }
    states = ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)
    accounts = "1 account" if len(healths) == 1 else f"{len(healths):,} accounts"
    return f"{accounts}: {states}."


def _describe(snapshot: Snapshot, health: Health, docs_url: str | None) -> dict[str, Any]:
    subusers = snapshot.subusers
    days = [part.day for part in (snapshot.subusers, snapshot.own) if part]
    return {
        "name": snapshot.account,
        # Half a surrogate pair cannot be in a URL. The rest of the name finds it, too.
        "link": f"?{urlencode({'account': snapshot.account}, errors='ignore')}#subusers",
        "failure": health.failure,
        "runbook_url": _find_runbook(health.reason, docs_url),
        "is_restored": health.is_restored,
        "last_success": _clock_time(health.last_success),
        "last_poll": _clock_time(health.last_poll),
        "next_poll": _clock_time(health.next_poll),
        "day": max(days, default=None),
        "own": snapshot.own and snapshot.own.score.overall,
        "bands": _describe_bands(subusers.bands["overall"] if subusers else {}),
        **(subusers.counts if subusers else {}),
    }


def _find_runbook(reason: str | None, docs_url: str | None) -> str | None:
    """Return the URL of what to do about failed polls of this reason, if it is known."""
    if reason is None or docs_url is None:
        return None
    return f"{docs_url.rstrip('/')}/runbooks/{_RUNBOOKS.get(reason, 'SeqPollFailing')}.md"


def _describe_bands(counts: Mapping[int, int]) -> list[dict[str, float]]:
    """Return each band's count, and its place in a bar that is 100 wide; nothing without scores.

    [{"band": 1, "count": 3, "x": 0.0, "width": 12.5}, ...]
    """
    total = sum(counts.values())
    bars, x = [], 0.0
    for band, count in counts.items():
        width = 100 * count / total if total else 0.0
        bars.append({"band": band, "count": count, "x": round(x, 2), "width": round(width, 2)})
        x += width
    return bars if total else []


def _describe_column(name: str, title: str, query: Query) -> dict[str, Any]:
    """Return a column's title and the link that sorts by it, or reverses its order."""
    direction = query.order if query.sort == name else None
    order = "descending" if direction == "ascending" else "ascending"
    return {
        "title": title,
        "link": _link(query, sort=name, order=order, offset=0),
        "direction": direction,
        "is_number": name != "name",
    }


def _link_pages(query: Query, total: int) -> dict[str, str | None]:
    """Return the links to the `previous` and the `next` page, None if there is none."""
    # From a page beyond the last one, it is the last one.
    before, after = min(query.offset, total) - query.limit, query.offset + query.limit
    return {
        "previous": _link(query, offset=max(before, 0)) if query.offset and total else None,
        "next": _link(query, offset=after) if after < total else None,
    }


def _link(query: Query, **changes: Any) -> str:
    given = query.model_copy(update=changes).model_dump(exclude_defaults=True)
    return f"?{urlencode(given)}#subusers"


def _clock_time(seconds: float | None) -> str | None:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" if seconds else None
