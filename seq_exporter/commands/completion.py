"""The names that a shell completes: of the configuration, and of the scores that `serve` saved."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from seq_exporter.config.model import Config

# A name with any other character could command the shell whose line it completes.
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]*")

# A disk may hang, and with it the shell.
_SECONDS = 1.0


def complete_accounts(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the accounts whose names begin so; none if the configuration cannot be read."""

    def list_accounts(config: Config) -> Sequence[str]:
        return [account.name for account in config.accounts]

    return _complete(context, list_accounts, incomplete)


def complete_subusers(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the subusers with saved scores whose names begin so; none without a state_dir."""

    def list_subusers(config: Config) -> Sequence[str]:
        from seq_exporter.serve.state import list_labels

        return list_labels(config.state_dir) if config.state_dir else []

    return _complete(context, list_subusers, incomplete)


def _complete(
    context: click.Context, list_names: Callable[[Config], Sequence[str]], incomplete: str
) -> list[str]:
    # A press of Tab that needs no name imports none of this.
    from seq_exporter.config.file import find_config, load_config
    from seq_exporter.errors import ConfigError
    from seq_exporter.threads import call_within

    def read() -> Sequence[str]:
        return list_names(load_config(find_config(context.params["config_file"]), os.environ))

    names: Sequence[str] = []
    # A message would be printed into the line that is being typed.
    with contextlib.suppress(ConfigError, OSError):
        names = call_within(_SECONDS, read, "read the names to complete")
    return [name for name in names if name.startswith(incomplete) and _SAFE_NAME.fullmatch(name)]
