"""The chart's generated files are current; every value is described and in the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from helm.generated import CHART, make_files
from helm.schema import DURATION, OFFERED, SCHEMA
from helm.values_table import read_values

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


@pytest.mark.parametrize("name", make_files())
def test_a_generated_file_is_current(name: str) -> None:
    assert (CHART / name).read_text() == make_files()[name], "run: make chart"


def list_described(values: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the path of each value whose keys the chart defines."""
    assert set(values) == set(schema["properties"])
    for key, value in values.items():
        inner = schema["properties"][key]
        # One value: an empty map, an object of Kubernetes, or a map with the user's own keys.
        if isinstance(value, Mapping) and value and "properties" in inner:
            yield from (f"{key}.{path}" for path in list_described(value, inner))
        else:
            yield key


def test_every_value_is_in_the_schema_and_in_the_readme() -> None:
    assert [".".join(value.path) for value in read_values(CHART / "values.yaml")] == list(
        list_described(VALUES, OFFERED)
    )


def list_schemas(schema: Mapping[str, Any], place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each schema within `schema` that has no schema inside, with its place."""
    inner = dict(schema.get("properties", {}))
    inner |= {"items": schema["items"]} if "items" in schema else {}
    inner |= dict(enumerate(schema.get("anyOf", []) + schema.get("oneOf", [])))
    for name, each in inner.items():
        yield from list_schemas(each, f"{place}.{name}")
    if not inner:
        yield place, schema


def test_helm_checks_the_type_of_every_value_of_the_configuration_file() -> None:
    """A validator that hides its input type from pydantic would let Helm accept any value."""
    schemas = dict(list_schemas(SCHEMA["properties"]["config"], "config"))
    assert [place for place, schema in schemas.items() if "type" not in schema] == []
    assert schemas["config.accounts.items.api_key_file"] == {"type": "string"}
    assert schemas["config.poll.interval"] == DURATION
