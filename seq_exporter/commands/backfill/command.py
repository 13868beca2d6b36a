"""The command `seq-exporter backfill`: its flags, and what they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click

from seq_exporter.clock import DAY_SECONDS, Clock, midnight
from seq_exporter.commands.flags import (
    account_flag,
    choose_accounts,
    config_flag,
    flag,
    log_flags,
    read_duration,
)
from seq_exporter.config.file import find_config, load_config
from seq_exporter.logs import configure_logs
from seq_exporter.scores import DAYS_KEPT

_PAIR = re.compile(r"([^=]+)=(.+)", re.DOTALL)
_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_SERIES_LABELS = {"account", "band", "metric", "scope", "state", "subuser", "user_id"}


def _read_day(context: click.Context, parameter: click.Parameter, value: str | None) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise click.BadParameter(f"'{value}' is no day: write it as 2026-11-23") from None


def _read_step(context: click.Context, parameter: click.Parameter, value: str) -> int | None:
    if value == "auto":
        return None
    seconds = read_duration(context, parameter, value)
    if not 1 <= seconds <= DAY_SECONDS:
        raise click.BadParameter(f"'{value}' is not from 1s to 1d: queries would see gaps")
    return int(seconds)


def _read_moment(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> int | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"'{value}' is no time: write it as 2026-11-23T14:05:00Z"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _read_labels(
    context: click.Context, parameter: click.Parameter, value: Sequence[str]
) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    # A comma may be a part of a value: only one before a name divides.
    for text in (part for each in value for part in re.split(r",(?=[a-zA-Z_]\w*=)", each)):
        name, label = _split_pair(text, "job=seq-exporter")
        if not _LABEL_NAME.fullmatch(name):
            raise click.BadParameter(f"'{name}' is no name of a label")
        if name in _SERIES_LABELS:
            raise click.BadParameter(f"'{name}' is a label that the series have themselves")
        if name in labels:
            raise click.BadParameter(f"'{name}' is there twice")
        if not _is_text(label):
            raise click.BadParameter(f"the value of '{name}' is not UTF-8")
        if label[0] == label[-1] == '"':
            raise click.BadParameter(f"the value of '{name}' is in quotes: leave them out")
        labels[name] = label
    return labels


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _HeaderType(click.types.StringParamType):
    envvar_list_splitter = "\n"  # not white space, which `Bearer TOKEN` has inside


def _read_headers(
    context: click.Context, parameter: click.Parameter, value: Sequence[str]
) -> Mapping[str, str]:
    lines = filter(None, value)  # a variable may end with the end of a line
    headers = dict(_split_pair(text, "X-Scope-OrgID=team") for text in lines)
    for name, text in headers.items():
        # Not quoted, as they may hold a secret; what sends them would quote them.
        if not _HEADER_NAME.fullmatch(name):
            raise click.BadParameter("what is before '=' is no name of a header")
        if not (text.isascii() and text.isprintable() and text == text.strip()):
            raise click.BadParameter(f"the value of {name} is not plain text on one line")
    return headers


def _read_url(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        url = urlsplit(value or "")
        is_url = not value or (url.scheme in ("http", "https") and url.hostname and url.port != 0)
    except ValueError:
        is_url = False
    if not is_url:
        # Not quoted: it may hold a password.
        raise click.BadParameter("write a URL such as http://localhost:9090/api/v1/write")
    return value


def _split_pair(text: str, example: str) -> tuple[str, str]:
    match = _PAIR.fullmatch(text)
    if not match:
        # Not quoted: it may hold a secret.
        raise click.BadParameter(f"write NAME=VALUE, such as {example}")
    return match[1], match[2]


@click.command(short_help="Write the scores of the last 90 days for Prometheus.")
@config_flag
@account_flag("Only")
@flag(
    "from",
    "first",
    callback=_read_day,
    metavar="DATE",
    help="The oldest day.  [default: 90 days back]",
)
@flag(
    "to",
    "last",
    callback=_read_day,
    metavar="DATE",
    help="The newest day.  [default: yesterday, UTC]",
)
@flag(
    "output-dir",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the files go, and what was fetched: a second run goes on from there.",
)
@flag(
    "label",
    "labels",
    multiple=True,
    callback=_read_labels,
    metavar="NAME=VALUE,...",
    help="Labels for every series: those that Prometheus adds to the live exporter's, job and "
    "instance, so that a graph goes on from the past to the present. Repeatable.",
)
@flag(
    "step",
    default="auto",
    show_default=True,
    callback=_read_step,
    metavar="DURATION",
    help="Time between two samples of a series, 1d at most; auto: 4m, 1h or 1d by their number.",
)
@flag(
    "delay",
    default="12h",
    show_default=True,
    callback=read_duration,
    metavar="DURATION",
    help="How long after the end of a day (UTC) its scores appeared.",
)
@flag(
    "until",
    callback=_read_moment,
    metavar="TIME",
    help="No sample at or after this moment: give that of the live exporter's first scrape, as "
    "2026-11-23T14:05:00Z.  [default: now]",
)
@flag(
    "requests-per-minute",
    type=click.IntRange(1, 6000),
    default=300,
    show_default=True,
    help="How fast to ask SendGrid. A quarter of its rate limit is left to others in any case.",
)
@flag(
    "remote-write",
    "url",
    callback=_read_url,
    metavar="URL",
    help="Send the samples there instead of writing files: Prometheus, Mimir, VictoriaMetrics.",
)
@flag(
    "remote-write-header",
    "headers",
    multiple=True,
    type=_HeaderType(),
    callback=_read_headers,
    metavar="NAME=VALUE",
    help="A header for the receiver, such as a tenant or a token. Repeatable; in the variable, "
    "one on each line.",
)
@log_flags("warn")
def backfill(
    config_file: str,
    names: Sequence[str],
    first: date | None,
    last: date | None,
    output_dir: Path,
    labels: Mapping[str, str],
    step: int | None,
    delay: float,
    until: int | None,
    requests_per_minute: int,
    url: str | None,
    headers: Mapping[str, str],
    log_level: str,
    log_format: str,
) -> None:
    """Write the scores of the last 90 days, as the live exporter would have shown them.

    As OpenMetrics files for `promtool tsdb create-blocks-from openmetrics`, or to a receiver of
    Prometheus' remote write. Ctrl-C stops; the same command goes on from there.
    """
    # Not imported with the command line: SQLite and protobuf are no load for `serve`.
    from seq_exporter.commands.backfill.gather import Wish
    from seq_exporter.commands.backfill.run import Target, run_backfill

    configure_logs(log_level, log_format)
    config = load_config(find_config(config_file), os.environ)
    clock = Clock()
    first_day, last_day = _choose_days(first, last, clock)
    wish = Wish(
        first=first_day,
        last=last_day,
        until=_choose_end(until, first_day, clock),
        delay_seconds=int(delay),
        step_seconds=step,
        labels=labels,
        requests_per_minute=requests_per_minute,
    )
    accounts = choose_accounts(config, names)
    target = Target(url, headers) if url else None
    click.echo(run_backfill(accounts, config.poll, wish, output_dir, target, clock))


def _choose_days(first: date | None, last: date | None, clock: Clock) -> tuple[date, date]:
    today = clock.today()
    oldest = today - timedelta(DAYS_KEPT)
    first_day = first or oldest
    last_day = last or max(today - timedelta(1), first_day)
    for name, day in (("from", first_day), ("to", last_day)):
        if day < oldest:
            raise click.UsageError(
                f"--{name}={day} is over {DAYS_KEPT} days back, which SendGrid has forgotten: "
                f"{oldest} is the oldest day"
            )
        if day > today:
            raise click.UsageError(f"--{name}={day} is in the future: today is {today} (UTC)")
    if first_day > last_day:
        raise click.UsageError(f"--from={first_day} is after --to={last_day}")
    return first_day, last_day


def _choose_end(until: int | None, first_day: date, clock: Clock) -> int | None:
    if until is None or until > clock.now():  # no sample is in the future
        return None
    if until <= midnight(first_day):
        raise click.UsageError(f"--until ends before --from={first_day} begins")
    return until
