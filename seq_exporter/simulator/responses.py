"""Responses: JSON bodies, and the one format of every error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import JSONResponse, Response

from seq_exporter.score import Score
from seq_exporter.scores import METRICS


@dataclass(eq=False)
class ApiError(Exception):
    """A request that is answered with an error: its HTTP status, message and wrong parameter.

    `{"errors":[{"field":null,"message":"authorization required"}]}`
    """

    status: int
    message: str
    field: str | None = None

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Return the error response."""
        errors = [{"field": self.field, "message": self.message}]
        return JSONResponse({"errors": errors}, self.status, headers)


def describe_score(score: Score, day: date) -> dict[str, Any]:
    """Return an item of a result: `{"score":4,"username":"shop-de",...}`."""
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
