"""Responses: JSON bodies, and the one format of every error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from starlette.responses import Response

from seq_exporter.scores import METRICS, Score
from seq_exporter.simulator.fleet import ScorePage
from seq_exporter.simulator.users import SimulatedUser


class ApiError(Exception):
    """A request that is answered with an error: its HTTP status, message and wrong parameter.

    `{"errors":[{"field":null,"message":"authorization required"}]}`
    """

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Return the error response."""
        errors = [{"field": self.field, "message": self.message}]
        return json_response({"errors": errors}, self.status, headers)


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return `content` as compact JSON."""
    body = json.dumps(content, separators=(",", ":"))
    return Response(body, status, headers, media_type="application/json")


def not_calculated() -> Response:
    """Return a 202 with an empty body: the client should ask again later."""
    return Response(status_code=202)


def subusers_scores(page: ScorePage, day: date) -> Response:
    """Return one page of the subusers' scores of `day`, with the cursor to the next one.

    `{"result":[...],"_metadata":{"next_params":{"after_key":"1814102"}}}`; the cursor of the last
    page is null.
    """
    after_key = page.scores[-1].user_id if page.has_more else None
    return json_response(
        {
            "result": [_item(score, day) for score in page.scores],
            "_metadata": {"next_params": {"after_key": after_key}},
        }
    )


def own_scores(scores: Sequence[tuple[date, Score]]) -> Response:
    """Return one user's scores of some days: `{"result":[...]}`."""
    return json_response({"result": [_item(score, day) for day, score in scores]})


def subusers(users: Sequence[SimulatedUser]) -> Response:
    """Return a list of subusers: `[{"id":1814102,"username":"shop-de",...}]`."""
    return json_response(
        [
            {"id": user.user_id, "username": user.username, "email": user.email, "disabled": False}
            for user in users
        ]
    )


def _item(score: Score, day: date) -> dict[str, Any]:
    # SendGrid leaves out unknown values; it never writes null.
    if not score.is_scored:
        return {"date": day.isoformat(), "user_id": score.user_id}
    return {
        "score": _number(score.overall),
        "username": score.username,
        "date": day.isoformat(),
        "user_id": score.user_id,
        "metrics": dict(zip(METRICS, map(_number, score.metrics), strict=True)),
    }


def _number(value: float | None) -> float | int | None:
    """Return a whole number as an integer, as in SendGrid's examples: 4, but 3.7."""
    return int(value) if value is not None and value.is_integer() else value
