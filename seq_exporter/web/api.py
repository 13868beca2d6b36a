"""The JSON API: each endpoint's path, parameters and answer.

To add an endpoint, write a model of its answer and a function that makes it, and add both to
ENDPOINTS: its route and its OpenAPI description follow from there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from seq_exporter import __version__
from seq_exporter.scores import HIGHEST, LOWEST, METRICS, Health, Snapshot, SubuserScores
from seq_exporter.web.listing import Accounts, Entry, Query, list_subusers
from seq_exporter.web.parameters import NoParameters, Parameters

if TYPE_CHECKING:
    from seq_exporter.score import Score

_T = TypeVar("_T")
_Day = date
_Count = Annotated[int, Field(ge=0)]
_Score = Annotated[float, Field(ge=LOWEST, le=HIGHEST)] | None


class Answer(BaseModel):
    """A JSON object with exactly these keys, in this order."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ErrorAnswer(Answer):
    """The answer to a request with a mistake."""

    errors: list[str] = Field(description="A sentence for each mistake in the request.")


class _ByMetric(Answer, Generic[_T]):
    overall: _T
    engagement_recency: _T
    open_rate: _T
    bounce_classification: _T
    bounce_rate: _T
    spam_rate: _T


class _Dated(Answer):
    date: _Day


class _Subuser(Answer):
    account: str
    subuser: str
    user_id: str
    date: _Day


# The keys of the last base come first.
class OwnScores(_ByMetric[_Score], _Dated):
    """An account's own scores; null where SendGrid gives none."""


class SubuserEntry(_ByMetric[_Score], _Subuser):
    """A subuser's newest scores; null where SendGrid gives none."""

    change7: Annotated[float, Field(ge=LOWEST - HIGHEST, le=HIGHEST - LOWEST)] | None = Field(
        description="Change of the overall score from 7 days before; null unless `state_dir` has "
        "the score of that day."
    )


class Bands(Answer):
    """How many scores are in each band; 4.9 is in band 4."""

    band_1: _Count = Field(alias="1")
    band_2: _Count = Field(alias="2")
    band_3: _Count = Field(alias="3")
    band_4: _Count = Field(alias="4")
    band_5: _Count = Field(alias="5")


class Distribution(_ByMetric[Bands]):
    """How the subusers' scores are distributed."""


class SubuserSummary(Answer):
    """How many subusers an account has, by state, and the distribution of their scores."""

    date: _Day
    ineligible: _Count
    missing: _Count = Field(description="Named in the configuration, unknown to SendGrid.")
    scored: _Count
    distribution: Distribution


class AccountStatus(Answer):
    """An account's polls and scores."""

    account: str
    up: bool | None = Field(description="Whether the last poll succeeded; null before the first.")
    error: str | None = Field(description="Why the last poll failed, and how to fix it.")
    restored: bool = Field(description="Whether the scores were saved before the last start.")
    last_poll: datetime | None
    last_successful_poll: datetime | None
    next_poll: datetime | None
    own: OwnScores | None
    subusers: SubuserSummary | None


class StatusAnswer(Answer):
    """All accounts, in the order of the configuration."""

    version: str
    accounts: list[AccountStatus]


class ScoresAnswer(Answer):
    """A slice of the subusers that match, in the order that the request names."""

    total: _Count = Field(description="How many subusers match, in all slices together.")
    limit: _Count
    offset: _Count
    scores: list[SubuserEntry]


def describe_status(accounts: Accounts, parameters: NoParameters) -> StatusAnswer:
    """Return `{"version": "1.0.0", "accounts": [{"account": "acme", "up": true, ...}]}`."""
    return StatusAnswer(
        version=__version__,
        accounts=[_describe_account(snapshot, health) for snapshot, health in accounts],
    )


def describe_scores(accounts: Accounts, query: Query) -> ScoresAnswer:
    """Return `{"total": 34, "limit": 50, "offset": 0, "scores": [{"account": "acme", ...}]}`."""
    listing = list_subusers(accounts, query)
    return ScoresAnswer(
        total=listing.total,
        limit=query.limit,
        offset=query.offset,
        scores=[_describe_entry(entry) for entry in listing.entries],
    )


class Endpoint(NamedTuple):
    """A path that answers GET with JSON."""

    path: str
    summary: str
    parameters: type[Parameters]
    answer: type[Answer]
    respond: Callable[[Accounts, Any], Answer]


ENDPOINTS = (
    Endpoint(
        "/api/v1/status",
        "List accounts with their polls and scores",
        NoParameters,
        StatusAnswer,
        describe_status,
    ),
    Endpoint(
        "/api/v1/scores",
        "List the newest scores of subusers",
        Query,
        ScoresAnswer,
        describe_scores,
    ),
)


def _describe_account(snapshot: Snapshot, health: Health) -> AccountStatus:
    own, subusers = snapshot.own, snapshot.subusers
    return AccountStatus(
        account=snapshot.account,
        up=None if health.last_poll is None else health.failure is None,
        error=health.failure,
        restored=health.is_restored,
        last_poll=_to_moment(health.last_poll),
        last_successful_poll=_to_moment(health.last_success),
        next_poll=_to_moment(health.next_poll),
        own=OwnScores(date=own.day, **_by_metric(own.score)) if own else None,
        subusers=_summarize(subusers) if subusers else None,
    )


def _summarize(subusers: SubuserScores) -> SubuserSummary:
    distribution = {
        metric: Bands.model_validate({str(band): count for band, count in bands.items()})
        for metric, bands in subusers.bands.items()
    }
    return SubuserSummary(
        date=subusers.day, **subusers.counts, distribution=Distribution(**distribution)
    )


def _describe_entry(entry: Entry) -> SubuserEntry:
    return SubuserEntry(
        account=entry.account,
        subuser=entry.subuser,
        user_id=entry.score.user_id,
        date=entry.subusers.day,
        **_by_metric(entry.score),
        change7=entry.change7,
    )


def _by_metric(score: Score) -> dict[str, float | None]:
    return {"overall": score.overall, **dict(zip(METRICS, score.metrics, strict=True))}


def _to_moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
