"""What was asked for lately: bounded in time and size, so that nobody makes it grow."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """Keeps values until their time is over, and at most `most` of their sizes together.

    What has not been looked up for longest goes first. Any thread may call it. `monotonic` is the
    clock, in seconds.
    """

    def __init__(
        self,
        most: int,
        monotonic: Callable[[], float],
        size: Callable[[_Value], int] = lambda value: 1,
    ) -> None:
        self._most = most
        self._monotonic = monotonic
        self._size = size
        self._kept: OrderedDict[_Key, tuple[float, _Value]] = OrderedDict()
        self._total = 0
        self._changing = threading.Lock()

    def find(self, key: _Key) -> _Value | None:
        """Return the value of `key`, None if there is none, or none any more."""
        with self._changing:
            until, value = self._kept.get(key, (0.0, None))
            if value is None:
                return None
            if self._monotonic() >= until:
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return value

    def keep(self, key: _Key, value: _Value, seconds: float) -> None:
        """Keep `value` for so long; do nothing if it is larger than all that may be kept."""
        with self._changing:
            self._drop(key)
            if self._size(value) > self._most:
                return
            self._kept[key] = self._monotonic() + seconds, value
            self._total += self._size(value)
            while self._total > self._most:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: _Key) -> None:
        if key in self._kept:
            self._total -= self._size(self._kept.pop(key)[1])
