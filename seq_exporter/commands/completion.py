"""The names that a shell completes: of the configuration, and of the scores that `serve` saved."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from seq_exporter.config.model import Config


def complete_accounts(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the accounts whose names begin so; none if the configuration cannot be read."""
    config = _read_config(context)
    names = [account.name for account in config.accounts] if config else []
    return list(_choose(names, incomplete))


def complete_subusers(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the subusers with saved scores whose names begin so; none without a state_dir."""
    config = _read_config(context)
    if not config or not config.state_dir:
        return []
    from seq_exporter.serve.state import list_labels

    return list(_choose(list_labels(config.state_dir), incomplete))


def _read_config(context: click.Context) -> Config | None:
    # A press of Tab that needs no name imports none of this.
    from seq_exporter.config.file import find_config, load_config
    from seq_exporter.errors import ConfigError

    # A message would be printed into the line that is being typed.
    with contextlib.suppress(ConfigError):
        return load_config(find_config(context.params["config_file"]), os.environ)
    return None


def _choose(names: list[str], incomplete: str) -> Iterator[str]:
    """Yield the names that begin so, without those that a shell could not take as they are."""
    for name in names:
        if (
            name.startswith(incomplete)
            and name.isascii()
            and name.isprintable()
            and " " not in name
        ):
            yield name
