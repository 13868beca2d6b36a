"""The API's description, OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from seq_exporter import __version__
from seq_exporter.web.api import Answer, Endpoint, ErrorAnswer
from seq_exporter.web.parameters import JsonSchema, JsonSchemas, Parameters

_SCHEMAS = "#/components/schemas/"


def describe_api(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI document, derived from the models of `endpoints`."""
    answers: list[type[Answer]] = [ErrorAnswer, *(endpoint.answer for endpoint in endpoints)]
    _, schemas = models_json_schema(
        [(answer, "serialization") for answer in answers],
        ref_template=_SCHEMAS + "{model}",
        schema_generator=JsonSchemas,
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "seq-exporter", "version": __version__},
        "paths": {endpoint.path: {"get": _describe(endpoint)} for endpoint in endpoints},
        "components": {"schemas": schemas["$defs"]},
    }


def _describe(endpoint: Endpoint) -> JsonSchema:
    return {
        "summary": endpoint.summary,
        "parameters": _describe_parameters(endpoint.parameters),
        "responses": {
            "200": _describe_response("The answer.", endpoint.answer),
            "400": _describe_response("A parameter is wrong.", ErrorAnswer),
        },
    }


def _describe_parameters(parameters: type[Parameters]) -> list[JsonSchema]:
    return [
        {
            "name": name,
            "in": "query",
            "description": schema.pop("description"),
            "allowEmptyValue": True,
            "schema": schema,
        }
        for name, schema in parameters.describe().items()
    ]


def _describe_response(description: str, answer: type[Answer]) -> JsonSchema:
    schema = {"$ref": _SCHEMAS + answer.__name__}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
