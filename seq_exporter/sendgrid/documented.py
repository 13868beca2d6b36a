"""Pages that are exactly as SendGrid documents them, decoded in C: a quarter of the CPU time.

A page in which anything is odd is none of these: `parsing.py` parses its items one by one, and
counts what it leaves out. A page that is as documented is the same either way.
"""

from __future__ import annotations

from datetime import date
from itertools import chain
from typing import Annotated, Any

from msgspec import UNSET, Meta, MsgspecError, Struct, UnsetType, defstruct, field
from msgspec.json import Decoder
from msgspec.structs import astuple

from seq_exporter.score import Score
from seq_exporter.scores import HIGHEST, LOWEST, METRICS
from seq_exporter.sendgrid.pages import LONGEST_TEXT, Decoded, Page
from seq_exporter.sendgrid.parsing import VALUES

_Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
_Value = Annotated[float, Meta(ge=LOWEST, le=HIGHEST)] | None
# The list of subusers has them as numbers. msgspec compares numbers of 64 bits only.
_Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]

_Metrics: Any = defstruct("_Metrics", [(metric, _Value, None) for metric in METRICS], gc=False)
_NO_METRICS = _Metrics()


# Without `gc`, because Python would look for cycles in a thousand of them, again and again.
class _Item(Struct, gc=False):
    user_id: _Name
    username: _Name | None = None
    date: str | UnsetType = UNSET
    score: _Value = None
    metrics: _Metrics | None = None


class _NextParams(Struct):
    after_key: _Name | None = None


class _Metadata(Struct):
    next_params: _NextParams | None = None


class _Scores(Struct):
    result: list[_Item]
    metadata: _Metadata | None = field(name="_metadata", default=None)

    @property
    def cursor(self) -> str | None:
        params = self.metadata.next_params if self.metadata else None
        return params.after_key if params else None


class _Subuser(Struct, gc=False):
    id: _Id
    username: _Name


_SCORES = Decoder(_Scores)
_SUBUSERS = Decoder(list[_Subuser])


def decode_scores(day: date, body: str | bytes) -> Decoded | None:
    """Decode a page of the subusers' scores on `day`; None if it is not exactly as documented."""
    try:
        answer = _SCORES.decode(body)
    except MsgspecError:
        return None
    items = answer.result
    if not {item.date for item in items} <= {day.isoformat(), UNSET}:
        return None
    user_ids = [item.user_id for item in items]
    usernames = [item.username for item in items]
    # Column by column, so that C does what is done for each value.
    overall = map(VALUES.__getitem__, [item.score for item in items])
    values = map(astuple, [item.metrics or _NO_METRICS for item in items])
    flat = map(VALUES.__getitem__, chain.from_iterable(values))
    metrics = zip(*[flat] * len(METRICS), strict=True)
    scores = list(map(Score, user_ids, usernames, overall, metrics))
    page = Page(scores, user_ids, False, answer.cursor)
    return Decoded(page, [*user_ids, *filter(None, usernames), answer.cursor or ""])


def decode_usernames(offset: int, body: str | bytes) -> Decoded | None:
    """Decode a page of the list of subusers from `offset` on; None if it is not as documented."""
    try:
        items = _SUBUSERS.decode(body)
    except MsgspecError:
        return None
    usernames = {str(item.id): item.username for item in items}
    page = Page(usernames, usernames, False, offset + len(items))
    return Decoded(page, list(usernames.values()))
