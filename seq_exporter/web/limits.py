"""What one client may take of the server, so that there is enough left for the others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults are what is documented; only tests have others.

    `request_seconds` run from the connection, or from the last answer, to the whole head of the
    next request: longer than a minute, so that who scrapes each minute keeps its connection.
    `answer_seconds` run from there until the answer is taken: 53 MB at 10 Mbit/s. No proxy lets
    through more than half of `header_bytes`. A connection costs up to half a megabyte with TLS,
    and a file descriptor: Prometheus needs one or two of the `connections`.
    """

    connections: int = 256
    header_bytes: int = 16 * 1024
    request_seconds: float = 75.0
    answer_seconds: float = 60.0
