"""What a live exporter would have published of a simulated account, hour by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from seq_exporter.clock import midnight
from seq_exporter.commands.backfill.history import PublishedDay, list_published_days
from seq_exporter.scores import METRICS, Score
from seq_exporter.simulator.fleet import SimulatedAccount

#: A day's scores appear so many hours after its midnight: half a day after its end.
APPEARS_AFTER_HOURS = 36
_LOOKBACK_DAYS = 7
_HOUR = 3600

#: A series' value in each hour, None where it is not there.
Hours = list[float | None]


class Past:
    """The series of one account from the midnight of `first`, which is hour 0.

    `{'sendgrid_seq_score{account="acme", subuser="shop-de"}': [None, ..., 4.4, 4.4]}`
    """

    def __init__(self, account: SimulatedAccount, first: date, last: date) -> None:
        self.hours = (last - first).days * 24 + APPEARS_AFTER_HOURS
        self.series: Mapping[str, Hours]
        self._account = account.name
        self._start = midnight(first)
        self._made: dict[str, Hours] = defaultdict(lambda: [None] * self.hours)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        self._publish("seq_exporter_account_up", 0, self.hours, 1)
        self._publish_own({day: account.owner.score_on(day) for day in days})
        names = {
            user.user_id: user.username
            for day in days
            for user in account.list_on(day, 0, len(account.subusers_on(day)))
        }
        self._publish_subusers({day: account.subusers_on(day) for day in days}, names)
        self.series = self._made

    def _publish_own(self, scores: Mapping[date, Score]) -> None:
        for shown in self._trace({day: score.is_scored for day, score in scores.items()}):
            self._publish_date(shown, "own")
            start, end = self._hours_of(shown)
            self._publish_score("sendgrid_seq_account", start, end, scores[shown.day])

    def _publish_subusers(
        self, scores: Mapping[date, Sequence[Score]], names: Mapping[int, str]
    ) -> None:
        for shown in self._trace({day: any(s.is_scored for s in scores[day]) for day in scores}):
            self._publish_date(shown, "subusers")
            start, end = self._hours_of(shown)
            for score in scores[shown.day]:
                subuser = names[int(score.user_id)]
                self._publish_score("sendgrid_seq", start, end, score, subuser=subuser)
                labels = {"subuser": subuser, "user_id": score.user_id}
                name = "sendgrid_seq_subuser_eligible"
                self._publish(name, start, end, score.is_scored, **labels)

    def _trace(self, days: Mapping[date, bool]) -> list[PublishedDay]:
        delay_seconds = (APPEARS_AFTER_HOURS - 24) * _HOUR
        until = self._start + self.hours * _HOUR
        return list_published_days(
            days, delay_seconds=delay_seconds, lookback_days=_LOOKBACK_DAYS, until=until
        )

    def _hours_of(self, shown: PublishedDay) -> tuple[int, int]:
        return (shown.start - self._start) // _HOUR, (shown.end - self._start) // _HOUR

    def _publish_date(self, shown: PublishedDay, scope: str) -> None:
        start, end = self._hours_of(shown)
        name = "sendgrid_seq_score_date_timestamp_seconds"
        self._publish(name, start, end, midnight(shown.day) - self._start, scope=scope)

    def _publish_score(
        self, prefix: str, start: int, end: int, score: Score, **labels: str
    ) -> None:
        if score.overall is None:
            return
        self._publish(f"{prefix}_score", start, end, score.overall, **labels)
        for metric, value in zip(METRICS, score.metrics, strict=True):
            if value is not None:
                name = f"{prefix}_metric_score"
                self._publish(name, start, end, value, **labels, metric=metric)

    def _publish(self, name: str, start: int, end: int, value: float, **labels: str) -> None:
        written = "".join(f', {label}="{text}"' for label, text in labels.items())
        hours = self._made[f'{name}{{account="{self._account}"{written}}}']
        hours[start:end] = [float(value)] * (end - start)
