"""The configuration file: YAML in, one frozen `Config` out, or every mistake at once."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
)

from seq_exporter.clock import DAY_SECONDS
from seq_exporter.config.durations import DURATION_PATTERN, parse_duration
from seq_exporter.config.model import (
    ALL_SUBUSERS,
    BASE_URLS,
    WILDCARDS,
    Account,
    Config,
    PollSettings,
    SeriesSelection,
    SubuserSelection,
)
from seq_exporter.config.repeated_lists import (
    REPEATED_LISTS,
    RepeatedLists,
    select_once,
    validate_once,
)
from seq_exporter.config.secret import ApiKey, Secret, parse_key
from seq_exporter.config.yaml_document import ALTERNATIVE, Problem, Section, read_document
from seq_exporter.errors import ConfigError, KeyUnavailable
from seq_exporter.scores import DAYS_KEPT, METRICS
from seq_exporter.threads import READ_SECONDS

# Longer durations are typing mistakes, and too long for a timer of the operating system.
_LONGEST_SECONDS = 365 * DAY_SECONDS

# More than any Prometheus holds. Python writes no number of 5,000 digits.
_MOST_SERIES = 10**9

# Control characters, and those with white space other than the blank.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_ON_A_LINE = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f]")


def find_config(name: str) -> Path:
    """Return the path of the configuration file `name`. Raises ConfigError if it does not exist."""
    path = Path(name)
    if not os.path.lexists(path):
        raise ConfigError(
            f"no configuration file: looked for {path.absolute()}\n"
            f"Write one as {_find_example()} shows, or name one with --config.file=FILE.\n"
            "To look around without a SendGrid key: seq-exporter demo"
        )
    return path


def _find_example() -> str:
    """Return where pip has installed the example, or its name in the repository."""
    installed = Path(sys.prefix, "share", "seq-exporter", "config.example.yaml")
    return str(installed) if installed.is_file() else installed.name


def load_config(
    path: Path, environ: Mapping[str, str], key_seconds: float = READ_SECONDS
) -> Config:
    """Read the configuration file at `path`, with its `${NAME}` variables from `environ`.

    Relative paths in the file start at its folder. Raises ConfigError, a line for each mistake:
    `config.yaml:12: accounts[2].api_key_file: no such file '/run/secrets/acme'`. It is a mistake
    too if a key file takes longer than `key_seconds` to be read.
    """
    document = read_document(path, environ)
    context = {"folder": path.parent, "key_seconds": key_seconds, REPEATED_LISTS: RepeatedLists()}
    file = document.validate(ConfigFile, context, _find_contradictions(document.value))
    return Config(
        accounts=tuple(account.build() for account in file.accounts),
        poll=file.poll.build(),
        state_dir=path.parent / file.state_dir if file.state_dir else None,
    )


def _read_duration(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError("must be a duration with a unit, such as 90s, 15m or 7d, not {value}")  # noqa: TRY004
    seconds = parse_duration(value)
    if seconds > _LONGEST_SECONDS:
        raise ValueError("must be at most 365d, not {value}")
    return seconds


def _check_interval(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("must be at least 1s, not {value}")
    return seconds


def _check_timeout(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be more than 0s, not {value}")
    return seconds


def _check_lookback(seconds: float) -> float:
    if seconds % DAY_SECONDS or not 1 <= seconds / DAY_SECONDS <= DAYS_KEPT:
        raise ValueError("must be whole days, from 1d to 90d (SendGrid keeps 90), not {value}")
    return seconds


def _read_key(value: object) -> Secret:
    if not isinstance(value, str):
        problem = "must be text: put the API key in quotes"
        raise ValueError("is empty: put the API key there" if value is None else problem)  # noqa: TRY004
    return parse_key(value)


def _check_path(value: str) -> str:
    if _CONTROL.search(value):  # NUL would end it, and a line break is a slip
        raise ValueError("must be a path on one line, without control characters")
    if value.startswith(("~", "$")):  # a folder of that name would be made beside the file
        raise ValueError(
            "begins with ~ or $NAME, which are not replaced: write the whole path, or ${HOME}/..."
        )
    return value


def _check_line(value: str) -> str:
    if _NOT_ON_A_LINE.search(value):
        raise ValueError("has a line break or another control character inside: put it on one line")
    return value


def _find_key_file(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a file, not {value}")
    context = info.context or {}
    path: Path = context["folder"] / _check_path(value)
    try:
        ApiKey(path).read(context["key_seconds"])
    except KeyUnavailable as err:
        if isinstance(err.__cause__, FileNotFoundError):
            err = KeyUnavailable("no such file {value}: put the API key there, or correct the path")
        raise ValueError(str(err)) from None
    return path


def _select_names(names: list[str], info: ValidationInfo) -> SubuserSelection:
    return select_once(names, (id(names),), lambda: SubuserSelection(frozenset(names)), info)


def _select_globs(section: _GlobsSection, info: ValidationInfo) -> SubuserSelection:
    given = section.model_fields_set
    key = tuple(
        id(globs) if name in given else 0
        for name, globs in (("include", section.include), ("exclude", section.exclude))
    )
    return select_once(section, key, section.build, info)


def _check_url(value: str) -> str:
    if set("@?#") & set(value):  # and not quoted: it may be a password
        raise ValueError("must be a URL without user, password, query or fragment")
    try:
        url = urlsplit(value)
        is_url = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_url = False
    # urlsplit passes over tabs and line breaks.
    if not is_url or " " in value or not value.isprintable():
        raise ValueError("must be a URL such as https://api.sendgrid.com, not {value}")
    return value.rstrip("/")


def _check_header_value(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be plain text on one line: a username, or 'account-id ID'")
    for char in value:
        if not char.isascii():
            raise ValueError(
                f"has {char!r}, which an HTTP header cannot carry: use that subuser's own API key"
            )
    return value


def _check_limit(value: int) -> int:
    if value < 0:
        raise ValueError("must be a number of series, or 0 for no limit, not {value}")
    if value > _MOST_SERIES:
        raise ValueError(f"must be at most {_MOST_SERIES}, or 0 for no limit, not {{value}}")
    return value


def _check_word(words: Any, expected: str) -> BeforeValidator:
    """Take one of `words`, a Literal; if it is another value, name every form of the key."""

    def check(value: object) -> object:
        if value not in get_args(words):
            raise ValueError(f"must be {expected}, not {{value}}")
        return value

    return BeforeValidator(check, json_schema_input_type=words)


# The forms of `subusers` and of `series`: each has its own validation and messages.
_WORD, _NAMES, _MAPPING = (ALTERNATIVE + form for form in ("word", "names", "mapping"))


def _find_subusers_form(value: object) -> str:
    if isinstance(value, dict):
        return _MAPPING
    return _NAMES if isinstance(value, list) else _WORD


def _find_series_form(value: object) -> str:
    return _MAPPING if isinstance(value, dict) else _WORD


# Each `json_schema_input_type` is what a user may write: Helm checks the chart's values against it.
_Text = Annotated[str, Field(min_length=1), AfterValidator(_check_line)]
_DurationText = Annotated[str, Field(pattern=DURATION_PATTERN)]
_Duration = Annotated[float, BeforeValidator(_read_duration, json_schema_input_type=_DurationText)]
_Interval = Annotated[_Duration, AfterValidator(_check_interval)]
_Key = Annotated[Secret | None, BeforeValidator(_read_key, json_schema_input_type=str)]
_KeyFile = Annotated[Path | None, BeforeValidator(_find_key_file, json_schema_input_type=str)]
_Limit = Annotated[int, AfterValidator(_check_limit), Field(json_schema_extra={"minimum": 0})]
_SubusersWord = Literal["all", "none"]
_Texts = Annotated[list[_Text], validate_once("texts")]
_Names = Annotated[_Texts, Field(min_length=1), AfterValidator(_select_names)]
_SeriesWord = Literal["all", "distribution"]


class _GlobsSection(Section):
    include: _Texts = Field(default=["*"])
    exclude: _Texts = Field(default=[])

    def build(self) -> SubuserSelection:
        # A pattern without a wildcard names one subuser, who is `missing` if SendGrid has none.
        plain = {glob for glob in self.include if not set(glob) & WILDCARDS}
        globs = tuple(glob for glob in self.include if glob not in plain)
        return SubuserSelection(frozenset(plain), globs, tuple(self.exclude))


class _SeriesSection(Section):
    scores: bool = True
    metrics: Annotated[list[Literal[METRICS]], validate_once("metrics")] = Field(  # type: ignore[valid-type]
        default=[*METRICS]
    )
    eligible: bool = True

    def build(self) -> SeriesSelection:
        metrics = tuple(metric for metric in METRICS if metric in self.metrics)
        return SeriesSelection(self.scores, metrics, self.eligible)


class _AccountSection(Section):
    name: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_check_line)]
    api_key: _Key = None
    api_key_file: _KeyFile = None
    region: Literal["global", "eu"] = "global"
    base_url: Annotated[str, AfterValidator(_check_url)] | None = None
    on_behalf_of: Annotated[str, AfterValidator(_check_header_value)] = ""
    own_score: bool = True
    subusers: Annotated[
        Annotated[
            _SubusersWord,
            _check_word(
                _SubusersWord,
                "all, none, a list of usernames, or {include: [globs], exclude: [globs]}",
            ),
            Tag(_WORD),
        ]
        | Annotated[_Names, Tag(_NAMES)]
        | Annotated[_GlobsSection, AfterValidator(_select_globs), Tag(_MAPPING)],
        Discriminator(_find_subusers_form),
    ] = "all"
    series: Annotated[
        Annotated[
            _SeriesWord,
            _check_word(
                _SeriesWord,
                "all, distribution, or {scores: true, metrics: [names], eligible: true}",
            ),
            Tag(_WORD),
        ]
        | Annotated[_SeriesSection, Tag(_MAPPING)],
        Discriminator(_find_series_form),
    ] = "all"
    max_series: _Limit = 0

    def build(self) -> Account:
        source = self.api_key or self.api_key_file
        assert source is not None  # noqa: S101 - _find_contradictions made sure
        return Account(
            name=self.name,
            api_key=ApiKey(source),
            base_url=self.base_url or BASE_URLS[self.region],
            on_behalf_of=self.on_behalf_of,
            own_score=self.own_score,
            subusers=self._select_subusers(),
            series=self._select_series(),
            max_series=self.max_series or None,
        )

    def _select_subusers(self) -> SubuserSelection | None:
        subusers: object = self.subusers  # the validators have made a selection of the other forms
        if isinstance(subusers, SubuserSelection):
            return subusers
        return ALL_SUBUSERS if subusers == "all" else None

    def _select_series(self) -> SeriesSelection:
        match self.series:
            case "all":
                return SeriesSelection()
            case "distribution":
                return SeriesSelection(scores=False, metrics=(), eligible=False)
        return self.series.build()


class _PollSection(Section):
    interval: _Interval = 900.0
    refresh_interval: _Interval = 3600.0
    lookback: Annotated[_Duration, AfterValidator(_check_lookback)] = 7 * DAY_SECONDS
    timeout: Annotated[_Duration, AfterValidator(_check_timeout)] = 30.0

    def build(self) -> PollSettings:
        return PollSettings(
            interval_seconds=self.interval,
            refresh_interval_seconds=self.refresh_interval,
            lookback_days=int(self.lookback / DAY_SECONDS),
            timeout_seconds=self.timeout,
        )


class ConfigFile(Section):
    """The file as a user writes it. Its JSON schema lists every key, and what it may hold."""

    accounts: Annotated[list[_AccountSection], Field(min_length=1)]
    poll: _PollSection = _PollSection()
    state_dir: Annotated[str, AfterValidator(_check_path)] = ""


def _find_contradictions(value: Any) -> Iterator[Problem]:
    """Find mistakes that no single key shows.

    In plain data, so that they are reported together with the mistakes of single keys.
    """
    accounts = value.get("accounts") if isinstance(value, dict) else None
    listed = accounts if isinstance(accounts, list) else ()
    entries = [entry if isinstance(entry, dict) else {} for entry in listed]
    names = Counter(entry["name"] for entry in entries if isinstance(entry.get("name"), str))
    for index, entry in enumerate(entries):
        if entry:
            yield from _compare_keys(("accounts", index), entry, names)


def _compare_keys(
    place: tuple[str | int, ...], entry: Mapping[str, Any], names: Mapping[str, int]
) -> Iterator[Problem]:
    if "api_key" in entry and "api_key_file" in entry:
        yield Problem(place, "has both api_key and api_key_file: keep one of them")
    if "api_key" not in entry and "api_key_file" not in entry:
        yield Problem(place, "has no API key: add api_key or api_key_file")
    if "region" in entry and "base_url" in entry:
        yield Problem((*place, "base_url"), "cannot be combined with region: keep one of them")
    if entry.get("own_score") is False and entry.get("subusers") == "none":
        yield Problem(
            (*place, "own_score"),
            "is false and subusers is none, so nothing is polled: enable one of them",
        )
    name = entry.get("name")
    if isinstance(name, str) and names[name] > 1:
        yield Problem(
            (*place, "name"), "{value} is also the name of another account: rename one of them"
        )
