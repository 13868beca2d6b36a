"""The configuration file: YAML in, one frozen `Config` out, or every mistake at once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
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
from seq_exporter.config.durations import parse_duration
from seq_exporter.config.model import (
    ALL_SUBUSERS,
    BASE_URLS,
    Account,
    Config,
    PollSettings,
    SeriesSelection,
    SubuserSelection,
)
from seq_exporter.config.secret import ApiKey, Secret, parse_key
from seq_exporter.config.yaml_document import ALTERNATIVE, Problem, Section, read_document
from seq_exporter.errors import ConfigError, KeyUnavailable
from seq_exporter.scores import DAYS_KEPT, METRICS

# Longer ones are slips of the hand, and too long for a timer of the operating system.
_LONGEST_SECONDS = 365 * DAY_SECONDS


def find_config(name: str) -> Path:
    """Return the configuration file of that name. Raises ConfigError where there is none."""
    path = Path(name)
    if not os.path.lexists(path):
        raise ConfigError(
            f"no configuration file: looked for {path.absolute()}\n"
            "Write one as config.example.yaml shows, or name one with --config.file=FILE.\n"
            "To look around without a SendGrid key: seq-exporter demo"
        )
    return path


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the configuration file at `path`; its variables are taken from `environ`.

    Relative paths in it start at the file's folder. Raises ConfigError, a line for each mistake:
    `config.yaml:12: accounts[2].api_key_file: no such file '/run/secrets/acme'`.
    """
    document = read_document(path, environ)
    file = document.validate(_ConfigFile, {"folder": path.parent}, _contradictions(document.value))
    return Config(
        accounts=tuple(account.build() for account in file.accounts),
        poll=PollSettings(
            interval_seconds=file.poll.interval,
            refresh_interval_seconds=file.poll.refresh_interval,
            lookback_days=int(file.poll.lookback / DAY_SECONDS),
            timeout_seconds=file.poll.timeout,
        ),
        state_dir=path.parent / file.state_dir if file.state_dir else None,
    )


def _duration(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError("must be a duration with its unit, such as 90s, 15m or 7d, not {value}")  # noqa: TRY004
    seconds = parse_duration(value)
    if seconds > _LONGEST_SECONDS:
        raise ValueError("must be at most 365d, not {value}")
    return seconds


def _pause(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("must be at least 1s, not {value}")
    return seconds


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be more than 0s, not {value}")
    return seconds


def _days(seconds: float) -> float:
    if seconds % DAY_SECONDS or not 1 <= seconds / DAY_SECONDS <= DAYS_KEPT:
        raise ValueError("must be whole days, from 1d to 90d (SendGrid keeps 90), not {value}")
    return seconds


def _key(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError("must be text: put the API key in quotes")  # noqa: TRY004
    return parse_key(value)


def _key_file(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a file, not {value}")
    folder: Path = (info.context or {})["folder"]
    path = folder / value
    try:
        ApiKey(path).read()
    except KeyUnavailable as err:
        if isinstance(err.__cause__, FileNotFoundError):
            err = KeyUnavailable("no such file {value}: put the API key there, or correct the path")
        raise ValueError(str(err)) from None
    return path


def _url(value: str) -> str:
    try:
        url = urlsplit(value)
        port_is_wrong = url.port == 0
    except ValueError:
        port_is_wrong = True
    if port_is_wrong or url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must be a URL such as https://api.sendgrid.com, not {value}")
    if url.username is not None or url.query or url.fragment:
        raise ValueError("must be a URL without user, password, query or fragment")
    return value.rstrip("/")


def _header_value(value: str) -> str:
    if value != value.strip() or not value.isascii() or (value and not value.isprintable()):
        raise ValueError("must be plain text on one line: a username, or 'account-id ID'")
    return value


def _subusers_form(value: object) -> str:
    if isinstance(value, dict):
        return _GLOBS
    return _NAMES if isinstance(value, list) else _WORD


def _subusers_word(value: object) -> object:
    if value not in ("all", "none"):
        raise ValueError(
            "must be all, none, a list of usernames, "
            "or {include: [globs], exclude: [globs]}, not {value}"
        )
    return value


def _series_form(value: object) -> str:
    return _CHOICE if isinstance(value, dict) else _WORD


def _series_word(value: object) -> object:
    if value not in ("all", "distribution"):
        raise ValueError(
            "must be all, distribution, or {scores: true, metrics: [names], eligible: true}, "
            "not {value}"
        )
    return value


def _limit(value: int) -> int:
    if value < 0:
        raise ValueError("must be a number of series, or 0 for no limit, not {value}")
    return value


# The forms of `subusers` and of `series`.
_WORD, _NAMES, _GLOBS, _CHOICE = (
    ALTERNATIVE + form for form in ("word", "names", "globs", "choice")
)

_Text = Annotated[str, Field(min_length=1)]
_Duration = Annotated[float, BeforeValidator(_duration)]
_Pause = Annotated[_Duration, AfterValidator(_pause)]


class _GlobsFile(Section):
    include: list[_Text] = Field(default=["*"])
    exclude: list[_Text] = Field(default=[])


class _SeriesFile(Section):
    scores: bool = True
    metrics: list[Literal[METRICS]] = Field(default=[*METRICS])  # type: ignore[valid-type]
    eligible: bool = True


class _AccountFile(Section):
    name: Annotated[_Text, Field(max_length=128)]
    api_key: Annotated[Secret | None, BeforeValidator(_key)] = None
    api_key_file: Annotated[Path | None, BeforeValidator(_key_file)] = None
    region: Literal["global", "eu"] = "global"
    base_url: Annotated[str, AfterValidator(_url)] | None = None
    on_behalf_of: Annotated[str, AfterValidator(_header_value)] = ""
    own_score: bool = True
    subusers: Annotated[
        Annotated[Literal["all", "none"], BeforeValidator(_subusers_word), Tag(_WORD)]
        | Annotated[list[_Text], Field(min_length=1), Tag(_NAMES)]
        | Annotated[_GlobsFile, Tag(_GLOBS)],
        Discriminator(_subusers_form),
    ] = "all"
    series: Annotated[
        Annotated[Literal["all", "distribution"], BeforeValidator(_series_word), Tag(_WORD)]
        | Annotated[_SeriesFile, Tag(_CHOICE)],
        Discriminator(_series_form),
    ] = "all"
    max_series: Annotated[int, AfterValidator(_limit)] = 0

    def build(self) -> Account:
        source = self.api_key or self.api_key_file
        assert source is not None  # noqa: S101 - _contradictions saw to it
        return Account(
            name=self.name,
            api_key=ApiKey(source),
            base_url=self.base_url or BASE_URLS[self.region],
            on_behalf_of=self.on_behalf_of,
            own_score=self.own_score,
            subusers=self._selection(),
            series=self._series(),
            max_series=self.max_series or None,
        )

    def _series(self) -> SeriesSelection:
        match self.series:
            case "all":
                return SeriesSelection()
            case "distribution":
                return SeriesSelection(scores=False, metrics=(), eligible=False)
        metrics = tuple(metric for metric in METRICS if metric in self.series.metrics)
        return SeriesSelection(self.series.scores, metrics, self.series.eligible)

    def _selection(self) -> SubuserSelection | None:
        match self.subusers:
            case "none":
                return None
            case "all":
                return ALL_SUBUSERS
            case list(names):
                return SubuserSelection(names=frozenset(names))
        # A pattern without a wildcard names one subuser, who is `missing` if SendGrid has none.
        plain = {glob for glob in self.subusers.include if not set(glob) & set("*?[")}
        globs = tuple(glob for glob in self.subusers.include if glob not in plain)
        return SubuserSelection(frozenset(plain), globs, tuple(self.subusers.exclude))


class _PollFile(Section):
    interval: _Pause = 900.0
    refresh_interval: _Pause = 3600.0
    lookback: Annotated[_Duration, AfterValidator(_days)] = 7 * DAY_SECONDS
    timeout: Annotated[_Duration, AfterValidator(_positive)] = 30.0


class _ConfigFile(Section):
    accounts: Annotated[list[_AccountFile], Field(min_length=1)]
    poll: _PollFile = _PollFile()
    state_dir: str = ""


def _contradictions(value: Any) -> Iterator[Problem]:
    """Find what no single field shows, in plain data: so that it comes with the other mistakes."""
    accounts = value.get("accounts") if isinstance(value, dict) else None
    listed = accounts if isinstance(accounts, list) else ()
    entries = [entry if isinstance(entry, dict) else {} for entry in listed]
    names = Counter(str(entry.get("name")) for entry in entries)
    for index, entry in enumerate(entries):
        if entry:
            yield from _account_contradictions(("accounts", index), entry, names)


def _account_contradictions(
    place: tuple[str | int, ...], entry: Mapping[str, Any], names: Mapping[str, int]
) -> Iterator[Problem]:
    if "api_key" in entry and "api_key_file" in entry:
        yield Problem(place, "has both api_key and api_key_file: keep one of them")
    if "api_key" not in entry and "api_key_file" not in entry:
        yield Problem(place, "has no API key: add api_key or api_key_file")
    if "region" in entry and "base_url" in entry:
        yield Problem((*place, "base_url"), "takes the place of region: keep one of them")
    if entry.get("own_score") is False and entry.get("subusers") == "none":
        yield Problem(
            (*place, "own_score"), "with subusers none, nothing is left to ask: allow one of them"
        )
    if entry.get("name") and names[str(entry["name"])] > 1:
        yield Problem(
            (*place, "name"), "{value} is the name of another account too: rename one of them"
        )
