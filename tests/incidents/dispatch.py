"""When Alertmanager sends which alerts: its groups' timers and its notification log, replayed.

A quarter of a year cannot be waited for. A real Alertmanager says what is grouped and inhibited at
each step (`notifications.Alertmanager`); what it would do in between follows its `dispatch.go` and
`notify.go` (0.25): a group is flushed `group_wait` after it began and each `group_interval` after
that; it is sent if an alert fires that the log does not have, if nothing fires any more, if one is
resolved and the receiver wants that, or if `repeat_interval` has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tests.incidents.notifications import Timing
from tests.incidents.replay import STEP_HOURS, Firing

_HOUR = 3600
# docs/alerts.md has Alertmanager started so; it forgets what is older.
_RETENTION_SECONDS = 1440 * _HOUR

_Labels = frozenset[tuple[str, str]]


class Grouping(Protocol):
    """What groups and inhibits alerts: a real Alertmanager, or a stand-in."""

    def group(self, firings: Sequence[Firing]) -> dict[tuple[str, str], dict[Firing, bool]]:
        """Return each receiver's groups of these alerts: True if active, False if inhibited."""

    def timing(self, receiver: str, group: str) -> Timing:
        """Return when a group of a receiver is sent."""


class Message(NamedTuple):
    """One notification: what it lists as firing and as resolved, and the alerts it is sent for.

    It is sent for the alerts that are new in it or, if none is, for all: it is a reminder.
    """

    seconds: float
    receiver: str
    firing: frozenset[Firing]
    resolved: frozenset[Firing]
    causes: frozenset[Firing]

    @property
    def hour(self) -> float:
        return self.seconds / _HOUR


class _Logged(NamedTuple):
    """What the notification log has of a group."""

    seconds: float
    firing: frozenset[_Labels]
    resolved: frozenset[_Labels]


@dataclass
class _Group:
    """The alerts of one group: those that fire, and those that were resolved since a flush."""

    receiver: str
    timing: Timing
    firing: dict[_Labels, tuple[Firing, bool]] = field(default_factory=dict)
    resolved: dict[_Labels, tuple[Firing, bool]] = field(default_factory=dict)
    next_flush: float | None = None
    logged: _Logged | None = None

    def update(self, seconds: float, states: Mapping[Firing, bool]) -> None:
        """Take over which alerts fire now, and which of them are active and not inhibited."""
        now = {frozenset(firing.labels.items()): (firing, on) for firing, on in states.items()}
        # An alert that was inhibited as it ended is taken for inhibited after it.
        ended = {labels: each for labels, each in self.firing.items() if labels not in now}
        self.resolved = {
            labels: each for labels, each in (self.resolved | ended).items() if labels not in now
        }
        self.firing = now
        if self.next_flush is None and now:
            self.next_flush = seconds + self.timing.wait

    def flush_until(self, limit: float) -> Iterator[Message]:
        """Flush the group whenever it is due before `limit`; nothing changes in between."""
        while self.next_flush is not None and self.next_flush < limit:
            yield from self._flush(self.next_flush)
            self.resolved = {}
            if not self.firing:
                self.next_flush = None
                return
            # The next flushes do nothing, until it is time for a reminder.
            due = limit if self.logged is None else self.logged.seconds + self.timing.repeat
            wait = max(min(due, limit) - self.next_flush, 0)
            self.next_flush += max(-(-wait // self.timing.interval), 1) * self.timing.interval

    def _flush(self, seconds: float) -> Iterator[Message]:
        firing = {labels: each for labels, (each, on) in self.firing.items() if on}
        resolved = {labels: each for labels, (each, on) in self.resolved.items() if on}
        if self.logged and seconds - self.logged.seconds > self._forgets_after:
            self.logged = None
        if not (firing or resolved) or not self._is_due(seconds, firing, resolved):
            return
        before = self.logged or _Logged(0, frozenset(), frozenset())
        self.logged = _Logged(seconds, frozenset(firing), frozenset(resolved))
        told = frozenset(resolved.values()) if self.timing.sends_resolved else frozenset()
        if not firing and not told:
            return
        new = {each for labels, each in firing.items() if labels not in before.firing}
        new |= {each for labels, each in resolved.items() if labels not in before.resolved} & told
        listed = frozenset(firing.values())
        yield Message(seconds, self.receiver, listed, told, frozenset(new) or listed | told)

    @property
    def _forgets_after(self) -> float:
        return min(2 * self.timing.repeat, _RETENTION_SECONDS)

    def _is_due(
        self, seconds: float, firing: Mapping[_Labels, Firing], resolved: Mapping[_Labels, Firing]
    ) -> bool:
        if self.logged is None:
            return bool(firing)
        if not self.logged.firing >= set(firing):
            return True
        if not firing:
            return bool(self.logged.firing)
        if self.timing.sends_resolved and not self.logged.resolved >= set(resolved):
            return True
        return seconds - self.logged.seconds >= self.timing.repeat


def dispatch(alertmanager: Grouping, firings: Sequence[Firing], end: int) -> list[Message]:
    """Return what Alertmanager sends of alerts that fire and end until an hour, in order of time.

    What fires at `end` does not end there: nobody is told that it is over.
    """
    groups: dict[tuple[str, str], _Group] = {}
    changes = {hour for f in firings for hour in (f.start, f.end + STEP_HOURS)}
    hours = sorted(hour for hour in changes if hour < end)
    ask = _remember(alertmanager)
    messages: list[Message] = []
    for hour in hours:
        for group in groups.values():
            messages += group.flush_until(hour * _HOUR)
        states = ask([f for f in firings if f.start <= hour <= f.end])
        for key in states.keys() | groups.keys():
            if key not in groups:
                groups[key] = _Group(key[0], alertmanager.timing(*key))
            groups[key].update(hour * _HOUR, states.get(key, {}))
    for group in groups.values():
        messages += group.flush_until(end * _HOUR)
    return sorted(messages, key=lambda message: message.seconds)


_States = dict[tuple[str, str], dict[Firing, bool]]


def _remember(alertmanager: Grouping) -> Callable[[Sequence[Firing]], _States]:
    """Return what groups alerts, and asks Alertmanager only for alerts that it has not seen.

    Which alerts are grouped and inhibited follows from their labels alone, and each answer takes
    Alertmanager a tenth of a second to settle.
    """
    known: dict[frozenset[_Labels], dict[tuple[str, str], dict[_Labels, bool]]] = {}

    def group(firings: Sequence[Firing]) -> _States:
        by_labels = {frozenset(firing.labels.items()): firing for firing in firings}
        key = frozenset(by_labels)
        if key not in known:
            known[key] = {
                group: {frozenset(each.labels.items()): on for each, on in states.items()}
                for group, states in alertmanager.group(firings).items()
            }
        return {
            group: {by_labels[labels]: on for labels, on in states.items()}
            for group, states in known[key].items()
        }

    return group
