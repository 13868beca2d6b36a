"""What a state file holds of a snapshot, as JSON.

One line of it, wrapped here:

    {"account":"acme","subusers":{"day":"2025-11-04","by_label":{"shop-de":["180","shop-de",4.2,
    [4.0,3.0,5.0,4.5,5.0]]},"missing":[],"has_scores":true,"read_at":0.0,"users":1},"own":null}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetPydanticSchema, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores

_Row = tuple[str, str | None, float | None, tuple[float | None, ...]]


def _read_row(row: _Row) -> Score:
    return Score(*row)


def _write_row(score: Score) -> _Row:
    return score.user_id, score.username, score.overall, score.metrics


def _as_row(_: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    # One at a time: the rows of a large fleet would fill memory.
    row = handler(_Row)
    return core_schema.no_info_after_validator_function(
        _read_row,
        row,
        serialization=core_schema.plain_serializer_function_ser_schema(
            _write_row, return_schema=row
        ),
    )


_Score = Annotated[Score, GetPydanticSchema(_as_row)]


@dataclass(frozen=True, slots=True)
class _Subusers:
    day: date
    by_label: Mapping[str, _Score]
    missing: tuple[str, ...] = ()
    has_scores: bool = True
    read_at: float = 0.0
    users: int = 0

    @classmethod
    def of(cls, scores: SubuserScores) -> _Subusers:
        return cls(
            day=scores.day,
            by_label=scores.by_label,
            missing=scores.missing,
            has_scores=scores.has_scores,
            read_at=scores.read_at,
            users=scores.users,
        )

    @property
    def scores(self) -> SubuserScores:
        return SubuserScores(
            day=self.day,
            by_label=self.by_label,
            missing=self.missing,
            has_scores=self.has_scores,
            read_at=self.read_at,
            users=self.users,
        )


@dataclass(frozen=True, slots=True)
class _Own:
    day: date
    score: _Score
    read_at: float = 0.0

    @classmethod
    def of(cls, own: OwnScore) -> _Own:
        return cls(day=own.day, score=own.score, read_at=own.read_at)

    @property
    def own(self) -> OwnScore:
        return OwnScore(day=self.day, score=self.score, read_at=self.read_at)


@dataclass(frozen=True, slots=True)
class _Saved:
    account: str
    subusers: _Subusers | None = None
    own: _Own | None = None


@cache
def _adapter() -> TypeAdapter[_Saved]:
    return TypeAdapter(_Saved)


def dump_snapshot(snapshot: Snapshot) -> bytes:
    """Return `snapshot` as JSON, without what is derived from the scores and from the history."""
    subusers = _Subusers.of(snapshot.subusers) if snapshot.subusers else None
    own = _Own.of(snapshot.own) if snapshot.own else None
    return _adapter().dump_json(_Saved(snapshot.account, subusers, own))


def parse_snapshot(content: bytes) -> Snapshot:
    """Return what `dump_snapshot` has written. Raises ValueError if it is anything else."""
    saved = _adapter().validate_json(content)
    subusers = saved.subusers.scores if saved.subusers else None
    return Snapshot(saved.account, subusers, saved.own.own if saved.own else None)
