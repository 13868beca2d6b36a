"""The page, written out, and compared with prometheus-client's own renderer on random data."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from seq_exporter.config.model import SeriesSelection
from seq_exporter.config.shard import Shard
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.families import FAMILIES, join_accounts, render_account
from seq_exporter.publish.lines import format_number, format_series
from seq_exporter.score import Score
from seq_exporter.scores import METRICS, OwnScore, Snapshot, SubuserScores
from tests.support import day, text_of

PAGE = r"""
# HELP sendgrid_seq_score Overall SEQ score of a subuser, from 1 (poor) to 5 (good), cached from the last successful poll.
# TYPE sendgrid_seq_score gauge
sendgrid_seq_score{account="acme",subuser="shop-de"} 4.25
sendgrid_seq_score{account="acme",subuser="a \"b\" \\ c\nd"} 1.0
# HELP sendgrid_seq_metric_score SEQ score of a subuser in one metric, from 1 (poor) to 5 (good), cached from the last successful poll.
# TYPE sendgrid_seq_metric_score gauge
sendgrid_seq_metric_score{account="acme",metric="engagement_recency",subuser="shop-de"} 5.0
sendgrid_seq_metric_score{account="acme",metric="open_rate",subuser="shop-de"} 4.0
sendgrid_seq_metric_score{account="acme",metric="bounce_classification",subuser="shop-de"} 3.5
sendgrid_seq_metric_score{account="acme",metric="bounce_rate",subuser="shop-de"} 2.0
sendgrid_seq_metric_score{account="acme",metric="spam_rate",subuser="shop-de"} 1.0
sendgrid_seq_metric_score{account="acme",metric="open_rate",subuser="a \"b\" \\ c\nd"} 1.0
# HELP sendgrid_seq_account_score Overall SEQ score of the account itself, from 1 (poor) to 5 (good), cached from the last successful poll.
# TYPE sendgrid_seq_account_score gauge
sendgrid_seq_account_score{account="acme"} 3.7
# HELP sendgrid_seq_account_metric_score SEQ score of the account itself in one metric, from 1 (poor) to 5 (good), cached from the last successful poll.
# TYPE sendgrid_seq_account_metric_score gauge
sendgrid_seq_account_metric_score{account="acme",metric="engagement_recency"} 4.0
sendgrid_seq_account_metric_score{account="acme",metric="open_rate"} 4.0
sendgrid_seq_account_metric_score{account="acme",metric="bounce_classification"} 4.0
sendgrid_seq_account_metric_score{account="acme",metric="bounce_rate"} 4.0
sendgrid_seq_account_metric_score{account="acme",metric="spam_rate"} 4.0
# HELP sendgrid_seq_score_date_timestamp_seconds Midnight UTC of the day that the published scores are for, cached from the last successful poll.
# TYPE sendgrid_seq_score_date_timestamp_seconds gauge
sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="own"} 1.762128e+09
sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="subusers"} 1.7620416e+09
# HELP sendgrid_seq_subuser_eligible Whether SendGrid gave the subuser a score (1) or not (0), cached from the last successful poll.
# TYPE sendgrid_seq_subuser_eligible gauge
sendgrid_seq_subuser_eligible{account="acme",subuser="shop-de",user_id="180"} 1.0
sendgrid_seq_subuser_eligible{account="acme",subuser="a \"b\" \\ c\nd",user_id="181"} 1.0
sendgrid_seq_subuser_eligible{account="acme",subuser="182",user_id="182"} 0.0
# HELP sendgrid_seq_subusers How many subusers are scored, ineligible, or missing (configured and unknown to SendGrid), cached from the last successful poll.
# TYPE sendgrid_seq_subusers gauge
sendgrid_seq_subusers{account="acme",state="ineligible"} 1.0
sendgrid_seq_subusers{account="acme",state="missing"} 0.0
sendgrid_seq_subusers{account="acme",state="scored"} 2.0
# HELP sendgrid_seq_score_subusers How many subusers score at least band and less than band + 1; select one metric, as each counts every subuser; cached from the last successful poll.
# TYPE sendgrid_seq_score_subusers gauge
sendgrid_seq_score_subusers{account="acme",band="1",metric="overall"} 1.0
sendgrid_seq_score_subusers{account="acme",band="2",metric="overall"} 0.0
sendgrid_seq_score_subusers{account="acme",band="3",metric="overall"} 0.0
sendgrid_seq_score_subusers{account="acme",band="4",metric="overall"} 1.0
sendgrid_seq_score_subusers{account="acme",band="5",metric="overall"} 0.0
sendgrid_seq_score_subusers{account="acme",band="1",metric="engagement_recency"} 0.0
sendgrid_seq_score_subusers{account="acme",band="2",metric="engagement_recency"} 0.0
sendgrid_seq_score_subusers{account="acme",band="3",metric="engagement_recency"} 0.0
sendgrid_seq_score_subusers{account="acme",band="4",metric="engagement_recency"} 0.0
sendgrid_seq_score_subusers{account="acme",band="5",metric="engagement_recency"} 1.0
sendgrid_seq_score_subusers{account="acme",band="1",metric="open_rate"} 1.0
sendgrid_seq_score_subusers{account="acme",band="2",metric="open_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="3",metric="open_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="4",metric="open_rate"} 1.0
sendgrid_seq_score_subusers{account="acme",band="5",metric="open_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="1",metric="bounce_classification"} 0.0
sendgrid_seq_score_subusers{account="acme",band="2",metric="bounce_classification"} 0.0
sendgrid_seq_score_subusers{account="acme",band="3",metric="bounce_classification"} 1.0
sendgrid_seq_score_subusers{account="acme",band="4",metric="bounce_classification"} 0.0
sendgrid_seq_score_subusers{account="acme",band="5",metric="bounce_classification"} 0.0
sendgrid_seq_score_subusers{account="acme",band="1",metric="bounce_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="2",metric="bounce_rate"} 1.0
sendgrid_seq_score_subusers{account="acme",band="3",metric="bounce_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="4",metric="bounce_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="5",metric="bounce_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="1",metric="spam_rate"} 1.0
sendgrid_seq_score_subusers{account="acme",band="2",metric="spam_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="3",metric="spam_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="4",metric="spam_rate"} 0.0
sendgrid_seq_score_subusers{account="acme",band="5",metric="spam_rate"} 0.0
""".lstrip()  # noqa: E501

ACME = Snapshot(
    "acme",
    SubuserScores(
        date(2025, 11, 2),
        {
            "shop-de": Score("180", "shop-de", 4.25, (5.0, 4.0, 3.5, 2.0, 1.0)),
            'a "b" \\ c\nd': Score("181", 'a "b" \\ c\nd', 1.0, (None, 1.0, None, None, None)),
            "182": Score("182"),
        },
    ),
    OwnScore(date(2025, 11, 3), Score("9", "acme", 3.7, (4.0,) * 5)),
)


def join(snapshots: Sequence[Snapshot]) -> DeflatedText:
    return join_accounts(
        [render_account(snapshot, SeriesSelection()).families for snapshot in snapshots]
    )


def test_the_whole_page_of_a_small_account() -> None:
    assert text_of(join([ACME])) == PAGE


def test_the_samples_of_a_family_are_together_for_all_accounts() -> None:
    body = text_of(join([ACME, Snapshot("b", None, ACME.own)]))
    assert body.count("# TYPE sendgrid_seq_account_score gauge") == 1
    assert (
        'sendgrid_seq_account_score{account="acme"} 3.7\n'
        'sendgrid_seq_account_score{account="b"} 3.7\n'
    ) in body


SUBUSERS_FAMILIES = ("score", "metric_score", "subuser_eligible")


@pytest.mark.parametrize(
    ("wanted", "left_out"),
    [
        (SeriesSelection(), []),
        (SeriesSelection(scores=False), ["score"]),
        (SeriesSelection(metrics=()), ["metric_score"]),
        (SeriesSelection(eligible=False), ["subuser_eligible"]),
        (SeriesSelection(scores=False, metrics=(), eligible=False), SUBUSERS_FAMILIES),
    ],
)
def test_only_the_families_that_are_wanted_are_there(
    wanted: SeriesSelection, left_out: Sequence[str]
) -> None:
    families = [f"sendgrid_seq_{name}" for name in left_out]
    kept = [
        line
        for line in PAGE.splitlines()
        if line.removeprefix("# HELP ").removeprefix("# TYPE ").split("{")[0].split(" ")[0]
        not in families
    ]
    assert text_of(join_accounts([render_account(ACME, wanted).families])).splitlines() == kept


def test_only_the_metrics_that_are_wanted_are_there() -> None:
    wanted = SeriesSelection(metrics=("spam_rate",))
    page = text_of(join_accounts([render_account(ACME, wanted).families]))
    expected = [
        line
        for line in PAGE.splitlines()
        if not line.startswith("sendgrid_seq_metric_score{") or 'metric="spam_rate"' in line
    ]
    assert page.splitlines() == expected


def test_nothing_is_published_before_the_first_poll() -> None:
    assert text_of(join([Snapshot("acme")])) == ""


def test_every_help_text_is_a_sentence_and_mentions_that_values_are_cached() -> None:
    for family in FAMILIES:
        assert family.help[0].isupper()
        assert family.help.endswith("cached from the last successful poll.")
        # These characters are escaped differently in text and in OpenMetrics.
        assert not set(family.help) & set('\\"\n')


def test_the_gzipped_page_is_one_member() -> None:
    page, volatile = join([ACME]), b"# EOF\n"
    decompressor = zlib.decompressobj(wbits=31)
    zipped = b"".join(page.gzipped(DeflatedText.join([]), volatile))
    assert decompressor.decompress(zipped) == text_of(page).encode() + volatile
    assert decompressor.eof
    assert not decompressor.unused_data


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
VALUES = st.none() | st.floats(1, 5)
SCORES = st.builds(
    Score, user_id=TEXT, overall=VALUES, metrics=st.tuples(*(VALUES for _ in METRICS))
)
DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))
SNAPSHOTS = st.builds(
    Snapshot,
    account=TEXT,
    subusers=st.none()
    | st.builds(
        SubuserScores,
        day=DAYS,
        by_label=st.dictionaries(TEXT, SCORES, max_size=5),
        missing=st.lists(TEXT, max_size=3).map(tuple),
        has_scores=st.booleans(),
    ),
    own=st.none() | st.builds(OwnScore, day=DAYS, score=SCORES),
)
SELECTIONS = st.builds(
    SeriesSelection,
    scores=st.booleans(),
    metrics=st.lists(st.sampled_from(METRICS), unique=True).map(tuple),
    eligible=st.booleans(),
    shard=st.sampled_from([Shard(0, 1), Shard(0, 2), Shard(1, 2)]),
)
FLEETS = st.lists(SNAPSHOTS, max_size=3, unique_by=lambda snapshot: snapshot.account)


class Reference(Collector):
    """The same series, given to prometheus-client in the plainest way."""

    def __init__(self, snapshots: list[Snapshot]) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for family in FAMILIES:
            samples = {
                tuple(sorted(labels.items())): value
                for snapshot in self._snapshots
                for name, labels, value in _samples(snapshot)
                if name == family.name
            }
            if samples:
                made = GaugeMetricFamily(family.name, family.help)
                for labels, value in samples.items():
                    made.add_sample(family.name, dict(labels), value)
                yield made


def _samples(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, str], float]]:
    base = {"account": snapshot.account}
    if snapshot.own:
        score, when = snapshot.own.score, snapshot.own.day
        if score.overall is not None:
            yield "sendgrid_seq_account_score", base, score.overall
        for metric, value in zip(METRICS, score.metrics, strict=True):
            if value is not None:
                yield "sendgrid_seq_account_metric_score", base | {"metric": metric}, value
        if score.overall is not None:
            labels = base | {"scope": "own"}
            yield "sendgrid_seq_score_date_timestamp_seconds", labels, _midnight(when)
    if snapshot.subusers:
        yield from _subuser_samples(base, snapshot.subusers)


def _subuser_samples(
    base: dict[str, str], subusers: SubuserScores
) -> Iterator[tuple[str, dict[str, str], float]]:
    when = _midnight(subusers.day)
    if subusers.has_scores:
        yield "sendgrid_seq_score_date_timestamp_seconds", base | {"scope": "subusers"}, when
    values: dict[str, list[float]] = {"overall": [], **{metric: [] for metric in METRICS}}
    for label, score in subusers.by_label.items():
        who = base | {"subuser": label}
        eligible = who | {"user_id": score.user_id}
        yield "sendgrid_seq_subuser_eligible", eligible, float(score.overall is not None)
        if score.overall is not None:
            yield "sendgrid_seq_score", who, score.overall
            values["overall"].append(score.overall)
        for metric, value in zip(METRICS, score.metrics, strict=True):
            if value is not None:
                yield "sendgrid_seq_metric_score", who | {"metric": metric}, value
                values[metric].append(value)
    for state, count in subusers.counts.items():
        yield "sendgrid_seq_subusers", base | {"state": state}, float(count)
    for metric, known in values.items():
        for band in range(1, 6):
            inside = sum(band <= value < band + 1 for value in known)
            labels = base | {"metric": metric, "band": str(band)}
            yield "sendgrid_seq_score_subusers", labels, float(inside)


def _midnight(when: date) -> float:
    return datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp()


@given(SNAPSHOTS, SELECTIONS)
def test_the_samples_and_the_lines_of_a_family_agree(
    snapshot: Snapshot, wanted: SeriesSelection
) -> None:
    pieces, rendered = render_account(snapshot, wanted)
    assert rendered == snapshot
    for family in FAMILIES:
        lines = [
            f"{format_series(family.name, zip(family.labels, values, strict=True))} "
            f"{format_number(value)}\n"
            for values, value in family.samples(snapshot, wanted)
        ]
        piece = pieces.get(family.name, DeflatedText.join([]))
        assert text_of(piece) == "".join(lines)
        assert piece.lines == len(lines)


def test_labels_are_in_the_order_of_their_names() -> None:
    for family in FAMILIES:
        assert list(family.labels) == sorted(family.labels)


@given(FLEETS)
def test_the_page_is_what_prometheus_client_would_print(snapshots: list[Snapshot]) -> None:
    registry = CollectorRegistry()
    registry.register(Reference(snapshots))
    body = text_of(join(snapshots)).encode()
    assert body == generate_latest(registry)
    assert body + b"# EOF\n" == generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    list(text_string_to_metric_families(body.decode()))


@given(FLEETS, st.binary())
def test_the_gzipped_page_is_the_plain_one(snapshots: list[Snapshot], volatile: bytes) -> None:
    page = join(snapshots)
    assert (
        gzip.decompress(b"".join(page.gzipped(DeflatedText.join([]), volatile)))
        == text_of(page).encode() + volatile
    )


@given(SNAPSHOTS, SELECTIONS)
def test_all_scores_are_counted_when_those_of_a_shard_are_rendered(
    snapshot: Snapshot, wanted: SeriesSelection
) -> None:
    counted = render_account(snapshot, wanted).snapshot.subusers
    if not snapshot.subusers:
        return
    assert counted
    scores = snapshot.subusers.by_label.values()
    values = [(score.overall, *score.metrics) for score in scores]
    for number, counts in enumerate(counted.band_counts):
        known = [value for each in values if (value := each[number]) is not None]
        assert counts == tuple(
            sum(band <= value < band + 1 for value in known) for band in range(1, 6)
        )


@pytest.mark.parametrize("shard", [Shard(0, 1), Shard(1, 2), Shard(0, 500)])
def test_a_large_account_is_rendered_in_batches(shard: Shard) -> None:
    scores = {f"shop-{number:03}": Score(str(number), None, 4.2) for number in range(601)}
    snapshot = Snapshot("acme", SubuserScores(day(4), scores))
    families, rendered = render_account(snapshot, SeriesSelection(metrics=(), shard=shard))
    owned = [name for name, score in scores.items() if shard.owns("acme", score.user_id)]
    assert text_of(families["sendgrid_seq_score"]) == "".join(
        f'sendgrid_seq_score{{account="acme",subuser="{name}"}} 4.2\n' for name in owned
    )
    assert families["sendgrid_seq_score"].lines == len(owned)
    assert rendered.subusers
    assert rendered.subusers.band_counts[0] == (0, 0, 0, 601, 0)
