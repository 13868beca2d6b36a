"""What the simulator says, read page by page in another way than the exporter's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import requests
import yaml

from seq_exporter.scores import METRICS
from tests.support import GIVE_UP_SECONDS

#: Samples by metric name and label values, in the order of the labels' names.
Samples = dict[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator, by the configuration that it printed."""

    config: str

    def read_newest(self) -> Samples:
        """Return every score of the newest day, as the page must hold it."""
        day = datetime.now(UTC).date()
        while not (samples := self.read_day(day)):
            day -= timedelta(days=1)
        return samples

    def read_day(self, day: date) -> Samples:
        """Return every score of `day`, as the page must hold it; none if it is not calculated."""
        samples: Samples = {}
        for account in yaml.safe_load(self.config)["accounts"]:
            samples |= dict(_read_account(account, day))
        return samples


def _read_account(account: dict[str, str], day: date) -> Iterator[tuple[tuple[str, ...], float]]:
    name = account["name"]
    items = _read_subusers(account, day)
    if items is None:
        return
    for item in items:
        if "score" in item:
            yield ("sendgrid_seq_score", name, item["username"]), item["score"]
            for metric in METRICS:
                labels = (name, metric, item["username"])
                yield ("sendgrid_seq_metric_score", *labels), item["metrics"][metric]
    (own,) = _ask(account, "scores", {"from": str(day), "to": str(day)}).json()["result"]
    if "score" in own:
        yield ("sendgrid_seq_account_score", name), own["score"]
        for metric in METRICS:
            yield ("sendgrid_seq_account_metric_score", name, metric), own["metrics"][metric]


def _read_subusers(account: dict[str, str], day: date) -> list[dict[str, Any]] | None:
    params = {"date": str(day), "limit": "7"}
    items: list[dict[str, Any]] = []
    while True:
        response = _ask(account, "subusers/scores", params)
        if response.status_code == 202:
            return None
        page = response.json()
        items += page["result"]
        cursor = page["_metadata"]["next_params"]["after_key"]
        if cursor is None:
            return items
        params["after_key"] = cursor


def _ask(account: dict[str, str], path: str, params: dict[str, str]) -> requests.Response:
    return requests.get(
        f"{account['base_url']}/v3/engagementquality/{path}",
        params,
        headers={"Authorization": f"Bearer {account['api_key']}"},
        timeout=GIVE_UP_SECONDS,
    )
