"""The chart's made files are current, and its values are whole: described, and in the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from helm.made import CHART, make_files
from helm.schema import ACCOUNT, POLL, SCHEMA
from helm.table import read_values
from seq_exporter.config import file as configfile

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


@pytest.mark.parametrize("name", make_files())
def test_a_made_file_is_current(name: str) -> None:
    assert (CHART / name).read_text() == make_files()[name], "run: make chart"


def list_described(values: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the path of each value that the chart itself has keys for."""
    assert set(values) == set(schema["properties"])
    for key, value in values.items():
        inner = schema["properties"][key]
        # What is empty, or left to Kubernetes, is one value; so is a map of the user's keys.
        if isinstance(value, Mapping) and value and "properties" in inner:
            yield from (f"{key}.{path}" for path in list_described(value, inner))
        else:
            yield key


def test_every_value_is_in_the_schema_and_in_the_readme() -> None:
    assert [".".join(value.path) for value in read_values(CHART / "values.yaml")] == list(
        list_described(VALUES, SCHEMA)
    )


def test_the_schema_knows_the_configuration_file() -> None:
    """A misspelt key of the file is refused by Helm, and none that is right."""
    assert set(ACCOUNT["properties"]) == set(configfile._AccountFile.model_fields)
    assert set(POLL["properties"]) == set(configfile._PollFile.model_fields)
