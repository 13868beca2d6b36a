"""What the simulator says of a day, read past the proxy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import requests

from seq_exporter.scores import METRICS

#: Values by metric name, subuser and metric, those empty where the name has no such label.
Values = dict[tuple[str, str, str], float]


class Scores(NamedTuple):
    """Every sample that the page must hold for one account and one day, by scope."""

    subusers: Values
    own: Values


def read_scores(account: dict[str, str], day: date) -> Scores | None:
    """Return the scores of `day`, or None if they are not calculated."""
    base = f"{account['base_url']}/v3/engagementquality"
    params = {"date": str(day), "limit": "1000"}
    subusers = _ask(account, f"{base}/subusers/scores", params)
    own = _ask(account, f"{base}/scores", {"from": str(day), "to": str(day)})
    if subusers is None or own is None:
        return None
    assert subusers["_metadata"]["next_params"]["after_key"] is None  # one page is all
    return Scores(
        dict(_flatten(subusers["result"], "")),
        {(name, "", metric): v for (name, _, metric), v in _flatten(own["result"], "account_")},
    )


def _flatten(
    items: list[dict[str, Any]], infix: str
) -> Iterator[tuple[tuple[str, str, str], float]]:
    for item in items:
        if "score" in item:
            user = item["username"]
            yield (f"sendgrid_seq_{infix}score", user, ""), item["score"]
            for metric in METRICS:
                yield (f"sendgrid_seq_{infix}metric_score", user, metric), item["metrics"][metric]


def _ask(account: dict[str, str], url: str, params: dict[str, str]) -> Any | None:
    headers = {"Authorization": f"Bearer {account['api_key']}"}
    response = requests.get(url, params, headers=headers, timeout=10)
    assert response.status_code in (200, 202), response.text
    return response.json() if response.status_code == 200 else None
