"""Flags that several commands share, and the readers of their values."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from seq_exporter.commands.completion import complete_accounts
from seq_exporter.config.durations import parse_duration
from seq_exporter.config.shard import Shard
from seq_exporter.errors import ConfigError
from seq_exporter.logs import FORMATS, LEVELS
from seq_exporter.scores import DAYS_KEPT

if TYPE_CHECKING:  # a shell's completion needs the flags, but no configuration
    from seq_exporter.config.model import Account, Config

Command = Callable[..., None]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# As many digits as any of them needs: Python refuses to read thousands.
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")

_Value = TypeVar("_Value")


def flag(
    name: str, parameter: str | None = None, *, earlier_name: str | None = None, **options: Any
) -> Callable[[Command], Command]:
    """Make a flag that an environment variable can set too: SEQ_EXPORTER_ and its name.

    A flag that got another name is still known by the earlier one.
    """
    names = [each for each in (name, earlier_name) if each]
    variables = [each.replace(".", "_").replace("-", "_") for each in names]
    environment = [f"SEQ_EXPORTER_{each.upper()}" for each in variables]
    return click.option(
        *(f"--{each}" for each in names),
        parameter or variables[0],
        # In its messages, click 8.4 writes a list as Python does.
        envvar=environment if earlier_name else environment[0],
        show_envvar=True,
        **options,
    )


config_flag = flag(
    "config.file",
    default="config.yaml",
    type=click.Path(),  # a shell completes it
    metavar="FILE",
    help="The accounts to poll, and when.",
)


web_config_flag = flag(
    "web.config.file",
    default="",
    show_default=False,
    type=click.Path(),
    metavar="FILE",
    help="TLS and basic authentication, in the format of Prometheus' own programs.",
)


listen_flag = flag(
    "web.listen-address",
    multiple=True,
    default=[":10737"],
    metavar="ADDRESS",
    help="Address to listen on, as :PORT (every interface), HOST:PORT or [IPV6]:PORT. "
    "Repeatable; in the variable, separated by spaces.",
)


def log_flags(level: str) -> Callable[[Command], Command]:
    """Make the flags of the log; `level` is the default of --log.level."""
    add_format = flag(
        "log.format",
        type=click.Choice(FORMATS),
        default="logfmt",
        help="Format of the log, on standard error.",
    )
    add_level = flag(
        "log.level",
        type=click.Choice(list(LEVELS)),
        default=level,
        help="Log messages of this level and above.",
    )
    return lambda command: add_level(add_format(command))


def account_flag(doing: str) -> Callable[[Command], Command]:
    """Make the flag that chooses accounts: `Try only this account.`; see `choose_accounts`."""
    return flag(
        "account",
        "names",
        multiple=True,
        metavar="NAME",
        help=f"{doing} this account. Repeatable.",
        shell_complete=complete_accounts,
    )


def choose_accounts(config: Config, names: Sequence[str]) -> list[Account]:
    """Return the accounts of these names, or all if no name is given. Raises ConfigError."""
    known = [account.name for account in config.accounts]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no account {name!r} in the configuration: there are {', '.join(known)}"
            )
    return [account for account in config.accounts if not names or account.name in names]


def read_date(text: str) -> date | None:
    """Return the day of a flag of this type, None if it is empty."""
    if not text:
        return None
    # Python reads weeks, too, and days without hyphens.
    with contextlib.suppress(ValueError):
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    raise click.BadParameter(f"'{text}' is not a date: use YYYY-MM-DD")


def explain_day(day: date, today: date) -> str:
    """Return why SendGrid has no scores of a day, or an empty text."""
    oldest = today - timedelta(DAYS_KEPT)
    if day < oldest:
        return (
            f"{day} is over {DAYS_KEPT} days back, and SendGrid keeps no more: "
            f"{oldest} is the oldest day"
        )
    return f"{day} is in the future: today is {today} (UTC)" if day > today else ""


def whole_number(least: int | None = None, most: int | None = None) -> Callable[[object], int]:
    """Make the type of a flag whose value is a whole number, from `least` to `most` if given."""
    bounds = "" if least is None else f" from {least}" + (f" to {most}" if most else " on")

    def number(text: object) -> int:
        value = int(str(text)) if _WHOLE_NUMBER.fullmatch(str(text)) else None
        if (
            value is None
            or (least is not None and value < least)
            or (most is not None and value > most)
        ):
            raise click.BadParameter(f"'{text}' is not a whole number{bounds}")
        return value

    return number


def read_number(text: object) -> float:
    """Return the number of a flag of this type."""
    try:
        value = float(str(text))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise click.BadParameter(f"'{text}' is not a number")
    return value


def duration(text: str) -> float:
    """Return the seconds of a flag of this type, as Prometheus writes a duration."""
    return _parse(parse_duration, text)


def read_shard(context: click.Context, parameter: click.Parameter, value: str) -> Shard:
    """Return the shard of a flag."""
    return _parse(Shard.parse, value)


def _parse(parse: Callable[[str], _Value], value: str) -> _Value:
    try:
        return parse(value)
    except ValueError as err:
        raise click.BadParameter(str(err).replace("{value}", f"'{value}'")) from err
