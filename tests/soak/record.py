"""What a real Prometheus recorded, scrape by scrape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import median
from typing import Any

import requests

from tests.soak.truth import Values

#: One scrape, by the timestamp that all its samples bear.
Moment = float

# One query for each such span: an answer of a whole long soak would be hundreds of megabytes.
_SPAN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Record:
    """The samples of a soak, asked of the Prometheus at `base`; times are epoch seconds."""

    base: str
    begin: float
    end: float

    def scrapes(self) -> dict[Moment, bool]:
        """Return whether each scrape succeeded."""
        return {at: value == 1 for _, at, value in self._samples("up")}

    def days(self, scope: str) -> dict[tuple[Moment, str], date]:
        """Return which day's scores each scrape showed, by account."""
        name = f'sendgrid_seq_score_date_timestamp_seconds{{scope="{scope}"}}'
        return {
            (at, labels["account"]): datetime.fromtimestamp(value, UTC).date()
            for labels, at, value in self._samples(name)
        }

    def scores(self, infix: str) -> dict[tuple[Moment, str], Values]:
        """Return the scores of each scrape, by account; `infix` is empty or `account_`."""
        found: dict[tuple[Moment, str], Values] = defaultdict(dict)
        selector = f'{{__name__=~"sendgrid_seq_{infix}(metric_)?score"}}'
        for labels, at, value in self._samples(selector):
            key = labels["__name__"], labels.get("subuser", ""), labels.get("metric", "")
            found[at, labels["account"]][key] = value
        return found

    def values(self, name: str) -> list[float]:
        """Return a metric of the exporter as its scrapes showed it, one after the other."""
        samples = self._samples(f'{name}{{job="seq-exporter"}}')
        return [value for _, _, value in sorted(samples, key=lambda each: each[1])]

    def quarters(self, name: str) -> list[float]:
        """Return the median of a metric of the exporter in each quarter of the soak."""
        length = (self.end - self.begin) / 4
        parts: list[list[float]] = [[], [], [], []]
        for _, at, value in self._samples(f'{name}{{job="seq-exporter"}}'):
            parts[min(max(int((at - self.begin) / length), 0), 3)].append(value)
        return [median(part) for part in parts]

    def sum_by(self, label: str, name: str) -> dict[str, float]:
        """Return the last value of a metric, summed by a label of it."""
        params = {"query": f"sum by ({label}) ({name})", "time": str(self.end)}
        return {
            found["metric"].get(label, ""): float(found["value"][1]) for found in self._ask(params)
        }

    def _samples(self, selector: str) -> Iterator[tuple[dict[str, str], Moment, float]]:
        """Yield labels, time and value of each raw sample, each of them once."""
        after = self.begin
        while after < self.end:
            until = min(after + _SPAN_SECONDS, self.end)
            # Wider than the span, as a range is of whole seconds; what is outside is left out.
            query = f"{selector}[{_SPAN_SECONDS + 1}s]"
            for series in self._ask({"query": query, "time": str(until)}):
                for at, value in series["values"]:
                    if after < at <= until:
                        yield series["metric"], at, float(value)
            after = until

    def _ask(self, params: dict[str, str]) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.base}/api/v1/query", params, timeout=60).json()
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result
