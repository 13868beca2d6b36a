"""Reads one account as a poll does, and reports what was found and what to do about it."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from seq_exporter.clock import Clock
from seq_exporter.commands.check.findings import AccountReport, Doubt, Finding, Verdict
from seq_exporter.config.model import BASE_URLS, Account, PollSettings
from seq_exporter.config.secret import Secret
from seq_exporter.errors import (
    AccountUnavailable,
    EndpointFailed,
    Forbidden,
    KeyUnavailable,
    PollError,
    TooManySeries,
    Unauthorized,
)
from seq_exporter.publish.store import Store
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from seq_exporter.sendgrid.observer import RateLimit, RequestObserver
from seq_exporter.sendgrid.reader import AccountReader, Reading
from seq_exporter.sendgrid.transport import Endpoint

_SCOPES = Endpoint("scopes", "/v3/scopes")

# 69 characters: https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions. SendGrid
# shows a key only once; later it shows the ID, the part between the dots.
_KEY = re.compile(r"SG\.[\w-]{22}\.[\w-]{43}")
_KEY_ID = re.compile(r"[\w-]{22}")

# `Date` has whole seconds, and an answer takes some time. A minute matters: a poll waits that long
# for the rate limit, and days begin at midnight.
_MOST_CLOCK_SECONDS = 60.0

_NO_PERMISSION = (
    "the key is valid, but lacks the permission: give it read access to Stats and Subuser "
    "Management (SendGrid does not document the permission), or check on_behalf_of"
)
_WHY_NO_SCORE = "open tracking is off, or fewer than 1,000 messages were sent in 30 days"


@dataclass(frozen=True)
class AccountCheck:
    """The check of one account; `session` and `sleep` are like those of a poll."""

    account: Account
    settings: PollSettings
    session: requests.Session
    clock: Clock
    sleep: Callable[[float], None]

    def run(self) -> AccountReport:
        """Return the findings. Whatever SendGrid or the network does, this does not raise."""
        return AccountReport(self.account.name, list(self._find()))

    def _find(self) -> Iterator[Finding]:
        observed = ObservedHeaders(self.clock)
        with self._open(self.account, observed) as reader:
            yield from self._find_key(reader)
            reading = reader.read_newest()
            yield from self._find_scores(reading, reader)
            for error in reading.failures.values():
                if isinstance(error, AccountUnavailable):
                    yield self._explain(error, reading.key)
        yield from _find_series(self.account, reading.snapshot)
        yield from _describe_headers(observed)

    def _open(self, account: Account, observed: ObservedHeaders) -> AccountReader:
        return AccountReader(
            account,
            self.settings,
            observer=observed,
            session=observed.listen_to(self.session),
            clock=self.clock,
            sleep=self.sleep,
        )

    def _find_key(self, reader: AccountReader) -> Iterator[Finding]:
        """Report that SendGrid accepts the key, if it does.

        A failure is not reported here: reading the scores shows what it means.
        """
        scopes = _read_scopes(reader)
        if scopes is not None:
            text = f"accepted by {self.account.base_url}, with {len(scopes)} permissions"
            yield Finding(Verdict.RIGHT, "key", text, {"permissions": len(scopes)})

    def _find_scores(self, reading: Reading, reader: AccountReader) -> Iterator[Finding]:
        for what, is_wanted in (
            ("subusers", self.account.subusers is not None),
            ("own", self.account.own_score),
        ):
            error = reading.failures.get(what)
            if isinstance(error, EndpointFailed):
                about = {"own": "own score"}.get(what, what)
                text = f"403: {_NO_PERMISSION}" if isinstance(error, Forbidden) else str(error)
                yield Finding(Verdict.WRONG, about, text, trouble=error.reason)
            elif error or "key" in reading.failures:
                return  # nothing was read of the account
            elif is_wanted and what == "subusers":
                yield from self._describe_subusers(reading.snapshot.subusers, reader)
            elif is_wanted:
                yield self._describe_own(reading.snapshot.own)

    def _describe_subusers(
        self, found: SubuserScores | None, reader: AccountReader
    ) -> Iterator[Finding]:
        if found is None:
            text = f"{self._none_of_the_days()}: SendGrid has not calculated them yet, or there"
            yield _doubt(Doubt.NO_SCORES, "subusers", f"{text} are none")
            return
        counts = found.counts
        facts = {"day": str(found.day), **counts}
        said = f"{found.day}: {counts['scored']} scored, {counts['ineligible']} without a score"
        if not found.by_label:
            # Without a line for each missing name: the reason covers them all.
            why = reader.explain_misfit() or _explain_absence(reader)
            yield _doubt(Doubt.NO_SUBUSERS, "subusers", f"{found.day}: {why}", facts)
            return
        if counts["scored"]:
            more = f" ({_WHY_NO_SCORE})" if counts["ineligible"] else ""
            yield Finding(Verdict.RIGHT, "subusers", said + more, facts)
        else:
            yield _doubt(Doubt.NOT_ELIGIBLE, "subusers", f"{said}: {_WHY_NO_SCORE}", facts)
        for name in found.missing:
            yield _describe_missing(name, reader)

    def _describe_own(self, found: OwnScore | None) -> Finding:
        if found and found.has_scores:
            score = found.score.overall
            facts = {"day": str(found.day), "score": score}
            return Finding(Verdict.RIGHT, "own score", f"{found.day}: {score:g}", facts)
        why = f"{self._none_of_the_days()}: {_WHY_NO_SCORE}"
        return _doubt(Doubt.NO_SCORES, "own score", why)

    def _none_of_the_days(self) -> str:
        return f"none on the last {self.settings.lookback_days} days"

    def _explain(self, err: AccountUnavailable, key: Secret | None) -> Finding:
        """Report why SendGrid answers nothing with this key."""
        text = str(err)
        if isinstance(err, Unauthorized) and key:
            text = _explain_shape(key) or self._explain_region() or text
        about = "key" if isinstance(err, Unauthorized | KeyUnavailable) else "SendGrid"
        return Finding(Verdict.WRONG, about, text, trouble=err.reason)

    def _explain_region(self) -> str:
        """Try the key in the other region, if the account uses SendGrid's own address."""
        own_url = self.account.base_url
        for region, base_url in BASE_URLS.items():
            if own_url in BASE_URLS.values() and base_url != own_url:
                other = replace(self.account, base_url=base_url)
                if _read_scopes(self._open(other, ObservedHeaders(self.clock))) is not None:
                    return f"refused, but accepted by {base_url}: set `region: {region}`"
        return ""


def _read_scopes(reader: AccountReader) -> list[Any] | None:
    """Return the permissions of the key, or None if not SendGrid answers, or it refuses the key.

    A proxy or a firewall may answer any request with a page of its own.
    """
    try:
        answer = reader.connect().transport.get(_SCOPES, {})
    except PollError:
        return None
    scopes = answer.get("scopes") if isinstance(answer, dict) else None
    return scopes if isinstance(scopes, list) else None


def _find_series(account: Account, snapshot: Snapshot) -> Iterator[Finding]:
    """Publish the scores as a poll does, and report how that comes out."""
    writer = Store().open(account.name, account.series, account.max_series)
    try:
        writer.swap(snapshot)
    except TooManySeries as err:
        yield Finding(Verdict.WRONG, "series", str(err), trouble=err.reason)
    else:
        if account.max_series is not None:
            facts = {"series": writer.series, "max_series": account.max_series}
            text = f"{writer.series} of max_series {account.max_series}"
            yield Finding(Verdict.RIGHT, "series", text, facts)


def _explain_shape(key: Secret) -> str:
    """Return what is wrong with the form of a key, or an empty text; never quotes the key."""
    text = key.reveal()
    if _KEY.fullmatch(text):
        return ""
    if _KEY_ID.fullmatch(text):
        return (
            "refused (401): this is the ID of a key, not the key. A key begins with SG., "
            "and SendGrid shows it only once: create a new one"
        )
    return (
        f"refused (401): it has {len(text)} characters; a SendGrid key has 69, begins with SG. "
        "and contains another dot: is it complete?"
    )


def _explain_absence(reader: AccountReader) -> str:
    """Return why SendGrid's answer holds no subuser, although the choice would fit some."""
    if reader.known_usernames or reader.nameless_users:
        return "SendGrid returns none of the chosen subusers"
    return (
        "SendGrid returns no subusers: if the account has none, write `subusers: none`; "
        "otherwise check the key's permissions and on_behalf_of"
    )


def _describe_missing(name: str, reader: AccountReader) -> Finding:
    nearest = difflib.get_close_matches(name, list(reader.known_usernames), n=1)
    if nearest:
        remedy = f"did you mean '{nearest[0]}'?"
    elif nameless := len(reader.nameless_users):
        remedy = (
            "correct or remove it, unless SendGrid does not return its username "
            f"(subusers without one: {nameless})"
        )
    else:
        remedy = "correct or remove the name"
    facts = {"subuser": name, "nearest": nearest[0] if nearest else None}
    text = f"no subuser is called '{name}': {remedy}"
    return _doubt(Doubt.UNKNOWN_SUBUSER, "missing", text, facts)


def _doubt(doubt: Doubt, about: str, text: str, facts: Mapping[str, Any] | None = None) -> Finding:
    return Finding(Verdict.DOUBTFUL, about, text, facts or {}, doubt.value)


def _describe_headers(observed: ObservedHeaders) -> Iterator[Finding]:
    """Report the rate limit and the clock, which the headers of the answers show."""
    limit = observed.rate_limit
    if limit and limit.remaining is not None:
        # Digits, and no 1e+06: a float has 15 that are exact.
        of = f" of {limit.limit:.15g}" if limit.limit is not None else ""
        reset = limit.reset_timestamp_seconds
        text = f"{limit.remaining:.15g}{of} requests left{_describe_reset(reset)}"
        facts = {"limit": limit.limit, "remaining": limit.remaining, "reset": reset}
        if limit.remaining:
            yield Finding(Verdict.RIGHT, "rate limit", text, facts)
        else:
            yield _doubt(Doubt.RATE_LIMIT_USED_UP, "rate limit", text, facts)
    seconds = observed.clock_seconds
    if seconds is None:
        return
    if abs(seconds) <= _MOST_CLOCK_SECONDS:
        text = f"within {math.ceil(abs(seconds))} s of SendGrid's"
        yield Finding(Verdict.RIGHT, "clock", text, {"seconds": round(seconds, 1)})
    else:
        way = "ahead of" if seconds > 0 else "behind"
        text = f"{abs(seconds):.0f} s {way} SendGrid's: set it, for example with NTP"
        yield _doubt(Doubt.CLOCK, "clock", text, {"seconds": round(seconds, 1)})


def _describe_reset(reset: float | None) -> str:
    try:
        return f" until {datetime.fromtimestamp(reset, UTC):%H:%M:%S} UTC" if reset else ""
    except (OSError, OverflowError, ValueError):  # after the year 9999
        return ""


class ObservedHeaders(RequestObserver):
    """Notes the newest rate limit, and how far this clock is from that of the server.

    `clock_seconds` is positive if this machine is ahead, None if no answer had a date.
    """

    def __init__(self, clock: Clock) -> None:
        self.rate_limit: RateLimit | None = None
        self.clock_seconds: float | None = None
        self._clock = clock

    def listen_to(self, session: requests.Session) -> requests.Session:
        """Return the session, with a hook that notes the date of every answer."""
        session.hooks["response"] = [self._note_date]
        return session

    def observe_rate_limit(self, rate_limit: RateLimit) -> None:
        """Note it."""
        self.rate_limit = rate_limit

    def _note_date(self, response: requests.Response, **_: Any) -> None:
        try:
            date = parsedate_to_datetime(response.headers["Date"]).timestamp()
        except (KeyError, ValueError, OverflowError):
            return
        # The header has whole seconds, cut off: on average, it is half a second later.
        self.clock_seconds = self._clock.now() - date - 0.5
