"""The dashboards' queries where several targets publish the scores of one account."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain

import pytest

from grafana.queries import CHOICES, Query, list_queries
from seq_exporter.clock import midnight, utc_day
from seq_exporter.commands.backfill.remote_write import Receiver
from seq_exporter.commands.backfill.write_request import TimeSeries, batch
from seq_exporter.config.model import SeriesSelection
from seq_exporter.config.shard import WHOLE, Shard
from seq_exporter.publish.families import FAMILIES
from seq_exporter.score import Score
from seq_exporter.scores import METRICS, OwnScore, Snapshot, SubuserScores
from seq_exporter.sendgrid.session import open_session
from tests.backfilled import RECEIVERS, show_what_was_received
from tests.processes import free_port, running

HOUR, DAY = 3600, 86400
#: How long the newest day has been there.
NEW = HOUR
#: Of two shards, the first has the account, `shop-de` and `shop-it`; the second has `shop-fr`.
FIRST, SECOND = Shard(0, 2), Shard(1, 2)
SUBUSERS = {"2": "shop-de", "1": "shop-fr", "3": "shop-it"}
#: What a target publishes so many seconds before now: its shard, and how many days are newer.
Life = Callable[[float], tuple[Shard, int] | None]
Labels = tuple[tuple[str, str], ...]


def days_behind(ago: float) -> int:
    """Return how many days are newer now than the newest one was so many seconds ago."""
    return 0 if ago <= NEW else 1 + int((ago - NEW) // DAY)


def follow(ago: float) -> tuple[Shard, int]:
    return WHOLE, days_behind(ago)


def stay_behind(ago: float) -> tuple[Shard, int]:
    """Miss the newest day."""
    return WHOLE, max(1, days_behind(ago))


def end_before_it(ago: float) -> tuple[Shard, int] | None:
    return follow(ago) if ago > NEW else None


def begin_with_it(ago: float) -> tuple[Shard, int] | None:
    return follow(ago) if ago <= NEW else None


def first(ago: float) -> tuple[Shard, int]:
    return FIRST, days_behind(ago)


def second_a_poll_later(ago: float) -> tuple[Shard, int]:
    return SECOND, max(1, days_behind(ago))


def become_the_second(ago: float) -> tuple[Shard, int]:
    """Have the whole account until half an hour before the newest day."""
    return (SECOND if ago <= NEW + HOUR / 2 else WHOLE), days_behind(ago)


def be_added_as_the_first(ago: float) -> tuple[Shard, int] | None:
    return first(ago) if ago <= NEW + HOUR / 2 else None


#: The targets of each job by their instance.
JOBS: dict[str, dict[str, Life]] = {
    "one": {"a": follow},
    "stuck": {"a": follow, "b": stay_behind},
    "renamed": {"a": begin_with_it, "b": end_before_it},
    "shards": {"a": first, "b": second_a_poll_later},
    "divided": {"a": become_the_second, "b": be_added_as_the_first},
}


@dataclass(frozen=True)
class Past:
    """A server with the targets' samples of forty days up to `now`."""

    base: str
    now: float

    def ask(self, query: Query) -> dict[str, list[float]]:
        """Return the values of each series by its labels."""
        answer = query.send(self.base, self.now)
        assert answer["status"] == "success", answer
        return {
            json.dumps(found["metric"], sort_keys=True): [
                round(float(value), 6)  # a mean depends on the order of what is added
                for _, value in found.get("values", [found.get("value")])
            ]
            for found in answer["data"]["result"]
        }

    def read_overall(self, job: str) -> dict[str, float]:
        """Return what the table of every subuser shows as overall scores."""
        (asked,) = (
            query
            for query in list_panels(job)
            if (query.panel["title"], query.target["refId"]) == ("Every subuser", "A")
        )
        return {
            json.loads(labels)["subuser"]: value for labels, (value,) in self.ask(asked).items()
        }


@pytest.fixture(params=RECEIVERS, scope="module")
def past(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    now = int(time.time()) - 60  # VictoriaMetrics moves a query of this moment by milliseconds
    with running(folder) as start, open_session() as session:
        base = RECEIVERS[request.param](start, folder, f"127.0.0.1:{free_port()}")
        receiver = Receiver(f"{base}/api/v1/write", {}, session, time.sleep, 60)
        for series in batch(make_past(now)):
            receiver.send(series)
        show_what_was_received(base)
        yield Past(base, now)


def make_past(now: int) -> Iterator[TimeSeries]:
    """Return the series of all jobs: a sample a day, and many where they are looked at closely."""
    days = range(40 * DAY, DAY, -DAY)
    close = chain(range(27 * HOUR, 24 * HOUR, -240), range(3 * HOUR, -1, -240))
    times = [*days, *close]
    for job, targets in JOBS.items():
        for instance, life in targets.items():
            samples: dict[Labels, list[tuple[int, float]]] = {}
            for ago in times:
                for labels, value in publish(utc_day(now), life(ago)):
                    samples.setdefault(labels, []).append(((now - ago) * 1000, value))
            for labels, found in samples.items():
                yield TimeSeries({**dict(labels), "job": job, "instance": instance}, found)


def publish(today: date, published: tuple[Shard, int] | None) -> Iterator[tuple[Labels, float]]:
    """Return what the exporter publishes: labels and values."""
    if published is None:
        return
    shard, behind = published
    yield (("__name__", "seq_exporter_shards"),), shard.total
    day = today - timedelta(2 + behind)
    first_seen = "sendgrid_seq_score_date_first_seen_timestamp_seconds"
    labels: Labels = (("__name__", first_seen), ("account", "acme"), ("scope", "subusers"))
    yield labels, midnight(day) + (36 + behind) * HOUR
    scores = {name: score(user_id, behind) for user_id, name in SUBUSERS.items()}
    snapshot = Snapshot("acme", SubuserScores(day, scores), OwnScore(day, score("2", behind)))
    for family in FAMILIES:
        for values, value in family.samples(snapshot, SeriesSelection(shard=shard)):
            yield (("__name__", family.name), *zip(family.labels, values, strict=True)), value


def score(user_id: str, behind: int) -> Score:
    """Return scores that are poor on the newest day, and one that has been missing for days."""
    if behind < 3 and SUBUSERS[user_id] == "shop-it":
        return Score(user_id)
    overall = round((1.5 if behind == 0 else 4) + (behind + int(user_id)) % 10 / 10, 1)
    # On the newest day, no two metrics are equal: which one is the lowest must be certain.
    fallen = 0.1 if behind == 0 else 0
    metrics = tuple(round(overall - number * fallen, 1) for number in range(len(METRICS)))
    return Score(user_id, None, overall, metrics)


def list_panels(job: str) -> list[Query]:
    return list(list_queries(CHOICES | {"job": job, "account": "acme", "owner": "acme"}))


@pytest.mark.parametrize("job", ["stuck", "renamed"])
def test_higher_scores_of_an_outdated_replica_change_no_panel(job: str, past: Past) -> None:
    expected = [past.ask(query) for query in list_panels("one")]
    assert sum(map(bool, expected)) > 50
    assert [past.ask(query) for query in list_panels(job)] == expected


def test_the_scores_of_a_late_shard_stay(past: Past) -> None:
    assert past.read_overall("shards") == {"shop-de": 1.7, "shop-fr": 4.2}


def test_no_subuser_is_missing_after_an_account_has_been_divided(past: Past) -> None:
    assert past.read_overall("divided").keys() == {"shop-de", "shop-fr"}
