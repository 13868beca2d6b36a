"""Every error that this program raises, as one tree.

    SeqExporterError
    ├── ConfigError                  the files, flags or environment are wrong: exit status 2
    ├── ListenError                  an address cannot be listened on: exit status 1
    ├── CannotWrite                  a file of results cannot be written: exit status 1
    ├── BackfillError                the past cannot be fetched or written: exit status 1
    │   └── RemoteWriteFailed          the receiver did not accept it
    ├── NotCalculated                SendGrid has no scores of a day yet: ask later
    ├── PollStopped                  a poll ends because its account is no longer wanted
    ├── NoMoreRequests               a page of a subuser must not ask SendGrid now
    └── PollError                    a poll failed; `reason` is its label value
        ├── TooManySeries            too_many_series     more than the account's max_series
        ├── AccountUnavailable       no more requests with this key now
        │   ├── KeyUnavailable         key_unavailable     its file is missing or holds no key
        │   ├── Unauthorized           unauthorized        401
        │   ├── RateLimited            rate_limited        429, or a temporary block
        │   ├── ConnectionFailed       connection          refused, reset, DNS, TLS
        │   └── TimedOut               timeout
        └── EndpointFailed           this endpoint failed; another may still answer
            ├── BadRequest             bad_request         400
            ├── Forbidden              forbidden           403
            ├── NotFound               not_found           404
            ├── ServerFailed           server_error        5xx
            ├── UnexpectedStatus       unexpected_status   any other, also a redirect
            └── MalformedResponse      malformed_response  200, but not as documented

A message names the place and the remedy, and never holds a secret.
"""

from __future__ import annotations

from typing import ClassVar


class SeqExporterError(Exception):
    """The base of every error that this program raises on purpose."""


class ConfigError(SeqExporterError):
    """The user's files, flags or environment are wrong; the message has a line for each mistake."""


class ListenError(SeqExporterError):
    """An address cannot be listened on."""


class CannotWrite(SeqExporterError):
    """A file of results cannot be written."""


class BackfillError(SeqExporterError):
    """The past cannot be fetched or written."""


class RemoteWriteFailed(BackfillError):
    """A remote-write receiver did not accept a request, at once or after retries."""


class NotCalculated(SeqExporterError):
    """SendGrid has not calculated the scores of a day yet (202)."""


class PollStopped(SeqExporterError):
    """A poll ends because its result is not needed: the account is removed or the process stops."""


class NoMoreRequests(SeqExporterError):
    """SendGrid must not be asked for more now; the message says why, and when it may be."""


class PollError(SeqExporterError):
    """A poll failed; `reason` is the value of its label in `seq_exporter_poll_failures_total`.

    `wait_seconds` is how long SendGrid asks to pause; None if it does not say.
    """

    reason: ClassVar[str] = "internal"

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class TooManySeries(PollError):
    """The account would have more series than its `max_series`; the page does not change."""

    reason = "too_many_series"


class AccountUnavailable(PollError):
    """No more requests can be made with the key now: the poll ends here."""


class KeyUnavailable(AccountUnavailable):
    """The API key cannot be read, or is not a key."""

    reason = "key_unavailable"


class Unauthorized(AccountUnavailable):
    """SendGrid refused the key (401)."""

    reason = "unauthorized"


class RateLimited(AccountUnavailable):
    """SendGrid asks for a pause (429, or its temporary block)."""

    reason = "rate_limited"


class ConnectionFailed(AccountUnavailable):
    """The connection could not be made, or broke: DNS, refused, reset, TLS."""

    reason = "connection"


class TimedOut(AccountUnavailable):
    """SendGrid did not send a whole response within the time-out."""

    reason = "timeout"


class EndpointFailed(PollError):
    """One endpoint failed; another may still answer this key."""


class BadRequest(EndpointFailed):
    """SendGrid rejected the request as invalid (400)."""

    reason = "bad_request"


class Forbidden(EndpointFailed):
    """The key does not have permission for this (403)."""

    reason = "forbidden"


class NotFound(EndpointFailed):
    """The path, or the user to act on behalf of, does not exist (404)."""

    reason = "not_found"


class ServerFailed(EndpointFailed):
    """SendGrid failed (5xx), and may ask for a pause."""

    reason = "server_error"


class UnexpectedStatus(EndpointFailed):
    """A status that the endpoint does not document, or a redirect, which is not followed."""

    reason = "unexpected_status"


class MalformedResponse(EndpointFailed):
    """A 200 response with a body that the endpoint does not document."""

    reason = "malformed_response"


#: Every value of the label `reason`. `internal` is a defect in this program.
POLL_FAILURE_REASONS = (
    *(
        error.reason
        for kind in (AccountUnavailable, EndpointFailed)
        for error in kind.__subclasses__()
    ),
    TooManySeries.reason,
    PollError.reason,
)
