"""One authenticated GET: the request, the limits on its answer, the meaning of each failure."""

from __future__ import annotations

import copy
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

import requests
from requests.auth import AuthBase
from urllib3.exceptions import ReadTimeoutError

from seq_exporter import __version__
from seq_exporter.clock import Clock
from seq_exporter.config.model import Account
from seq_exporter.config.secret import Secret
from seq_exporter.errors import (
    BadRequest,
    ConnectionFailed,
    Forbidden,
    MalformedResponse,
    NotFound,
    PollError,
    RateLimited,
    ServerFailed,
    TimedOut,
    Unauthorized,
    UnexpectedStatus,
)
from seq_exporter.sendgrid.causes import cause_and_remedy, has_remedy
from seq_exporter.sendgrid.observer import RateLimit, RequestObserver
from seq_exporter.sendgrid.pages import LONGEST_TEXT, Decode

# A page of 1,000 items is about 250 KB; a body many times that size is not a page of scores. Parsed
# JSON can take 40 times the memory of its text.
_MAX_BODY_BYTES = 2 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024

# A message of an error is shown up to here.
_MESSAGE_CHARACTERS = 200

# SendGrid temporarily blocks a key that sends many bad requests; further ones prolong the block.
_TEMPORARY_BLOCK_SECONDS = 3600.0
# A reset below this is a number of seconds, not a time: SendGrid documents the header both ways.
_EPOCH_BEGINS = 1e9

_REMEDIES: Mapping[int, tuple[type[PollError], str]] = {
    400: (BadRequest, "SendGrid does not accept the request"),
    401: (Unauthorized, "SendGrid refuses the key: is it active, complete and for this region?"),
    403: (Forbidden, "the key lacks the permission: add it, or check on_behalf_of"),
    404: (NotFound, "no such user or address: check on_behalf_of and base_url"),
    407: (UnexpectedStatus, "a proxy asks for a user and a password: put them into HTTP_PROXY"),
}
_FOREIGN = "a proxy or a firewall answers instead of SendGrid, see docs/proxies.md"
_NETWORK = "check DNS, the firewall and HTTPS_PROXY"
_ASK_LESS = "raise poll.interval, or let other programs of the account ask less"
_REGISTERED = frozenset(HTTPStatus)
# Proxies and firewalls write their own pages with these.
_REFUSALS = (400, 401, 403)

# Longer integers, which no value of SendGrid's is, are read as floats: Python refuses to convert
# thousands of digits, and one odd value would cost the whole page.
_MOST_DIGITS = 256


class Endpoint(NamedTuple):
    """An address below the base URL, and its value of the label `endpoint`."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class _BearerAuth(AuthBase):
    # As requests' `auth=`, so that a stray .netrc cannot replace the header.
    key: Secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key.reveal()}"
        return request


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends an account's requests with `key`, through what `open_session` returns.

    `timeout_seconds` bounds connecting, and once more the whole answer.
    """

    account: Account
    key: Secret
    session: requests.Session
    timeout_seconds: float
    clock: Clock
    observer: RequestObserver
    # What `_prepare` has returned, by endpoint.
    _prepared: dict[Endpoint, tuple[requests.PreparedRequest, Mapping[str, Any]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def get(
        self, endpoint: Endpoint, params: Mapping[str, str], decode: Decode | None = None
    ) -> Any | None:
        """Return the JSON of a 200, or None for a 202: not calculated yet.

        Returns a Page instead if `decode` makes one of the body, and no text in it quotes the key.
        Raises a PollError for everything else. Sends one request: no retry, no redirect.
        """
        started = self.clock.monotonic()
        code = "error"
        try:
            status, headers, body = self._exchange(endpoint, params)
            code = _code_of(status)
        finally:
            self.observer.observe_request(endpoint.label, code, self.clock.monotonic() - started)
        rate_limit = _read_rate_limit(headers, self.clock.now())
        self.observer.observe_rate_limit(rate_limit)
        if status == 202:
            if body.lstrip().startswith(b"<"):  # a firewall that wants to see a browser first
                raise MalformedResponse(f"{endpoint.path} answers 202 with a page: {_FOREIGN}")
            return None
        if status != 200:
            raise self._status_error(status, headers, body, rate_limit)
        try:
            answer = self._parse(body, decode)
        except (ValueError, RecursionError):
            answer = None  # like a null, which must not pass for a 202
        if answer is None:
            # Not `from err`: it holds the whole body.
            raise MalformedResponse(
                f"{endpoint.path} answers 200 with {len(body)} bytes that are not JSON: "
                "does base_url lead to SendGrid, or to a proxy?"
            )
        return answer

    def _exchange(
        self, endpoint: Endpoint, params: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            prepared, settings = self._prepare(endpoint)
            request = copy.copy(prepared)  # with the same headers: nothing changes them
            if params:  # the URL has no query yet: base_url cannot have one
                request.url = f"{prepared.url}?{urlencode(params)}"
            response = self.session.send(
                request,
                timeout=self.timeout_seconds,
                allow_redirects=False,  # a redirect would carry the key to another host
                **settings,
            )
            with response:
                return response.status_code, response.headers, self._read(response)
        except OSError as err:  # all errors of requests are OSErrors, too
            raise self._transport_error(err) from err
        except ValueError as err:  # from http.client, for a chunk of negative size
            raise ConnectionFailed(
                f"{self.account.base_url} does not answer in HTTP; {_NETWORK}"
            ) from err

    def _prepare(self, endpoint: Endpoint) -> tuple[requests.PreparedRequest, Mapping[str, Any]]:
        """Return the request for `endpoint` without parameters, and the environment's settings.

        Both are made once for all requests: requests would take the URL apart, and go through the
        environment several times, for each of them. No variable depends on the parameters.
        """
        if endpoint in self._prepared:
            return self._prepared[endpoint]
        headers = {
            "Accept": "application/json",
            "User-Agent": f"seq-exporter/{__version__}",
        }
        if self.account.on_behalf_of:
            headers["on-behalf-of"] = self.account.on_behalf_of
        url, auth = self.account.base_url + endpoint.path, _BearerAuth(self.key)
        request = requests.Request("GET", url, headers=headers, auth=auth)
        prepared = self.session.prepare_request(request)
        settings = self.session.merge_environment_settings(
            prepared.url, {}, stream=True, verify=None, cert=None
        )
        self._prepared[endpoint] = prepared, settings
        return prepared, settings

    def _read(self, response: requests.Response) -> bytes:
        body = io.BytesIO()  # not a list: a server may send a million chunks of two bytes
        for chunk in response.iter_content(_CHUNK_BYTES):
            body.write(chunk)
            if body.tell() > _MAX_BODY_BYTES:
                raise MalformedResponse(f"the body has more than {_MAX_BODY_BYTES} bytes")
        return body.getvalue()

    def _parse(self, body: bytes, decode: Decode | None) -> Any:
        """Return the page or the JSON in `body`, with the key in it replaced by `***`.

        A proxy may quote the request: as a username, the key would be published on the page.
        """
        if decode:
            # ASCII needs no conversion, which would copy 250 KB. Anything else does: msgspec does
            # not look at the UTF-8 of fields that it skips.
            decoded = decode(body if body.isascii() else body.decode("utf-8-sig"))
            if decoded and not self.key.may_be_in(decoded.texts, LONGEST_TEXT):
                return decoded.page
        text = body.decode("utf-8-sig")
        return self.key.hide_in_data(_parse_json(text), text)

    def _transport_error(self, err: OSError) -> PollError:
        place = self.account.base_url
        inner = err.args[0] if err.args else None
        # While it reads the body, requests reports a time-out as a broken connection.
        if isinstance(err, requests.Timeout) or isinstance(inner, ReadTimeoutError):
            waited = f"within {self.timeout_seconds:.15g} s"
            return TimedOut(f"no complete answer from {place} {waited}; {_NETWORK}")
        if isinstance(err, requests.exceptions.ContentDecodingError):
            return MalformedResponse("the body is not in the encoding that its header names")
        remedy = "" if has_remedy(err) else f"; {_NETWORK}"
        return ConnectionFailed(f"no connection to {place}: {cause_and_remedy(err)}{remedy}")

    def _status_error(
        self, status: int, headers: Mapping[str, str], body: bytes, rate_limit: RateLimit
    ) -> PollError:
        # A 407 is a proxy's own, and may quote its password.
        said, is_sendgrids = _read_message(body if status != 407 else b"")
        message = self.key.hide_in(said)
        shown = message[:_MESSAGE_CHARACTERS]
        text = f"{status} ({shown})" if shown else str(status)
        if status == 429:
            wait_seconds = _read_wait(headers, rate_limit, self.clock.now())
            return RateLimited(f"{text}: over SendGrid's rate limit: {_ASK_LESS}", wait_seconds)
        if status == 403 and "temporary block" in message.lower():
            return RateLimited(f"{text}: blocked temporarily", _TEMPORARY_BLOCK_SECONDS)
        if status in _REFUSALS and not is_sendgrids:
            return UnexpectedStatus(f"{text}: {_FOREIGN}")
        if status in _REMEDIES:
            kind, remedy = _REMEDIES[status]
            return kind(f"{text}: {remedy}")
        if 500 <= status < 600:
            text = f"{text}: SendGrid, or a proxy in front of it, failed"
            return ServerFailed(text, read_retry_after(headers, self.clock.now()))
        if 300 <= status < 400:
            return UnexpectedStatus(f"{text}: redirects are not followed: correct base_url")
        return UnexpectedStatus(f"{text}: SendGrid does not document this status")


def _code_of(status: int) -> str:
    """Return the value of the label `code`: of a status that nobody has registered, its class.

    Otherwise, a server could make a series for each of 900 statuses.
    """
    return str(status) if status in _REGISTERED else f"{status // 100}xx"


def _parse_json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # perhaps for such an integer; a function for each takes a fifth longer
        return json.loads(text, parse_int=_parse_integer)


def _parse_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _read_message(body: bytes) -> tuple[str, bool]:
    """Return the message of an error body, on one line: `{"errors": [{"message": ...}]}`.

    Also return whether the body can be SendGrid's: an empty one, or such an object.
    """
    try:
        answer = _parse_json(body)
        is_sendgrids = "errors" in answer or "error" in answer
        message = answer["errors"][0]["message"] if "errors" in answer else answer["error"]
    except (ValueError, RecursionError):
        return "", not body.strip()
    except (LookupError, TypeError):
        return "", isinstance(answer, dict) and bool({"errors", "error"} & answer.keys())
    return " ".join(message.split()) if isinstance(message, str) else "", is_sendgrids


def _read_rate_limit(headers: Mapping[str, str], now: float) -> RateLimit:
    reset = _read_number(headers.get("X-RateLimit-Reset"))
    if reset is not None and reset < _EPOCH_BEGINS:
        reset += now
    return RateLimit(
        limit=_read_number(headers.get("X-RateLimit-Limit")),
        remaining=_read_number(headers.get("X-RateLimit-Remaining")),
        reset_timestamp_seconds=reset,
    )


def _read_wait(headers: Mapping[str, str], rate_limit: RateLimit, now: float) -> float | None:
    seconds = read_retry_after(headers, now)
    if seconds is None and rate_limit.reset_timestamp_seconds is not None:
        seconds = max(rate_limit.reset_timestamp_seconds - now, 0.0)
    return seconds


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that `Retry-After` asks to wait, as a number or a date, or None."""
    text = headers.get("Retry-After")
    seconds = _read_number(text)
    if seconds is None and text:
        try:
            seconds = max(parsedate_to_datetime(text).timestamp() - now, 0.0)
        except (ValueError, OverflowError):
            seconds = None
    return seconds


def _read_number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
