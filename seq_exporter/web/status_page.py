"""The status page at `/`: the state of each account, and its subusers, worst first."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from seq_exporter import __version__
from seq_exporter.escapes import show
from seq_exporter.scores import Health, Snapshot, add_to_bands
from seq_exporter.web.listing import SORTS, Accounts, Query, list_subusers

if TYPE_CHECKING:  # the first view imports it: many exporters are only scraped
    import jinja2

_TITLES = {
    "overall": "Score",
    "engagement_recency": "Engagement recency",
    "open_rate": "Open rate",
    "bounce_classification": "Bounce classification",
    "bounce_rate": "Bounce rate",
    "spam_rate": "Spam rate",
    "name": "Subuser",
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

    def render(self, accounts: Accounts, query: Query, mistakes: Sequence[str] = ()) -> str:
        """Return the HTML for `accounts`, in their order, with the subusers that match `query`.

        If there are too many accounts to show all, failing accounts come first. `mistakes` are
        shown above the subusers. As slow for a large fleet as `list_subusers`.
        """
        listing = list_subusers(accounts, query)
        shown = sorted(accounts, key=lambda each: each[1].failure is None)[:_MOST_ACCOUNTS]
        return _load_template().render(
            version=__version__,
            docs_url=self._find_docs(),
            accounts=[_describe(*each) for each in (accounts if shown == accounts else shown)],
            hidden=len(accounts) - len(shown),
            has_subusers=any(snapshot.subusers for snapshot, _ in accounts),
            listing=listing,
            query=query,
            mistakes=mistakes,
            columns=[_describe_column(name, query) for name in ("name", *SORTS[:-1])],
            sorts=_TITLES,
            previous=_link(query, offset=max(query.offset - query.limit, 0))
            if query.offset
            else None,
            next=_link(query, offset=query.offset + query.limit)
            if query.offset + query.limit < listing.total
            else None,
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


@functools.cache  # compiling it takes longer than a hundred pages
def _load_template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("seq_exporter.web", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["show"] = show
    return environment.get_template("status.html")


def _describe(snapshot: Snapshot, health: Health) -> dict[str, Any]:
    subusers = snapshot.subusers
    # Only the overall scores: the page does not show the metrics'.
    overall = Counter([score.overall for score in subusers.by_label.values()] if subusers else ())
    days = [part.day for part in (snapshot.subusers, snapshot.own) if part]
    return {
        "name": snapshot.account,
        "failure": health.failure,
        "is_restored": health.is_restored,
        "last_success": _clock_time(health.last_success),
        "last_poll": _clock_time(health.last_poll),
        "next_poll": _clock_time(health.next_poll),
        "day": max(days, default=None),
        "own": snapshot.own and snapshot.own.score.overall,
        "bands": _describe_bands(add_to_bands(overall)),
        **(subusers.counts if subusers else {}),
    }


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


def _describe_column(name: str, query: Query) -> dict[str, Any]:
    """Return a column's title and the link that sorts by it, or reverses its order."""
    is_sorted = query.sort == name
    order = "desc" if is_sorted and query.order == "asc" else "asc"
    direction = {"asc": "ascending", "desc": "descending"}[query.order] if is_sorted else None
    link = _link(query, sort=name, order=order, offset=0)
    return {"title": _TITLES[name], "link": link, "direction": direction}


def _link(query: Query, **changes: Any) -> str:
    given = query.model_copy(update=changes).model_dump(exclude_defaults=True)
    return f"?{urlencode(given)}#subusers"


def _clock_time(seconds: float | None) -> str | None:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" if seconds else None
