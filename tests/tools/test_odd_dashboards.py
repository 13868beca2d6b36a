"""The dashboards' queries where there is another job, no exporter, many accounts, or odd names."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from grafana.queries import CHOICES, Choice, Query, fill, list_queries, load_dashboards
from seq_exporter.commands.backfill.remote_write import Receiver
from seq_exporter.commands.backfill.write_request import TimeSeries, batch
from seq_exporter.scores import METRICS
from seq_exporter.sendgrid.session import open_session
from tests.backfilled import RECEIVERS
from tests.processes import free_port, running
from tests.support import GIVE_UP_SECONDS

MINUTE, HOUR, DAY = 60, 3600, 86400
#: The subusers of the account `odd`: whatever SendGrid accepts as a username.
NAMES = (
    "it's",
    'a"b',
    "a+b",
    "(paren",
    "[x",
    "back\\slash",
    "a.b",
    "${x}",
    "%41&b=c",
    "ünï",
    "same",
)
#: Seconds before now at which the living have a sample, and those who ended an hour ago.
LIVING = (*range(9 * DAY, DAY, -DAY), *range(5 * HOUR, -1, -5 * MINUTE))
ENDED = tuple(ago for ago in LIVING if ago > HOUR)
#: Those of an exporter that was installed a minute ago.
TODAY = (MINUTE, 30, 0)
#: What the alerting rules record of an account with scores.
RULED = "account_scope:sendgrid_seq_score_date:newest"


def make_past(now: int) -> Iterator[TimeSeries]:
    """Return the series of an exporter that has been dead for an hour, and of one that lives."""

    def series(name: str, value: float, times: tuple[int, ...], **labels: str) -> TimeSeries:
        samples = [((now - ago) * 1000, value) for ago in times]
        return TimeSeries({"__name__": name, "instance": "x:1", **labels}, samples)

    yield series("up", 1, LIVING, job="node")
    yield series("up", 0, LIVING[-3:], job="dead")
    yield series("up", 1, LIVING, job="seq")
    for name in ("scrape_duration_seconds", "process_resident_memory_bytes"):
        yield series(name, 1, LIVING, job="node")
        yield series(name, 2, LIVING, job="seq")
    for job, times in (("dead", ENDED), ("seq", LIVING)):
        yield series("seq_exporter_build_info", 1, times, job=job, version="1.0")
        yield series("seq_exporter_config_last_reload_successful", 1, times, job=job)
        polled = {"job": job, "account": f"of-{job}"}
        yield series("seq_exporter_account_up", 1, times, **polled)
        success = "seq_exporter_last_successful_poll_timestamp_seconds"
        yield series(success, now - HOUR, times, **polled)
    yield series(RULED, now - 2 * DAY, LIVING, account="odd", scope="subusers")
    subusers = {"odd": NAMES, "o'brien & co": ("same",), "a+b (eu)": ("same",), "own-only": ()}
    for account, names in subusers.items():
        labels = {"job": "seq", "account": account}
        yield series("sendgrid_seq_account_score", 3.5, LIVING, **labels)
        for name in names:
            yield series("sendgrid_seq_score", 4.2, LIVING, **labels, subuser=name)
            eligible = {"subuser": name, "user_id": "1"}
            yield series("sendgrid_seq_subuser_eligible", 1, LIVING, **labels, **eligible)
            for metric in METRICS:
                score = {"subuser": name, "metric": metric}
                yield series("sendgrid_seq_metric_score", 4.2, LIVING, **labels, **score)
    new = {"job": "seq", "account": "of-today", "subuser": "new"}
    yield series("sendgrid_seq_score", 4.2, TODAY, **new)
    yield series("sendgrid_seq_subuser_eligible", 1, TODAY, **new, user_id="2")
    lost = {"job": "seq", "account": "odd", "subuser": "lost"}
    yield series("sendgrid_seq_score", 1.2, ENDED, **lost)
    yield series("sendgrid_seq_subuser_eligible", 0, LIVING[-3:], **lost)
    yield from make_many_accounts(now)


def make_many_accounts(now: int) -> Iterator[TimeSeries]:
    """Return series of three hundred accounts whose order changes with each sample."""
    chance = random.Random(1)
    names = (
        "sendgrid_seq_account_score",
        "seq_exporter_account_series",
        "seq_exporter_api_rate_limit_remaining",
        "seq_exporter_api_rate_limit",
    )
    for number in range(300):
        labels = {"job": "seq", "instance": "x:1", "account": f"one-of-many-{number:03}"}
        for name in names:
            # Those of the exporter itself are there until an hour ago: it has died, too.
            times = ENDED if name.startswith("seq_") else LIVING
            samples = [((now - ago) * 1000, chance.uniform(1, 5)) for ago in times]
            yield TimeSeries({"__name__": name, **labels}, samples)
        days = [((now - ago) * 1000, now - chance.uniform(1, 5) * DAY) for ago in LIVING]
        for name in ("date_timestamp", "date_first_seen_timestamp"):
            full = {"__name__": f"sendgrid_seq_score_{name}_seconds", "scope": "own", **labels}
            yield TimeSeries(full, days)


class Asked:
    """A Prometheus, and the moment that is now for the dashboards."""

    def __init__(self, base: str, now: float) -> None:
        self.base = base
        self.now = now

    def ask(
        self, dashboard: str, title: str, span: int | None = None, **choices: Choice
    ) -> list[dict[str, object]]:
        """Return the series of a panel's first query."""
        place = (dashboard, title)
        queries = list_all(span, **choices)
        return self.send(next(q for q in queries if (q.dashboard, q.panel["title"]) == place))

    def send(self, query: Query) -> list[dict[str, object]]:
        answer = query.send(self.base, self.now)
        assert answer["status"] == "success", (answer, str(query))
        return list(answer["data"]["result"])

    def read_variable(self, dashboard: str, name: str, **choices: Choice) -> list[str]:
        """Return what a variable offers."""
        variables = load_dashboards()[dashboard]["templating"]["list"]
        (query,) = (variable["query"] for variable in variables if variable["name"] == name)
        found = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
        assert found
        asked = {"match[]": fill(found[1], {**CHOICES, **choices})}
        url = f"{self.base}/api/v1/label/{found[2]}/values"
        return list(requests.get(url, asked, timeout=GIVE_UP_SECONDS).json()["data"])


def list_all(span: int | None = None, **choices: Choice) -> list[Query]:
    return list(list_queries({**CHOICES, **choices}, span))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("odd")
    now = int(time.time())
    with running(folder) as start, open_session() as session:
        base = RECEIVERS["Prometheus"](start, folder, f"127.0.0.1:{free_port()}")
        receiver = Receiver(f"{base}/api/v1/write", {}, session, time.sleep, 60)
        for series in batch(make_past(now)):
            receiver.send(series)
        yield Asked(base, now)


def values(found: list[dict[str, object]]) -> list[str]:
    return [value[1] for series in found for value in [series["value"]]]  # type: ignore[index]


def test_only_exporters_count(asked: Asked) -> None:
    assert values(asked.ask("seq-exporter", "Exporters")) == ["1"]
    assert values(asked.ask("seq-exporter", "Exporters", job="seq")) == ["0"]
    assert asked.ask("seq-exporter", "Exporters", job="node") == []
    # It died before the time range.
    assert values(asked.ask("seq-exporter", "Exporters", 15 * MINUTE)) == ["1"]
    for title in ("Scrape duration", "Memory"):
        (line,) = asked.ask("seq-exporter", title)
        assert line["metric"] == {"job": "seq"}


@pytest.mark.parametrize("title", ["Accounts failing", "Configuration", "Version"])
def test_a_dead_exporter_is_not_well(title: str, asked: Asked) -> None:
    assert asked.ask("seq-exporter", title, job="seq") != []
    assert asked.ask("seq-exporter", title, job="dead") == []


def test_a_dead_exporter_is_seen_on_the_page_of_the_fleet(asked: Asked) -> None:
    assert values(asked.ask("seq-fleet", "Exporters")) == ["1"]
    (succeeded,) = (
        query
        for query in list_all(job="dead")
        if (query.dashboard, query.panel["title"]) == ("seq-exporter", "Accounts")
        if "last_successful" in query.expression
    )
    (seconds,) = values(asked.send(succeeded))
    assert float(seconds) == pytest.approx(HOUR, abs=2)


def test_no_alert_is_not_the_same_as_no_rules(asked: Asked) -> None:
    assert values(asked.ask("seq-fleet", "Alerts firing", account="odd")) == ["0"]
    assert asked.ask("seq-fleet", "Alerts firing", account="own-only") == []


def test_ten_of_many_accounts_are_ten_lines(asked: Asked) -> None:
    drawn = [
        q for q in list_all(job="seq") if q.panel["type"] == "timeseries" and "k(10" in q.expression
    ]
    assert {query.panel["title"] for query in drawn} == {
        "Own scores over time",
        "Rate limit left",
        "Age of the scores",
        "SendGrid's publishing delay",
        "Series",
    }
    for query in drawn:
        assert len(asked.send(query)) == 10, str(query)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_dashboard(name: str, asked: Asked) -> None:
    assert name in asked.read_variable("seq-subuser", "subuser")
    assert "odd" in asked.read_variable("seq-subuser", "owner", subuser=name)
    chosen: dict[str, Any] = {"subuser": name, "owner": "odd"}
    assert values(asked.ask("seq-subuser", "Overall", **chosen)) == ["4.2"]
    (line,) = asked.ask("seq-subuser", "Overall score over time", **chosen)
    assert line["metric"] == {"account": "odd", "subuser": name}
    queries = [q for q in list_all(**chosen) if q.panel["title"] == "All scores over time"]
    assert [len(asked.send(query)) for query in queries] == [1, 5]
    found = asked.ask("seq-fleet", "Every subuser", search=name)
    assert {series["metric"]["subuser"] for series in found} == {name}  # type: ignore[index]


def test_several_accounts_of_any_name_can_be_chosen(asked: Asked) -> None:
    found = asked.ask("seq-fleet", "Every subuser", account=("a+b (eu)", "o'brien & co"))
    accounts = [series["metric"]["account"] for series in found]  # type: ignore[index]
    assert sorted(accounts) == ["a+b (eu)", "o'brien & co"]


@pytest.mark.parametrize("title", ["Eligible for", "Days scored", "Then and now"])
def test_a_quarter_of_an_hour_is_long_enough(title: str, asked: Asked) -> None:
    chosen: dict[str, Choice] = {"subuser": "same", "owner": "odd"}
    queries = list_all(15 * MINUTE, **chosen)
    shown = [
        q
        for q in queries
        if q.panel["title"] == title
        and "set 7d" not in q.expression
        and "set 30d" not in q.expression
    ]
    assert shown
    assert all(asked.send(query) for query in shown)


def test_the_first_minute_has_numbers(asked: Asked) -> None:
    """See that they do not wait for the first point of a range of 90 days."""
    shown = [
        query
        for query in list_all(subuser="new", owner="of-today")
        if query.panel["title"] in ("Overall", "Eligible for", "Days scored", "Then and now")
        if not re.search(r"set (7|30)d", query.expression)
    ]
    assert len(shown) == 6
    for query in shown:
        assert asked.send(query), str(query)


def test_a_name_in_three_accounts_is_three_subusers(asked: Asked) -> None:
    owners = asked.read_variable("seq-subuser", "owner", subuser="same")
    assert owners == ["a+b (eu)", "o'brien & co", "odd"]
    for owner in owners:
        (line,) = asked.ask("seq-subuser", "Overall score over time", subuser="same", owner=owner)
        assert line["metric"] == {"account": owner, "subuser": "same"}


def test_a_subuser_that_has_lost_its_score_is_gone(asked: Asked) -> None:
    everyone = asked.ask("seq-fleet", "Every subuser", account="odd")
    assert {series["metric"]["subuser"] for series in everyone} == set(NAMES)  # type: ignore[index]
    lowest = asked.ask("seq-fleet", "Lowest scores now", account="odd")
    assert "lost" not in {series["metric"]["subuser"] for series in lowest}  # type: ignore[index]


def test_an_account_without_subusers_has_its_own_scores(asked: Asked) -> None:
    assert values(asked.ask("seq-fleet", "Own scores", account="own-only")) == ["3.5"]
    assert len(asked.ask("seq-fleet", "Own scores over time", account="own-only")) == 1
