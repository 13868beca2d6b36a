"""The configuration as the program uses it: frozen, and checked when the file was read."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from seq_exporter.config.secret import ApiKey
from seq_exporter.config.shard import WHOLE, Shard
from seq_exporter.scores import METRICS
from seq_exporter.urls import is_loopback

#: The URL of each region's API.
BASE_URLS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


@dataclass(frozen=True)
class SubuserSelection:
    """Which subusers are published: in `names` or matching `include`, and not `exclude`.

    `names` are usernames, `include` and `exclude` globs on usernames; all are case-sensitive.
    """

    names: frozenset[str] = frozenset()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[object, ...]:
        """The selection as plain values in a fixed order: `([], ('*',), ())` selects everybody."""
        return sorted(self.names), self.include, self.exclude

    def __contains__(self, username: str) -> bool:
        wanted = username in self.names or self._include.fullmatch(username)
        return bool(wanted) and not self._exclude.fullmatch(username)

    @cached_property
    def _include(self) -> re.Pattern[str]:
        return _any_of(self.include)

    @cached_property
    def _exclude(self) -> re.Pattern[str]:
        return _any_of(self.exclude)


ALL_SUBUSERS = SubuserSelection(include=("*",))

# Without one of these, an entry of `include` is a username.
WILDCARDS = frozenset("*?[")

# What no glob needs, and few usernames have: `^shop`, `shop$`, `.*`, `\\d`, `a|b`, `(a)`, `/shop/`.
_REGULAR_EXPRESSION = re.compile(r"^\^|\$$|\.[*+]|\\|[|()]|^/.*/$")
_MOST_EXAMPLES = 3
# Comparing a name with more usernames would take seconds of a poll.
_MOST_COMPARED = 10_000
_NO_USERNAMES = (
    "SendGrid returns no usernames, so subusers are chosen by user_id, such as {id!r}: "
    "let the key read Subuser Management, or choose by user_id"
)


@dataclass(frozen=True, slots=True)
class SeriesSelection:
    """Which series each subuser of an account has.

    `scores` is the overall score, `metrics` the names of the metric scores, `eligible` whether the
    subuser has a score. The number of subusers and their distribution are always published. A
    process publishes the series of its `shard` only.
    """

    scores: bool = True
    metrics: tuple[str, ...] = METRICS
    eligible: bool = True
    shard: Shard = WHOLE


@dataclass(frozen=True, slots=True)
class Account:
    """What to request from one SendGrid account, and what to publish about it.

    `subusers` is None if no subuser is wanted, `max_series` if there is no limit.
    """

    name: str
    api_key: ApiKey
    base_url: str = BASE_URLS["global"]
    on_behalf_of: str = ""
    own_score: bool = True
    subusers: SubuserSelection | None = ALL_SUBUSERS
    series: SeriesSelection = SeriesSelection()
    max_series: int | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """With the key, what decides whose scores SendGrid returns.

        ('https://api.sendgrid.com', 'shop-de')
        """
        return self.base_url, self.on_behalf_of

    @property
    def snapshot_identity(self) -> tuple[object, ...]:
        """With the key, what decides which scores a snapshot holds: `identity` and the selection.

        A field that is not here may change, and what was saved before stays valid.
        ('acme', 'https://api.sendgrid.com', 'shop-de', True, ([], ('*',), ()))
        """
        # What is saved holds a hash of these values, in this order.
        selected = self.subusers.identity if self.subusers else None
        return self.name, *self.identity, self.own_score, selected

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way to `base_url` can read the key."""
        return self.base_url.lower().startswith("https://") or is_loopback(self.base_url)


@dataclass(frozen=True, slots=True)
class PollSettings:
    """When and how to poll; `lookback_days` is 1 to 90, and includes today.

    A list of more than `most_users` is treated as one that never ends: it would fill the memory and
    use up the rate limit. No key of the file sets it.
    """

    interval_seconds: float = 900.0
    refresh_interval_seconds: float = 3600.0
    lookback_days: int = 7
    timeout_seconds: float = 30.0
    most_users: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file; `state_dir` is None if scores are not saved."""

    accounts: tuple[Account, ...]
    poll: PollSettings = PollSettings()
    state_dir: Path | None = None


def explain_misfit(
    selection: SubuserSelection | None, known: Collection[str], nameless: Collection[str] = ()
) -> str:
    """Return why `selection` fits none of the `known` usernames, and what to change.

    `nameless` are the user_ids of subusers whose usernames SendGrid does not return. An
    empty text if the selection fits one, or if there is no subuser.
    none of the 35 subusers fits `subusers`: 'shop-*' is a glob, and a list holds usernames: ...
    """
    number = len(known) + len(nameless)
    if selection is None or not number or any(name in selection for name in (*known, *nameless)):
        return ""
    subject = (
        f"none of the {number} subusers fits" if number > 1 else "the only subuser does not fit"
    )
    cause = _find_cause(selection, known) if known else _NO_USERNAMES.format(id=min(nameless))
    return f"{subject} `subusers`: {cause}"


def _find_cause(selection: SubuserSelection, known: Collection[str]) -> str:
    entries = [*sorted(selection.names), *selection.include]
    if not entries:
        return "`include` is empty: remove it to include all, or add usernames or globs"
    included = replace(selection, exclude=())
    if any(name in included for name in known):
        return "`exclude` leaves out all that `include` selects: correct one of them"
    for entry in entries:
        if entry in ("all", "none") and len(entries) == 1:
            return f"'{entry}' is a username in a list: write `subusers: {entry}` without brackets"
        if _REGULAR_EXPRESSION.search(entry):
            return f"{entry!r} is a regular expression: write globs, as in {{include: ['shop-*']}}"
        if entry in selection.names and set(entry) & WILDCARDS:
            return (
                f"{entry!r} is a glob, and a list holds usernames: write {{include: [{entry!r}]}}"
            )
    return _compare_names(selection, known)


def _compare_names(selection: SubuserSelection, known: Collection[str]) -> str:
    # `exclude` plays no part: it leaves out nobody who is included in either case.
    lowered = SubuserSelection(
        frozenset(map(str.lower, selection.names)), tuple(map(str.lower, selection.include))
    )
    same = next((name for name in sorted(known) if name.lower() in lowered), None)
    if same is not None:
        is_name = same.lower() in lowered.names
        correct = "write that" if is_name else "write the glob as SendGrid writes the names"
        return f"upper and lower case differ: SendGrid has {same!r}, so {correct}"
    if len(known) <= _MOST_COMPARED:
        for name in sorted(selection.names)[:_MOST_EXAMPLES]:  # each takes 40 ms
            if nearest := difflib.get_close_matches(name, known, n=1):
                return f"no subuser is called {name!r}: did you mean {nearest[0]!r}?"
    examples = ", ".join(map(repr, sorted(known)[:_MOST_EXAMPLES]))
    rest = ", ..." if len(known) > _MOST_EXAMPLES else ""
    return f"SendGrid has {examples}{rest}: correct the usernames or globs"


def take_part(config: Config, shard: Shard, *, by_subuser: bool) -> Config:
    """Return the part of `config` that one process of several does.

    By account, each account belongs to one shard. By subuser, every shard polls every account and
    publishes its own subusers; one shard publishes the series of the account as a whole.
    """
    if not by_subuser:
        owned = tuple(account for account in config.accounts if shard.owns(account.name))
        return replace(config, accounts=owned)
    parts = (
        replace(
            account,
            own_score=account.own_score and shard.owns(account.name),
            series=replace(account.series, shard=shard),
        )
        for account in config.accounts
    )
    polled = tuple(part for part in parts if part.own_score or part.subusers)
    return replace(config, accounts=polled)


def _any_of(globs: Iterable[str]) -> re.Pattern[str]:
    # One pattern for all globs matches a fleet of 100,000 in a tenth of a second. `(?!)` matches
    # nothing.
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs) or "(?!)")
