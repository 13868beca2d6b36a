"""What the API answers, as OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

from typing import Any

from seq_exporter import __version__
from seq_exporter.scores import BANDS, METRICS
from seq_exporter.web.listing import LARGEST_OFFSET, LARGEST_PAGE, ORDERS, PAGE_SIZE, SORTS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
_DAY: Schema = {"type": "string", "format": "date"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SCORE: Schema = {"type": ["number", "null"], "minimum": 1, "maximum": 5}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_SCORES = dict.fromkeys(("overall", *METRICS), _SCORE)
_BANDS = _object(**{str(band): _COUNT for band in BANDS})
_ACCOUNT = _object(
    account=_TEXT,
    up={"type": ["boolean", "null"], "description": "Null until the first poll has ended."},
    error={"type": ["string", "null"], "description": "Why the last poll failed, and what helps."},
    restored={"type": "boolean", "description": "Whether the scores are from before the start."},
    last_poll=_MOMENT,
    last_successful_poll=_MOMENT,
    next_poll=_MOMENT,
    own=_or_null(_object(date=_DAY, **_SCORES)),
    subusers=_or_null(
        _object(
            date=_DAY,
            scored=_COUNT,
            ineligible=_COUNT,
            missing=_COUNT,
            distribution=_object(**dict.fromkeys(("overall", *METRICS), _BANDS)),
        )
    ),
)
_ENTRY = _object(account=_TEXT, subuser=_TEXT, user_id=_TEXT, date=_DAY, **_SCORES)
_ERROR = _object(errors={"type": "array", "items": _TEXT})


def _parameter(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_PARAMETERS = [
    _parameter("account", "A part of an account's name.", _TEXT | {"maxLength": 200}),
    _parameter("subuser", "A part of a subuser's name.", _TEXT | {"maxLength": 200}),
    _parameter("below", "Only overall scores below this.", {"type": "number"}),
    _parameter("sort", "What to sort by.", {"enum": list(SORTS), "default": SORTS[0]}),
    _parameter("order", "The lowest or the highest first.", {"enum": list(ORDERS)}),
    _parameter(
        "limit",
        "How many at once.",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE},
    ),
    _parameter(
        "offset",
        "How many to leave out.",
        {"type": "integer", "minimum": 0, "maximum": LARGEST_OFFSET, "default": 0},
    ),
]


def _answer(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _get(summary: str, answer: Schema, parameters: list[Schema]) -> Schema:
    responses = {"200": _answer("What there is.", answer)}
    responses["400"] = _answer("A parameter is wrong.", _ERROR)
    return {"get": {"summary": summary, "parameters": parameters, "responses": responses}}


def describe_api() -> Schema:
    """Return the document."""
    listing = _object(
        total=_COUNT, limit=_COUNT, offset=_COUNT, scores={"type": "array", "items": _ENTRY}
    )
    status = _object(version=_TEXT, accounts={"type": "array", "items": _ACCOUNT})
    return {
        "openapi": "3.1.0",
        "info": {"title": "seq-exporter", "version": __version__},
        "paths": {
            "/api/v1/status": _get("How each account is", status, []),
            "/api/v1/scores": _get("Subusers' newest scores, in pages", listing, _PARAMETERS),
        },
    }
