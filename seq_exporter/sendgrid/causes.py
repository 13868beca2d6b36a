"""Why a request failed: the first cause in a chain of errors, named without its secrets."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests

# Of OpenSSL: an authority that is not known issued the certificate, or nobody but itself.
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
_TRUST = "if a company's proxy issued it, name the file of its CA in REQUESTS_CA_BUNDLE"


class ExplainedFailure(requests.ConnectionError):
    """A request failed for a reason of this machine's; the message names it, and the remedy."""


def walk_causes(err: BaseException) -> Iterator[BaseException]:
    """Yield `err` and its causes, the first cause last."""
    found: BaseException | None = err
    while found:
        yield found
        # urllib3 wraps some errors without `from`.
        wrapped = next((each for each in found.args if isinstance(each, BaseException)), None)
        found = found.__cause__ or found.__context__ or wrapped


def innermost(err: BaseException) -> BaseException:
    """Return the first cause of `err`."""
    return list(walk_causes(err))[-1]


def find_explanation(err: BaseException) -> str:
    """Return the cause with its remedy, if an error in the chain of `err` has one."""
    return next((str(each) for each in walk_causes(err) if isinstance(each, ExplainedFailure)), "")


def cause_and_remedy(err: BaseException) -> str:
    """Name the innermost cause, and what to do about it if that is known.

    The outer errors repeat addresses and object ids around it.
    """
    if explanation := find_explanation(err):
        return explanation
    cause = innermost(err)
    if isinstance(cause, ssl.SSLCertVerificationError):
        remedy = f": {_TRUST}" if is_unknown_authority(err) else ""
        reason = cause.verify_message.removesuffix(".")
        return f"its certificate is refused: {reason}{remedy}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__


def is_unknown_authority(err: BaseException) -> bool:
    """Whether a certificate was refused because its authority is not trusted."""
    match innermost(err):
        case ssl.SSLCertVerificationError(verify_code=code):
            return code in _UNKNOWN_AUTHORITY
    return False


def has_remedy(err: BaseException) -> bool:
    """Whether the message of `err` says what to do about its cause."""
    return bool(find_explanation(err)) or is_unknown_authority(err)
