"""Trying again: when, how often, and with which pauses."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

_Result = TypeVar("_Result")

#: Returns the seconds to pause after these failures of one attempt, the last one last; None to
#: give up.
PauseAfter = Callable[[Sequence[Exception]], float | None]


def retry(
    attempt: Callable[[], _Result], pause_after: PauseAfter, sleep: Callable[[float], None]
) -> _Result:
    """Return what `attempt` returns, or raise what it raises once `pause_after` gives up.

    `sleep` pauses for seconds; what it raises ends the retries, so a poll that is stopped does not
    sit out its pauses.
    """
    failures: list[Exception] = []
    while True:
        try:
            return attempt()
        except Exception as err:
            failures.append(err)
            pause_seconds = pause_after(failures)
            if pause_seconds is None:
                # The traceback leads to this list. If the list held the error, only the garbage
                # collector could free both, and all that the traceback holds.
                failures.clear()
                raise
            # A traceback holds the frames below it, and in them a whole response body.
            err.with_traceback(None)
        sleep(pause_seconds)


def backoff_seconds(tries: int, longest: float = float("inf")) -> float:
    """Return the pause after so many tries: 1, 2, 4 ... seconds, at most `longest`.

    Each differs by up to a quarter, so processes that failed together do not try together again.
    """
    return float(min(2.0 ** (tries - 1), longest)) * random.uniform(0.75, 1.25)  # noqa: S311
