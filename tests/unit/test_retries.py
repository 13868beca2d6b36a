"""Trying again: until it succeeds, until the policy gives up, or until the sleep is stopped."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Sequence

import pytest

from seq_exporter.retries import backoff_seconds, retry


class Attempts:
    """Fails so many times, then returns how often it was called."""

    def __init__(self, failures: int) -> None:
        self.calls = 0
        self._failures = failures

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise ValueError(self.calls)
        return self.calls


def three_tries(failures: Sequence[Exception]) -> float | None:
    return 10.0 * len(failures) if len(failures) < 3 else None


def test_it_pauses_as_the_policy_says_and_returns_the_result() -> None:
    sleeps: list[float] = []
    assert retry(Attempts(2), three_tries, sleeps.append) == 3
    assert sleeps == [10, 20]


def test_it_raises_the_last_error_once_the_policy_gives_up() -> None:
    sleeps: list[float] = []
    with pytest.raises(ValueError, match="3"):
        retry(Attempts(5), three_tries, sleeps.append)
    assert sleeps == [10, 20]


def test_its_last_error_needs_no_garbage_collection() -> None:
    class Failure(Exception):
        pass

    def attempt() -> None:
        raise Failure

    gc.disable()
    try:
        with contextlib.suppress(Failure):
            retry(attempt, three_tries, lambda seconds: None)
        assert not [each for each in gc.get_objects() if isinstance(each, Failure)]
    finally:
        gc.enable()


def test_an_error_of_the_sleep_ends_it() -> None:
    attempts = Attempts(5)

    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retry(attempts, three_tries, sleep)
    assert attempts.calls == 1


def test_pauses_double_up_to_the_longest_and_differ_by_a_quarter() -> None:
    for tries, seconds in ((1, 1), (2, 2), (3, 4), (10, 30)):
        pauses = {backoff_seconds(tries, longest=30) for _ in range(50)}
        assert len(pauses) > 1
        assert all(0.75 * seconds <= pause <= 1.25 * seconds for pause in pauses)
