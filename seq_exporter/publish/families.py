"""Snapshots in, exposition bytes out: the families whose series grow with the accounts.

The bytes are the same in Prometheus' text format and in OpenMetrics: gauges, no timestamps, and
nothing in a HELP text that the two would escape differently. Labels are in the order of their
names, as prometheus-client writes them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress, islice
from typing import TYPE_CHECKING, NamedTuple

from seq_exporter.clock import midnight
from seq_exporter.config.model import SeriesSelection
from seq_exporter.config.shard import Shard
from seq_exporter.publish.deflate import DeflatedText, Deflater
from seq_exporter.publish.joined_accounts import merge_texts
from seq_exporter.publish.lines import (
    Lines,
    SubuserLines,
    escape_labels,
    format_number,
    format_series,
)
from seq_exporter.scores import METRICS, BandCounter, BandCounts, Column, ScoreColumns, Snapshot

if TYPE_CHECKING:
    from seq_exporter.score import Score

#: The values of a family's labels, in the order of its labels, and the value of the sample.
Sample = tuple[tuple[str, ...], float]

# How many subusers' lines are made in one go: their texts stay in the processor's cache.
_SUBUSERS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Family(ABC):
    """A gauge: its name, its HELP text, and its label names in alphabetical order."""

    name: str
    help: str
    labels: tuple[str, ...]

    @property
    def header(self) -> str:
        """The two lines before the samples."""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} gauge\n"

    @abstractmethod
    def samples(self, snapshot: Snapshot, wanted: SeriesSelection) -> Iterator[Sample]:
        """Yield the samples of `snapshot`, of the series that are `wanted`."""


@dataclass(frozen=True, slots=True)
class AccountFamily(Family):
    """A gauge of an account as a whole: of all shards that poll the account, one publishes it."""

    collect: Callable[[Snapshot], Iterator[Sample]]

    def samples(self, snapshot: Snapshot, wanted: SeriesSelection) -> Iterator[Sample]:
        """Yield the samples of `snapshot`, on the shard that owns the account."""
        return self.collect(snapshot) if wanted.shard.owns(snapshot.account) else iter(())

    def lines(self, snapshot: Snapshot, wanted: SeriesSelection) -> Iterator[str]:
        """Yield the same as `samples`, as lines of an exposition."""
        for values, number in self.samples(snapshot, wanted):
            series = format_series(self.name, zip(self.labels, values, strict=True))
            yield f"{series} {format_number(number)}\n"


class Subusers:
    """Some subusers: their labels as an exposition writes them, and their scores."""

    def __init__(self, labels: Sequence[str], scores: Sequence[Score]) -> None:
        self.labels = labels
        self.scores = scores
        self.columns = ScoreColumns(scores)

    def select(self, wanted: Sequence[bool]) -> Subusers:
        """Return those that are `wanted`."""
        if all(wanted):
            return self
        return Subusers(list(compress(self.labels, wanted)), list(compress(self.scores, wanted)))

    @cached_property
    def with_scores(self) -> Subusers:
        """Those that have any score, overall or in a metric."""
        pairs = zip(self.columns.overall, self.scores, strict=True)
        # No score is 0.
        return self.select([bool(overall) or any(score.metrics) for overall, score in pairs])


class SubuserSeries(NamedTuple):
    """The series that each subuser has in a family, and their values.

    A series is given by the values of the labels between `account` and `subuser`. `columns` has the
    values of subusers for each series.
    """

    series: Sequence[tuple[str, ...]]
    columns: Callable[[ScoreColumns], Sequence[Column]]


@dataclass(frozen=True, slots=True)
class SubuserFamily(Family):
    """A gauge of which each subuser has series of its own, which do not depend on the others.

    Its last labels are `subuser` and, in some families, `user_id`. `needs_score` is False if a
    subuser without any score has series, too.
    """

    select: Callable[[SeriesSelection], SubuserSeries]
    needs_score: bool = True

    def samples(self, snapshot: Snapshot, wanted: SeriesSelection) -> Iterator[Sample]:
        """Yield the samples of one subuser after the other."""
        series, columns = self.select(wanted)
        by_label = snapshot.subusers.by_label if snapshot.subusers and series else {}
        for subuser, score in by_label.items():
            if not wanted.shard.owns(snapshot.account, score.user_id):
                continue
            last = (subuser, score.user_id) if self._has_user_id else (subuser,)
            values = columns(ScoreColumns([score]))
            for between, (value,) in zip(series, values, strict=True):
                if value is not None:
                    yield (snapshot.account, *between, *last), value

    def renderer(self, account: str, wanted: SeriesSelection) -> Callable[[Subusers], Lines] | None:
        """Return what makes the lines of some subusers; None if no series is wanted.

        The lines are those of `samples`, but not made from them: to render and compress 100,000
        subusers takes twice the CPU that way.
        """
        series, columns = self.select(wanted)
        if not series:
            return None
        # The text before the name of a subuser is the same for all subusers.
        starts = [
            format_series(
                self.name, zip(self.labels, (account, *between, ""), strict=False)
            ).removesuffix('"}')
            for between in series
        ]
        lines = SubuserLines(starts)

        def render(subusers: Subusers) -> Lines:
            found = subusers.with_scores if self.needs_score else subusers
            labels = found.labels
            if self._has_user_id:
                user_ids = escape_labels([score.user_id for score in found.scores])
                pairs = zip(labels, user_ids, strict=True)
                labels = [f'{label}",user_id="{user_id}' for label, user_id in pairs]
            return lines.render(labels, columns(found.columns))

        return render

    @property
    def _has_user_id(self) -> bool:
        return self.labels[-1] == "user_id"


#: The series of one account, as a piece for each family that has any, by the family's name.
DeflatedFamilies = Mapping[str, DeflatedText]


class RenderedAccount(NamedTuple):
    """The series of one account, and the snapshot that they show, whose bands have been counted."""

    families: DeflatedFamilies
    snapshot: Snapshot


def render_account(snapshot: Snapshot, wanted: SeriesSelection) -> RenderedAccount:
    """Return the series of one account that are `wanted`; a family without a sample is left out.

    Two lines of one of its pieces:

        sendgrid_seq_score{account="acme",subuser="shop-de"} 4.2
        sendgrid_seq_score{account="acme",subuser="shop-fr"} 3.0
    """
    pieces: dict[str, DeflatedText] = {}
    if snapshot.subusers:
        pieces, counts = _deflate_subusers(snapshot.account, snapshot.subusers.by_label, wanted)
        snapshot = replace(snapshot, subusers=replace(snapshot.subusers, band_counts=counts))
    for family in FAMILIES:
        if isinstance(family, AccountFamily):
            pieces[family.name] = DeflatedText.of(family.lines(snapshot, wanted))
    families = {name: piece for name, piece in pieces.items() if piece.lines}
    return RenderedAccount(families, snapshot)


def _deflate_subusers(
    account: str, by_label: Mapping[str, Score], wanted: SeriesSelection
) -> tuple[dict[str, DeflatedText], BandCounts]:
    """Return the pieces of the families of which each subuser has series, and count all scores.

    This is one pass over the subusers: to fetch 100,000 scores from memory takes as long as to
    write their lines.
    """
    families = [
        (family.name, render, Deflater())
        for family in FAMILIES
        if isinstance(family, SubuserFamily) and (render := family.renderer(account, wanted))
    ]
    counter = BandCounter()
    names, scores = iter(by_label), iter(by_label.values())
    while some := list(islice(names, _SUBUSERS_AT_ONCE)):
        subusers = Subusers(escape_labels(some), list(islice(scores, _SUBUSERS_AT_ONCE)))
        counter.add(subusers.with_scores.columns)
        owned = _select_owned(subusers, account, wanted.shard)
        for _, render, deflater in families:
            deflater.add(*render(owned))
    return {name: deflater.finish() for name, _, deflater in families}, counter.counts


def _select_owned(subusers: Subusers, account: str, shard: Shard) -> Subusers:
    """Return those of `subusers` that this shard publishes."""
    if shard.total == 1:
        return subusers
    return subusers.select([shard.owns(account, score.user_id) for score in subusers.scores])


def count_series(pieces: DeflatedFamilies) -> int:
    """Return how many series one account has."""
    return sum(piece.lines for piece in pieces.values())


def join_accounts(accounts: Sequence[DeflatedFamilies]) -> DeflatedText:
    """Return the page of all accounts, family by family and in each account by account.

    A family without a sample is left out, header and all. Two lines of the result:

        # TYPE sendgrid_seq_score gauge
        sendgrid_seq_score{account="acme",subuser="shop-de"} 4.2
    """
    names = (family.name for family in FAMILIES)
    return join_families(
        {name: [account[name] for account in accounts if name in account] for name in names}
    )


def join_families(families: Mapping[str, Sequence[DeflatedText]]) -> DeflatedText:
    """Return the page of `families`, each given by the pieces of all accounts."""
    pieces: list[DeflatedText] = []
    for family in FAMILIES:
        if found := families.get(family.name):
            pieces += (DeflatedText.of([family.header]), *found)
    return DeflatedText.join(merge_texts(pieces))


def _subuser_scores(wanted: SeriesSelection) -> SubuserSeries:
    """Make a sample for each subuser with a score.

    sendgrid_seq_score{account="acme",subuser="shop-de"} 4.2
    sendgrid_seq_score{account="acme",subuser="shop-fr"} 3.0
    """
    return SubuserSeries([()] * wanted.scores, lambda scores: [scores.overall])


def _subuser_metric_scores(wanted: SeriesSelection) -> SubuserSeries:
    """Make five samples for each subuser.

    sendgrid_seq_metric_score{account="acme",metric="open_rate",subuser="shop-de"} 3.0
    sendgrid_seq_metric_score{account="acme",metric="spam_rate",subuser="shop-de"} 5.0
    """
    chosen = [metric in wanted.metrics for metric in METRICS]
    series = [(metric,) for metric in compress(METRICS, chosen)]
    return SubuserSeries(series, lambda scores: list(compress(scores.metrics, chosen)))


def _eligibility(wanted: SeriesSelection) -> SubuserSeries:
    """Make a sample for each subuser, scored or not.

    sendgrid_seq_subuser_eligible{account="acme",subuser="shop-de",user_id="180"} 1.0
    sendgrid_seq_subuser_eligible{account="acme",subuser="shop-it",user_id="181"} 0.0
    """
    return SubuserSeries(
        [()] * wanted.eligible,
        lambda scores: [[overall is not None for overall in scores.overall]],
    )


def _account_score(snapshot: Snapshot) -> Iterator[Sample]:
    """Make one sample for each account.

    sendgrid_seq_account_score{account="acme"} 4.0
    sendgrid_seq_account_score{account="globex"} 2.5
    """
    if snapshot.own and snapshot.own.score.overall is not None:
        yield (snapshot.account,), snapshot.own.score.overall


def _account_metric_scores(snapshot: Snapshot) -> Iterator[Sample]:
    """Make five samples for each account.

    sendgrid_seq_account_metric_score{account="acme",metric="bounce_rate"} 4.0
    sendgrid_seq_account_metric_score{account="acme",metric="spam_rate"} 5.0
    """
    values = snapshot.own.score.metrics if snapshot.own else ()
    for metric, value in zip(METRICS, values, strict=False):
        if value is not None:
            yield (snapshot.account, metric), value


def _score_dates(snapshot: Snapshot) -> Iterator[Sample]:
    """Make a sample for each kind of score that the account has.

    sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="own"} 1.762128e+09
    sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="subusers"} 1.7620416e+09
    """
    for scope, held in (("own", snapshot.own), ("subusers", snapshot.subusers)):
        if held and held.has_scores:
            yield (snapshot.account, scope), midnight(held.day)


def _subuser_counts(snapshot: Snapshot) -> Iterator[Sample]:
    """Make three samples for each account.

    sendgrid_seq_subusers{account="acme",state="ineligible"} 1.0
    sendgrid_seq_subusers{account="acme",state="scored"} 2.0
    """
    for state, count in snapshot.subusers.counts.items() if snapshot.subusers else ():
        yield (snapshot.account, state), count


def _distribution(snapshot: Snapshot) -> Iterator[Sample]:
    """Make thirty samples for each account: six scores, five bands.

    sendgrid_seq_score_subusers{account="acme",band="4",metric="overall"} 2.0
    sendgrid_seq_score_subusers{account="acme",band="5",metric="overall"} 0.0
    """
    for metric, bands in snapshot.subusers.bands.items() if snapshot.subusers else ():
        for band, count in bands.items():
            yield (snapshot.account, str(band), metric), count


#: Every family made here, in the order of the page.
FAMILIES: tuple[AccountFamily | SubuserFamily, ...] = (
    SubuserFamily(
        "sendgrid_seq_score",
        "Overall SEQ score of a subuser, from 1 (poor) to 5 (good), "
        "cached from the last successful poll.",
        ("account", "subuser"),
        _subuser_scores,
    ),
    SubuserFamily(
        "sendgrid_seq_metric_score",
        "SEQ score of a subuser in one metric, from 1 (poor) to 5 (good), "
        "cached from the last successful poll.",
        ("account", "metric", "subuser"),
        _subuser_metric_scores,
    ),
    AccountFamily(
        "sendgrid_seq_account_score",
        "Overall SEQ score of the account itself, from 1 (poor) to 5 (good), "
        "cached from the last successful poll.",
        ("account",),
        _account_score,
    ),
    AccountFamily(
        "sendgrid_seq_account_metric_score",
        "SEQ score of the account itself in one metric, from 1 (poor) to 5 (good), "
        "cached from the last successful poll.",
        ("account", "metric"),
        _account_metric_scores,
    ),
    AccountFamily(
        "sendgrid_seq_score_date_timestamp_seconds",
        "Midnight UTC of the day that the published scores are for, "
        "cached from the last successful poll.",
        ("account", "scope"),
        _score_dates,
    ),
    SubuserFamily(
        "sendgrid_seq_subuser_eligible",
        "Whether SendGrid gave the subuser a score (1) or not (0), "
        "cached from the last successful poll.",
        ("account", "subuser", "user_id"),
        _eligibility,
        needs_score=False,
    ),
    AccountFamily(
        "sendgrid_seq_subusers",
        "How many subusers are scored, ineligible, or missing (configured and unknown to "
        "SendGrid), cached from the last successful poll.",
        ("account", "state"),
        _subuser_counts,
    ),
    AccountFamily(
        "sendgrid_seq_score_subusers",
        "How many subusers score at least band and less than band + 1; select one metric, as "
        "each counts every subuser; cached from the last successful poll.",
        ("account", "band", "metric"),
        _distribution,
    ),
)
