"""A backfill writes what the live exporter published: both run through the same days here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import responses
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.fetch import fetch_accounts
from seq_exporter.commands.backfill.plan import BackfillOptions, Plan, Window, make_plan
from seq_exporter.config.model import Account, PollSettings, SeriesSelection, SubuserSelection
from seq_exporter.publish.lines import format_number, format_series
from tests.support import FakeSendGrid, FakeTime, account, examples, item
from tests.unit.serve.poller_harness import PollerHarness

FIRST = date(2026, 10, 25)
DAYS = [FIRST + timedelta(number) for number in range(6)]
DELAY_HOURS = 12
POLL = PollSettings(lookback_days=3)

# Two users share a name, and one is called as another's user_id.
NAMES = {"1": "shop-de", "2": "shop-fr", "3": "shop-fr", "4": "2", "5": 'q"\\\n'}

_VALUES = st.sampled_from([1, 1.0, 2.5, 4.9, 5])


@st.composite
def scored_items(draw: st.DrawFn) -> Any:
    user_id = draw(st.sampled_from(list(NAMES)))
    if draw(st.booleans()):
        return item(user_id)  # not eligible: without its name
    made = item(user_id, NAMES[user_id], draw(_VALUES))
    for metric in draw(st.sets(st.sampled_from(list(made["metrics"])))):
        del made["metrics"][metric]
    return made


FLEET_DAYS = st.lists(
    st.none() | st.lists(scored_items(), max_size=6), min_size=len(DAYS), max_size=len(DAYS)
)
OWN_DAYS = st.lists(
    st.none() | st.just(item("9")) | st.builds(lambda value: item("9", "acme", value), _VALUES),
    min_size=len(DAYS),
    max_size=len(DAYS),
)
ACCOUNTS = st.sampled_from(
    [
        account(),
        account(own_score=False, subusers=SubuserSelection(frozenset({"shop-fr", "gone"}))),
        account(subusers=SubuserSelection(include=("shop-*",), exclude=("*-de",))),
        account(subusers=None),
        account(series=SeriesSelection(metrics=("open_rate",), eligible=False)),
        account(series=SeriesSelection(scores=False, metrics=(), eligible=False)),
    ]
)

#: Each series of scores, and its value.
Page = dict[str, str]


def midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


def polled_moments() -> Iterator[float]:
    """Yield each midnight and noon of the days, and of some days after them.

    At noon the scores of a day appear, at midnight those of an old one are withdrawn.
    """
    for hours in range(0, 24 * (len(DAYS) + 6), 12):
        yield midnight(FIRST) + hours * 3600


def read(text: str) -> Page:
    lines = [line for line in text.split("\n") if line.startswith("sendgrid_")]
    return {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in lines}


def live_pages(made: Account, days: dict[date, Any], own: dict[date, Any]) -> list[Page]:
    """Return what the exporter publishes over time, while the days appear one after the other."""
    pages = []
    clock = FakeTime()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        sendgrid = FakeSendGrid(mock)
        sendgrid.names = dict(NAMES)
        harness = PollerHarness(
            clock,
            settings={"lookback_days": POLL.lookback_days},
            own_score=made.own_score,
            subusers=made.subusers,
            series=made.series,
        )
        for moment in polled_moments():
            clock.seconds = moment
            for day in DAYS:
                if moment >= midnight(day) + (24 + DELAY_HOURS) * 3600:
                    sendgrid.subusers |= {day: days[day]} if day in days else {}
                    sendgrid.own |= {day: own[day]} if day in own else {}
            harness.poll()
            pages.append(read(harness.page))
    return pages


def past_pages(made: Account, days: dict[date, Any], own: dict[date, Any]) -> list[Page]:
    """Return what a backfill writes for the same times."""
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as mock,
        TemporaryDirectory() as folder,
    ):
        sendgrid = FakeSendGrid(mock)
        sendgrid.names, sendgrid.subusers, sendgrid.own = dict(NAMES), days, own
        clock = FakeTime()
        clock.seconds = midnight(DAYS[-1]) + 6 * 86400
        options = BackfillOptions(
            first=DAYS[0],
            last=DAYS[-1],
            until=None,
            delay_seconds=DELAY_HOURS * 3600,
            step_seconds=3600,
            labels={},
            requests_per_minute=6000,
            poll=POLL,
        )
        with closing(Archive(Path(folder) / "scores.sqlite", hash_cost=2)) as archive:
            (fetched,) = fetch_accounts(
                [made], archive, options, clock.clock, clock.sleep, lambda steps, text: None
            )
            plan = make_plan([(made, fetched.archive)], options, int(clock.seconds))
            return [page_at(plan, moment) for moment in polled_moments()]


def page_at(plan: Plan, moment: float) -> Page:
    page: Page = {}
    for series in plan.list_series(Window(int(moment), int(moment) + 1)):
        text = format_series(series.family.name, series.labels.items())
        assert text not in page
        ((_, value),) = series.values
        page[text] = format_number(value)
    return page


@examples(0.25)
@given(ACCOUNTS, FLEET_DAYS, OWN_DAYS)
def test_a_backfill_writes_what_was_published(
    made: Account, days: list[Any], own: list[Any]
) -> None:
    by_day = {day: items for day, items in zip(DAYS, days, strict=True) if items is not None}
    own_by_day = {day: item for day, item in zip(DAYS, own, strict=True) if item is not None}
    assert past_pages(made, by_day, own_by_day) == live_pages(made, by_day, own_by_day)
