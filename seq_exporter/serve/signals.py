"""SIGHUP, SIGINT and SIGTERM, from the first instruction of the process to its last.

Imports nothing heavy: it holds the signals while everything else is imported.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType

_STOPS = (signal.SIGINT, signal.SIGTERM)
_HELD = (signal.SIGHUP, *_STOPS)


def hold_signals() -> None:
    """Let the kernel keep the signals until `release_signals`.

    While Python imports or ends, there is nobody to take them: SIGHUP would end the process, and
    systemd would leave it down; SIGTERM would be a failure; Ctrl-C would print a traceback.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def release_signals() -> None:
    """Take the signals again, first those that came while they were held."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


@contextlib.contextmanager
def holding_signals() -> Iterator[None]:
    """Hold the signals in the block, which imports: see `hold_signals`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def exiting_when_stopped() -> Iterator[None]:
    """Exit with status 0 at SIGINT and SIGTERM, also at one that is held; hold them afterwards.

    For what a server does before its event loop takes the signals. SIGHUP stays held: it asks for
    a reload, which needs something to reload.
    """
    before = [signal.signal(number, _exit) for number in _STOPS]
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    try:
        yield
    finally:
        hold_signals()
        for number, handler in zip(_STOPS, before, strict=True):
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
