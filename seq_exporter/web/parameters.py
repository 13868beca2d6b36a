"""Query parameters of a URL: one model checks them and describes them in OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema

JsonSchema = dict[str, Any]


def _parse_count(value: object) -> object:
    # Only ASCII digits: int() also takes `१`, `1_0` and `+1`.
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,9}", value):
        raise ValueError
    return value


#: Text to search for; the bound keeps a search of a large fleet short.
SearchText = Annotated[str, Field(max_length=200)]
Count = Annotated[int, BeforeValidator(_parse_count)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class JsonSchemas(GenerateJsonSchema):
    """JSON schemas without a title for each field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Return False for every field."""
        return False


class Parameters(BaseModel):
    """The query parameters of one path; an unknown one is ignored.

    Browsers, proxies and clients add parameters, such as `_=1` against caches.

    Each field has a default and a description. A count also has a `ge` and a `le`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> tuple[Self, dict[str, str]]:
        """Return the parameters, and a sentence for each wrong one in `given`, by its name.

        A wrong parameter takes its default. So does an empty one, which a form sends for a field
        that is left empty.
        """
        texts = {name: text.strip() for name, text in given.items() if text.strip()}
        try:
            return cls.model_validate(texts), {}
        except ValidationError as err:
            wrong = {str(error["loc"][0]) for error in err.errors(include_url=False)}
        schemas = cls.describe()
        mistakes = {
            name: _explain(name, schema) for name, schema in schemas.items() if name in wrong
        }
        right = {name: text for name, text in texts.items() if name not in wrong}
        return cls.model_validate(right), mistakes

    @classmethod
    def describe(cls) -> dict[str, JsonSchema]:
        """Return each parameter's JSON schema: `{"limit": {"type": "integer", ...}}`."""
        schema = cls.model_json_schema(schema_generator=JsonSchemas)
        properties: dict[str, JsonSchema] = schema["properties"]
        for parameter in properties.values():
            if parameter["default"] is None:  # no text that a URL could hold
                del parameter["default"]
        return properties


class NoParameters(Parameters):
    """A path without query parameters."""


def _explain(name: str, schema: JsonSchema) -> str:
    """Return what the parameter `name` must be; its value may be long, and is not repeated."""
    if "enum" in schema:
        return f"{name} must be one of {', '.join(schema['enum'])}"
    if schema["type"] == "integer":
        return f"{name} must be a whole number from {schema['minimum']} to {schema['maximum']}"
    if schema["type"] == "number":
        return f"{name} must be a number, such as 3 or 3.5"
    return f"{name} must be at most {schema['maxLength']} characters long"
