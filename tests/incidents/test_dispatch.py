"""What is sent of alerts that fire and end: the cases of Alertmanager's timers and its log."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.incidents.dispatch import dispatch
from tests.incidents.notifications import Timing
from tests.incidents.replay import Firing

HOUR = 3600
DAY = 24 * HOUR
PROMPT = Timing(wait=60, interval=HOUR, repeat=7 * DAY, sends_resolved=True)
DIGEST = Timing(wait=60, interval=DAY, repeat=30 * DAY, sends_resolved=False)
END = 40 * 24


class OneGroup:
    """Groups all alerts for one receiver; `b` is inhibited while `source` fires."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing

    def group(self, firings: Sequence[Firing]) -> dict[tuple[str, str], dict[Firing, bool]]:
        names = {firing.labels["subuser"] for firing in firings}
        states = {
            firing: not ("source" in names and firing.labels["subuser"] == "b")
            for firing in firings
        }
        return {("team", "group"): states} if states else {}

    def timing(self, receiver: str, group: str) -> Timing:
        return self._timing


def fires(name: str, start: int, end: int) -> Firing:
    return Firing(start, end, {"alertname": "SeqScoreDropped", "subuser": name})


def names(firings: frozenset[Firing]) -> str:
    return "".join(sorted(firing.labels["subuser"] for firing in firings))


def sent(timing: Timing, *firings: Firing) -> list[tuple[float, str, str, str]]:
    """Return the hour of each notification, what fires in it, what is resolved, and its causes."""
    return [
        (round(m.hour - 1 / 60, 3), names(m.firing), names(m.resolved), names(m.causes))
        for m in dispatch(OneGroup(timing), firings, END)
    ]


def test_an_alert_is_sent_after_group_wait_and_when_it_is_resolved() -> None:
    # It ends with the evaluation after its last one; the group's next flush tells.
    assert sent(PROMPT, fires("a", 12, 30)) == [(12, "a", "", "a"), (36, "", "a", "a")]


def test_a_second_alert_of_a_group_is_sent_with_the_next_flush() -> None:
    assert sent(PROMPT, fires("a", 12, 60), fires("b", 18, 60)) == [
        (12, "a", "", "a"),
        (18, "ab", "", "b"),
        (66, "", "ab", "ab"),
    ]


def test_a_reminder_is_sent_for_all_after_repeat_interval() -> None:
    notifications = sent(PROMPT, fires("a", 0, 16 * 24), fires("b", 0, 16 * 24))
    assert [hour for hour, *_ in notifications] == [0, 7 * 24, 14 * 24, 16 * 24 + 6]
    assert {causes for *_, causes in notifications} == {"ab"}


def test_a_digest_loses_what_begins_and_ends_between_two_ticks() -> None:
    assert sent(DIGEST, fires("a", 0, 96), fires("b", 6, 12)) == [(0, "a", "", "a")]


def test_a_digest_loses_an_alert_that_ends_and_begins_again_between_two_ticks() -> None:
    assert sent(DIGEST, fires("a", 0, 6), fires("a", 18, 96)) == [(0, "a", "", "a")]


def test_a_digest_has_a_second_alert_at_the_next_tick() -> None:
    assert sent(DIGEST, fires("a", 0, 96), fires("b", 6, 96)) == [
        (0, "a", "", "a"),
        (24, "ab", "", "b"),
    ]


def test_the_log_is_cleared_once_all_of_a_group_are_resolved() -> None:
    notifications = sent(DIGEST, fires("a", 0, 12), fires("a", 48, 60))
    assert [hour for hour, *_ in notifications] == [0, 48]


def test_what_fires_at_the_end_is_not_resolved() -> None:
    assert sent(PROMPT, fires("a", 12, 24), fires("b", END - 48, END)) == [
        (12, "a", "", "a"),
        (30, "", "a", "a"),
        (END - 48, "b", "", "b"),
    ]


def test_an_inhibited_alert_is_sent_once_nothing_inhibits_it() -> None:
    assert sent(PROMPT, fires("source", 0, 12), fires("b", 0, 24)) == [
        (0, "source", "", "source"),
        (18, "b", "source", "bsource"),
        (30, "", "b", "b"),
    ]


@pytest.mark.parametrize("timing", [PROMPT, DIGEST])
def test_without_alerts_nothing_is_sent(timing: Timing) -> None:
    assert sent(timing) == []
