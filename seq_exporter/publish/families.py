"""Snapshots in, exposition bytes out: the families whose series grow with the accounts.

The bytes are the same in Prometheus' text format and in OpenMetrics: gauges, no timestamps, and
nothing in a HELP text that the two would escape differently. Labels stand in the order of their
names, as prometheus-client writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress

from prometheus_client.utils import floatToGoString

from seq_exporter.clock import midnight
from seq_exporter.config.model import SeriesSelection
from seq_exporter.config.shard import Shard
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.scores import METRICS, Score, Snapshot


@dataclass(frozen=True, slots=True)
class Family:
    """A gauge: its name, its HELP text, and the lines that a snapshot adds, where it is wanted.

    `is_of_subusers` where each subuser has lines of its own, which say nothing of the others.
    """

    name: str
    help: str
    lines: Callable[[Snapshot, SeriesSelection], Iterator[str]]
    is_of_subusers: bool = False

    @property
    def header(self) -> str:
        """The two lines before the samples."""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} gauge\n"


#: The series of one account, as a piece for each family that has any, by the family's name.
DeflatedFamilies = Mapping[str, DeflatedText]


def render_account(snapshot: Snapshot, wanted: SeriesSelection) -> DeflatedFamilies:
    """Return the series of one account that are `wanted`; a family without a sample is left out.

    Two lines of one of its pieces:

        sendgrid_seq_score{account="acme",subuser="shop-de"} 4.2
        sendgrid_seq_score{account="acme",subuser="shop-fr"} 3.0
    """
    made = ((family.name, DeflatedText.of(family.lines(snapshot, wanted))) for family in FAMILIES)
    return {name: piece for name, piece in made if piece.lines}


def count_series(pieces: DeflatedFamilies) -> int:
    """Return how many series one account has."""
    return sum(piece.lines for piece in pieces.values())


def join_accounts(accounts: Sequence[DeflatedFamilies]) -> DeflatedText:
    """Return the page of all accounts, family by family and in each account by account.

    A family without a sample is left out, header and all. Two lines of the result:

        # TYPE sendgrid_seq_score gauge
        sendgrid_seq_score{account="acme",subuser="shop-de"} 4.2
    """
    pieces: list[DeflatedText] = []
    for family in FAMILIES:
        found = [account[family.name] for account in accounts if family.name in account]
        if found:
            pieces += (DeflatedText.of([family.header]), *found)
    return DeflatedText.join(pieces)


def _subuser_scores(snapshot: Snapshot, wanted: SeriesSelection) -> Iterator[str]:
    """Make two lines of a fleet of two.

    sendgrid_seq_score{account="acme",subuser="shop-de"} 4.2
    sendgrid_seq_score{account="acme",subuser="shop-fr"} 3.0
    """
    account = escape_label(snapshot.account)
    for subuser, score in _subusers(snapshot, wanted.shard) if wanted.scores else ():
        if score.overall is not None:
            labels = f'account="{account}",subuser="{subuser}"'
            yield f"sendgrid_seq_score{{{labels}}} {_number(score.overall)}\n"


def _subuser_metric_scores(snapshot: Snapshot, wanted: SeriesSelection) -> Iterator[str]:
    """Make five lines a subuser.

    sendgrid_seq_metric_score{account="acme",metric="open_rate",subuser="shop-de"} 3.0
    sendgrid_seq_metric_score{account="acme",metric="spam_rate",subuser="shop-de"} 5.0
    """
    account = escape_label(snapshot.account)
    chosen = [metric in wanted.metrics for metric in METRICS]
    starts = [
        f'sendgrid_seq_metric_score{{account="{account}",metric="{metric}",subuser="'
        for metric in compress(METRICS, chosen)
    ]
    for subuser, score in _subusers(snapshot, wanted.shard) if starts else ():
        labelled = zip(starts, compress(score.metrics, chosen), strict=True)
        yield "".join(
            [
                f'{start}{subuser}"}} {_number(value)}\n'
                for start, value in labelled
                if value is not None
            ]
        )


def _account_score(snapshot: Snapshot) -> Iterator[str]:
    """Make one line an account.

    sendgrid_seq_account_score{account="acme"} 4.0
    sendgrid_seq_account_score{account="globex"} 2.5
    """
    if snapshot.own and snapshot.own.score.overall is not None:
        value = _number(snapshot.own.score.overall)
        yield f'sendgrid_seq_account_score{{account="{escape_label(snapshot.account)}"}} {value}\n'


def _account_metric_scores(snapshot: Snapshot) -> Iterator[str]:
    """Make five lines an account.

    sendgrid_seq_account_metric_score{account="acme",metric="bounce_rate"} 4.0
    sendgrid_seq_account_metric_score{account="acme",metric="spam_rate"} 5.0
    """
    account = escape_label(snapshot.account)
    for metric, value in _known_metrics(snapshot.own.score) if snapshot.own else ():
        labels = f'account="{account}",metric="{metric}"'
        yield f"sendgrid_seq_account_metric_score{{{labels}}} {_number(value)}\n"


def _score_dates(snapshot: Snapshot) -> Iterator[str]:
    """Make one line for each kind of score that the account has.

    sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="own"} 1.762128e+09
    sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="subusers"} 1.7620416e+09
    """
    account = escape_label(snapshot.account)
    for scope, held in (("own", snapshot.own), ("subusers", snapshot.subusers)):
        if held and held.has_scores:
            labels = f'account="{account}",scope="{scope}"'
            value = _number(midnight(held.day))
            yield f"sendgrid_seq_score_date_timestamp_seconds{{{labels}}} {value}\n"


def _eligibility(snapshot: Snapshot, wanted: SeriesSelection) -> Iterator[str]:
    """Make one line a subuser, scored or not.

    sendgrid_seq_subuser_eligible{account="acme",subuser="shop-de",user_id="180"} 1.0
    sendgrid_seq_subuser_eligible{account="acme",subuser="shop-it",user_id="181"} 0.0
    """
    account = escape_label(snapshot.account)
    for subuser, score in _subusers(snapshot, wanted.shard) if wanted.eligible else ():
        labels = f'account="{account}",subuser="{subuser}",user_id="{escape_label(score.user_id)}"'
        yield f"sendgrid_seq_subuser_eligible{{{labels}}} {float(score.is_scored)}\n"


def _subuser_counts(snapshot: Snapshot) -> Iterator[str]:
    """Make three lines an account.

    sendgrid_seq_subusers{account="acme",state="ineligible"} 1.0
    sendgrid_seq_subusers{account="acme",state="scored"} 2.0
    """
    if snapshot.subusers:
        for state, count in snapshot.subusers.counts.items():
            labels = f'account="{escape_label(snapshot.account)}",state="{state}"'
            yield f"sendgrid_seq_subusers{{{labels}}} {float(count)}\n"


def _distribution(snapshot: Snapshot) -> Iterator[str]:
    """Make thirty lines an account: six scores, five bands.

    sendgrid_seq_score_subusers{account="acme",band="4",metric="overall"} 2.0
    sendgrid_seq_score_subusers{account="acme",band="5",metric="overall"} 0.0
    """
    if snapshot.subusers:
        account = escape_label(snapshot.account)
        for metric, bands in snapshot.subusers.bands.items():
            for band, count in bands.items():
                labels = f'account="{account}",band="{band}",metric="{metric}"'
                yield f"sendgrid_seq_score_subusers{{{labels}}} {float(count)}\n"


def _subusers(snapshot: Snapshot, shard: Shard) -> Iterator[tuple[str, Score]]:
    if snapshot.subusers:
        for label, score in snapshot.subusers.by_label.items():
            if shard.owns(snapshot.account, score.user_id):
                yield escape_label(label), score


def _known_metrics(score: Score) -> Iterator[tuple[str, float]]:
    for metric, value in zip(METRICS, score.metrics, strict=True):
        if value is not None:
            yield metric, value


@lru_cache(maxsize=1024)  # scores have one decimal: there are few of them
def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def escape_label(value: str) -> str:
    """Return a label's value as it stands between quotation marks."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _of_the_whole(
    lines: Callable[[Snapshot], Iterator[str]],
) -> Callable[[Snapshot, SeriesSelection], Iterator[str]]:
    """Make lines of an account as a whole those of one shard alone, of all that poll it."""

    def of_one_shard(snapshot: Snapshot, wanted: SeriesSelection) -> Iterator[str]:
        return lines(snapshot) if wanted.shard.owns(snapshot.account) else iter(())

    return of_one_shard


#: Every family made here, in the order of the page.
FAMILIES = (
    Family(
        "sendgrid_seq_score",
        "Overall SEQ score of a subuser, from 1 (poor) to 5 (good), "
        "cached from the last successful poll.",
        _subuser_scores,
        is_of_subusers=True,
    ),
    Family(
        "sendgrid_seq_metric_score",
        "SEQ score of a subuser in one metric, from 1 (poor) to 5 (good), "
        "cached from the last successful poll.",
        _subuser_metric_scores,
        is_of_subusers=True,
    ),
    Family(
        "sendgrid_seq_account_score",
        "Overall SEQ score of the account itself, from 1 (poor) to 5 (good), "
        "cached from the last successful poll.",
        _of_the_whole(_account_score),
    ),
    Family(
        "sendgrid_seq_account_metric_score",
        "SEQ score of the account itself in one metric, from 1 (poor) to 5 (good), "
        "cached from the last successful poll.",
        _of_the_whole(_account_metric_scores),
    ),
    Family(
        "sendgrid_seq_score_date_timestamp_seconds",
        "Midnight UTC of the day that the published scores are for, "
        "cached from the last successful poll.",
        _of_the_whole(_score_dates),
    ),
    Family(
        "sendgrid_seq_subuser_eligible",
        "Whether SendGrid gave the subuser a score (1) or not (0), "
        "cached from the last successful poll.",
        _eligibility,
        is_of_subusers=True,
    ),
    Family(
        "sendgrid_seq_subusers",
        "How many subusers are scored, ineligible, or missing (configured and unknown to "
        "SendGrid), cached from the last successful poll.",
        _of_the_whole(_subuser_counts),
    ),
    Family(
        "sendgrid_seq_score_subusers",
        "How many subusers score at least band and less than band + 1; select one metric, as "
        "each counts every subuser; cached from the last successful poll.",
        _of_the_whole(_distribution),
    ),
)
