"""What exporters would have published of a kind of fleet, hour by hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from seq_exporter.score import Score
from seq_exporter.scores import METRICS
from seq_exporter.simulator.kinds import Kind
from tests.incidents.kinds import DAYS, OWN, Part
from tests.incidents.replay import Hours

_DAY = 24
_LOOKBACK_DAYS = 7
#: The play ends half a day after the last vendor day has ended, when it usually appears.
HOURS = len(DAYS) * _DAY + 12

# A poll every quarter of an hour fails, as long as a replica is stuck.
_FAILURES_AN_HOUR = 4
# The replica is stuck around the incidents of the kind; each time, until its scores are withdrawn.
_STUCK_DAYS = ((28, 36), (40, 48), (51, 59), (61, 69))
# The first outage begins when the first fall has just appeared, the second in ordinary life.
_OUTAGES_BEGIN = (32, 80)

#: The vendor day that is shown in each hour, None where no day is.
ShownDays = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Instance:
    """One exporter process, from an hour until another; `stuck` are hours without SendGrid."""

    name: str
    start: int
    end: int
    stuck: Sequence[tuple[int, int]] = ()


def list_instances(kind: Kind) -> list[Instance]:
    """Return the exporters that publish a kind of fleet."""
    if kind.has_stuck_replica:
        stuck = [(start * _DAY, end * _DAY) for start, end in _STUCK_DAYS]
        return [Instance("a:10737", 0, HOURS), Instance("b:10737", 0, HOURS, stuck)]
    cuts = [0, HOURS]
    if kind.redeploy_days:
        cuts = [*range(0, HOURS, kind.redeploy_days * _DAY + 5), HOURS]
    pauses = list_outages(kind)
    if pauses:
        cuts = [0, *(hour for pause in pauses for hour in pause), HOURS]
        return [Instance("a:10737", *span) for span in zip(cuts[::2], cuts[1::2], strict=True)]
    names = (f"pod-{number}:10737" for number in range(len(cuts)))
    return [Instance(*one) for one in zip(names, cuts, cuts[1:], strict=False)]


def list_outages(kind: Kind) -> list[tuple[int, int]]:
    """Return the hours from and to which there is no exporter."""
    if not kind.outage_days:
        return []
    return [(day * _DAY, (day + kind.outage_days) * _DAY) for day in _OUTAGES_BEGIN]


class Timeline:
    """The series of a part of a fleet from the midnight of vendor day 0, which is hour 0.

    `{'sendgrid_seq_score{account="acme", ..., subuser="shop-de"}': [None, ..., 4.4, 4.4]}`
    """

    def __init__(self, part: Part) -> None:
        self.hours = HOURS
        self.series: dict[str, Hours] = {}
        self._part = part
        self._appears = [part.appears_hour(day) for day in DAYS]
        self._outages = list_outages(part.kind)
        for instance in list_instances(part.kind):
            self._publish_instance(instance)
        self._publish_up()

    @cached_property
    def shown(self) -> Mapping[str, ShownDays]:
        """The newest day that any exporter shows, by scope: `own` and `subusers`."""
        return {scope: self._trace(scope) for scope in ("own", "subusers")}

    def shown_day(self, name: str, hour: int) -> int | None:
        """Return the vendor day of the scores of `name` that are shown in an hour."""
        if any(start <= hour < end for start, end in self._outages):
            return None
        return self.shown["own" if name == OWN else "subusers"][min(hour, HOURS - 1)]

    def list_shown(self, name: str) -> list[tuple[int, int]]:
        """Return the vendor days on which `name` is scored that are shown, and since which hour."""
        found: dict[int, int] = {}
        for hour in range(HOURS):
            day = self.shown_day(name, hour)
            if day is not None and self._part.scores[name][day].is_scored:
                found.setdefault(day, hour)
        return sorted(found.items())

    def _trace(self, scope: str) -> ShownDays:
        """Return the day that an exporter without failures shows in each hour, as it does: the
        newest with a score of those that have appeared within its lookback.
        """
        names = [name for name in self._part.users if (name == OWN) == (scope == "own")]
        scores = self._part.scores
        is_scored = [any(scores[name][day].is_scored for name in names) for day in range(len(DAYS))]
        shown: list[int | None] = []
        held: int | None = None
        for hour in range(HOURS):
            if held is not None and hour >= (held + _LOOKBACK_DAYS + 1) * _DAY:
                held = None
            found = [
                day
                for day in range(max(hour // _DAY - _LOOKBACK_DAYS, 0), len(DAYS))
                if self._appears[day] <= hour < (day + _LOOKBACK_DAYS) * _DAY
            ]
            scored = [day for day in found if is_scored[day]]
            better = [held, *scored] if held is not None and is_scored[held] else scored or found
            held = max(better, default=held)
            shown.append(held if names else None)
        return shown

    def _publish_instance(self, instance: Instance) -> None:
        labels = {"instance": instance.name, "job": "seq-exporter"}
        stuck = [any(a <= hour < b for a, b in instance.stuck) for hour in range(HOURS)]
        failures = 0
        for hour in range(instance.start, instance.end):
            failures += _FAILURES_AN_HOUR * stuck[hour]
            self._publish("seq_exporter_account_up", hour, 1 - stuck[hour], labels)
            if instance.stuck:
                name = "seq_exporter_poll_failures_total"
                self._publish(name, hour, failures, labels | {"reason": "connection"})
        for scope in ("own", "subusers"):
            for day, hours in self._list_spans(scope, instance, stuck):
                self._publish_day(scope, day, hours, labels)

    def _list_spans(
        self, scope: str, instance: Instance, stuck: Sequence[bool]
    ) -> list[tuple[int, range]]:
        """Return which day the instance shows from which hour until which."""
        days: list[int | None] = [None] * HOURS
        for hour in range(instance.start, instance.end):
            day = self.shown[scope][hour]
            if stuck[hour]:
                before = days[hour - 1]
                is_old = before is None or hour >= (before + _LOOKBACK_DAYS + 1) * _DAY
                day = None if is_old else before
            days[hour] = day
        spans: list[tuple[int, range]] = []
        for hour, shown in enumerate(days):
            if shown is None:
                continue
            if spans and spans[-1][0] == shown and spans[-1][1].stop == hour:
                spans[-1] = shown, range(spans[-1][1].start, hour + 1)
            else:
                spans.append((shown, range(hour, hour + 1)))
        return spans

    def _publish_day(self, scope: str, day: int, hours: range, labels: Mapping[str, str]) -> None:
        date_labels = {**labels, "scope": scope}
        name = "sendgrid_seq_score_date_timestamp_seconds"
        self._fill(name, hours, day * _DAY * 3600, date_labels)
        if self._appears[day] == hours.start:  # else the instance has not seen it come
            name = "sendgrid_seq_score_date_first_seen_timestamp_seconds"
            self._fill(name, hours, hours.start * 3600, date_labels)
        for name, user in self._part.users.items():
            if (name == OWN) != (scope == "own") or not user.exists_on(DAYS[day]):
                continue
            score = self._part.scores[name][day]
            if name == OWN:
                self._publish_score("sendgrid_seq_account", score, hours, labels)
                continue
            self._publish_score("sendgrid_seq", score, hours, {**labels, "subuser": name})
            user_labels = {**labels, "subuser": name, "user_id": score.user_id}
            self._fill("sendgrid_seq_subuser_eligible", hours, score.is_scored, user_labels)

    def _publish_score(
        self, prefix: str, score: Score, hours: range, labels: Mapping[str, str]
    ) -> None:
        if score.overall is None:
            return
        self._fill(f"{prefix}_score", hours, score.overall, labels)
        for metric, value in zip(METRICS, score.metrics, strict=True):
            if value is not None:
                self._fill(f"{prefix}_metric_score", hours, value, {**labels, "metric": metric})

    def _publish_up(self) -> None:
        for instance in list_instances(self._part.kind):
            for hour in range(instance.start, instance.end):
                self._hours_of(f'up{{instance="{instance.name}", job="seq-exporter"}}')[hour] = 1.0
            for start, end in self._outages:
                hours = self._hours_of(f'up{{instance="{instance.name}", job="seq-exporter"}}')
                hours[start:end] = [0.0] * (end - start)

    def _publish(self, name: str, hour: int, value: float, labels: Mapping[str, str]) -> None:
        self._fill(name, range(hour, hour + 1), value, labels)

    def _fill(self, name: str, hours: range, value: float, labels: Mapping[str, str]) -> None:
        written = "".join(f', {label}="{text}"' for label, text in labels.items())
        series = self._hours_of(f'{name}{{account="{self._part.account.name}"{written}}}')
        series[hours.start : hours.stop] = [float(value)] * len(hours)

    def _hours_of(self, series: str) -> Hours:
        return self.series.setdefault(series, [None] * HOURS)
