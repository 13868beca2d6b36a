"""Configuration files of tests: loading them, the mistakes in them, and every key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.config.file import ConfigFile, load_config
from seq_exporter.config.model import Config
from seq_exporter.errors import ConfigError

MINIMAL = "accounts:\n  - {name: acme, api_key: k}\n"


def load(folder: Path, text: str, **environ: str) -> Config:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, environ)


def complain(folder: Path, text: str, **environ: str) -> list[str]:
    """Return the mistakes found in `text`, a line each, without the file's folder."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **environ)
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)
    lines = str(caught.value).replace(f"{folder}/", "").splitlines()
    if len(lines) > 1:
        assert lines.pop(0) == f"config.yaml: {len(lines)} mistakes"
    return lines


def list_keys(schema: Mapping[str, Any]) -> list[str]:
    """Return every key of a JSON schema of pydantic and of the sections in it, each once."""
    sections = (schema, *schema["$defs"].values())
    return list(dict.fromkeys(key for section in sections for key in section["properties"]))


#: Every key of the configuration file: `accounts`, `poll`, `state_dir`, `name`, `api_key`, ...
CONFIG_KEYS = list_keys(ConfigFile.model_json_schema())
