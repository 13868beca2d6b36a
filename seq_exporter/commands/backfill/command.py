"""The command `seq-exporter backfill`: its flags, read and checked."""

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
    duration,
    explain_day,
    flag,
    log_flags,
    read_date,
    whole_number,
)
from seq_exporter.commands.messages import print_message
from seq_exporter.config.durations import parse_duration
from seq_exporter.logs import configure_logs
from seq_exporter.scores import DAYS_KEPT
from seq_exporter.serve.signals import holding_signals

_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
# What Python reads for bytes that are not UTF-8.
_SURROGATE = re.compile("[\ud800-\udfff]")


def _step(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        seconds = parse_duration(text)
    except ValueError:
        raise click.BadParameter(
            f"must be auto, or a duration such as 4m, 1h or 1d, not '{text}'"
        ) from None
    if not 1 <= seconds <= DAY_SECONDS:
        raise click.BadParameter(f"'{text}' is not from 1s to 1d: queries would see gaps")
    return int(seconds)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"'{text}' is not a time: use YYYY-MM-DDTHH:MM:SSZ") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _read_labels(
    context: click.Context, parameter: click.Parameter, value: Sequence[str]
) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    # A comma may be a part of a value: only a comma before a name divides.
    for text in (part for each in value for part in re.split(r",(?=[a-zA-Z_]\w*=)", each)):
        name, label = _split_pair(text, "job=seq-exporter")
        if not _LABEL_NAME.fullmatch(name):
            raise click.BadParameter(f"'{name}' is not a label name")
        if name in _list_series_labels():
            raise click.BadParameter(f"'{name}' is a label that the series have already")
        if name in labels:
            raise click.BadParameter(f"'{name}' is given twice")
        if _SURROGATE.search(label):
            raise click.BadParameter(f"the value of '{name}' is not UTF-8")
        if label[0] == label[-1] == '"':
            raise click.BadParameter(f"the value of '{name}' is in quotes: omit them")
        labels[name] = label
    return labels


def _list_series_labels() -> set[str]:
    from seq_exporter.publish.families import FAMILIES  # only if there are labels to compare

    return {label for family in FAMILIES for label in family.labels}


class _HeaderType(click.types.StringParamType):
    envvar_list_splitter = "\n"  # not white space, which `Bearer TOKEN` contains


def _read_headers(
    context: click.Context, parameter: click.Parameter, value: Sequence[str]
) -> Mapping[str, str]:
    lines = filter(None, value)  # a variable may end with the end of a line
    headers = dict(_split_pair(text, "X-Scope-OrgID=team") for text in lines)
    for name, text in headers.items():
        # Neither message quotes the header, which may hold a secret, as the HTTP client would.
        if not _HEADER_NAME.fullmatch(name):
            raise click.BadParameter("the text before '=' is not a header name")
        if not (text.isascii() and text.isprintable() and text == text.strip()):
            raise click.BadParameter(f"the value of {name} is not plain text on one line")
    return headers


def _url(text: str) -> str:
    text = text.strip()  # a secret of Kubernetes or a file of variables may end with a line break
    if " " in text or not text.isprintable():
        # urlsplit passes over line breaks, and a request would fail much later.
        raise click.BadParameter(
            "has white space or an invisible character inside: write the URL on one line, "
            "with %20 for a space"
        )
    try:
        url = urlsplit(text)
        is_url = not text or (url.scheme in ("http", "https") and url.hostname and url.port != 0)
    except ValueError:
        is_url = False
    if not is_url:
        # Not quoted: it may hold a password.
        raise click.BadParameter("write a URL such as http://localhost:9090/api/v1/write")
    return text


def _split_pair(text: str, example: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not (name and value):
        # Not quoted: it may hold a secret.
        raise click.BadParameter(f"write NAME=VALUE, such as {example}")
    return name, value


@click.command(short_help="Write the scores of the last 90 days for Prometheus.")
@config_flag
@account_flag("Only")
@flag(
    "from",
    "first",
    type=read_date,
    metavar="DATE",
    help="The oldest day.  [default: 90 days back]",
)
@flag(
    "to",
    "last",
    type=read_date,
    metavar="DATE",
    help="The newest day.  [default: yesterday, UTC]",
)
@flag(
    "output-dir",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the files and the fetched scores: a second run continues from there.",
)
@flag(
    "label",
    "labels",
    multiple=True,
    callback=_read_labels,
    metavar="NAME=VALUE,...",
    help="Labels to add to every series. Give the job and instance that Prometheus adds to the "
    "live exporter's series: then a graph joins past and present. Repeatable.",
)
@flag(
    "step",
    default="auto",
    type=_step,
    metavar="DURATION",
    help="Time between two samples of a series, 1d at most; auto: 4m, 1h or 1d, depending on how "
    "many samples that makes. A line says how many follow, and what they take.",
)
@flag(
    "delay",
    type=duration,
    default="12h",
    help="How long after the end of a day (UTC) its scores appeared.",
)
@flag(
    "until",
    type=_moment,
    metavar="TIME",
    help="End the samples before this time. Give the time of the live exporter's first scrape, "
    "such as 2026-11-23T14:05:00Z.  [default: now]",
)
@flag(
    "requests-per-minute",
    type=whole_number(1, 6000),
    metavar="N",
    default=300,
    help="How fast to ask SendGrid. A quarter of its rate limit is always left to others.",
)
@flag(
    "remote-write",
    "url",
    type=_url,
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
    "one per line.",
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
    """Write the scores of the last 90 days, as the live exporter would have published them.

    They go to OpenMetrics files for `promtool tsdb create-blocks-from openmetrics`, or to a
    receiver of Prometheus' remote write. Ctrl-C stops; the same command continues from there.
    """
    # Not imported with the flags: `--help` and a shell's completion need no SQLite and protobuf.
    with holding_signals():
        from seq_exporter.commands.backfill.plan import BackfillOptions
        from seq_exporter.commands.backfill.run import run_backfill
        from seq_exporter.config.file import find_config, load_config

    configure_logs(log_level, log_format)
    config = load_config(find_config(config_file), os.environ)
    clock = Clock()
    first_day, last_day = _choose_days(first, last, clock)
    options = BackfillOptions(
        first=first_day,
        last=last_day,
        until=_choose_end(until, first_day, clock),
        delay_seconds=int(delay),
        step_seconds=step,
        labels=labels,
        requests_per_minute=requests_per_minute,
        url=url,
        headers=headers,
        poll=config.poll,
    )
    accounts = choose_accounts(config, names)
    print_message(run_backfill(accounts, options, output_dir, clock))


def _choose_days(first: date | None, last: date | None, clock: Clock) -> tuple[date, date]:
    today = clock.today()
    oldest = today - timedelta(DAYS_KEPT)
    first_day = first or oldest
    last_day = last or max(today - timedelta(1), first_day)
    for name, day in (("from", first_day), ("to", last_day)):
        if reason := explain_day(day, today):
            raise click.UsageError(f"--{name}={reason}")
    if first_day > last_day:
        raise click.UsageError(f"--from={first_day} is after --to={last_day}")
    return first_day, last_day


def _choose_end(until: int | None, first_day: date, clock: Clock) -> int | None:
    if until is None or until > clock.now():  # no sample is in the future
        return None
    if until <= midnight(first_day):
        raise click.UsageError(f"--until ends before --from={first_day} begins")
    return until
