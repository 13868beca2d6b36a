"""A section of the web configuration file, which is read as Go reads it."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from seq_exporter.config.yaml_document import Section


class WebSection(Section):
    """A section in which a known key without a value counts as absent.

    Files that exporter-toolkit reads have such keys, for instance `basic_auth_users:` before the
    first user.
    """

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: each for key, each in value.items() if each is not None or key not in known}
