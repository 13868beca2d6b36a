"""Blocking work next to the event loop, in threads that do not keep the process alive."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


class NoThread(OSError):
    """No thread could be started: the limit of the process or of the system is reached.

    A class of its own: Python raises RuntimeError, which stands for many defects too.
    """

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "no thread can be started")


class DaemonThreads:
    """Runs blocking functions in at most `limit` threads at once, which end with the process.

    The interpreter waits for the threads of an executor when it exits: a poll that hangs in a slow
    response would keep the process alive after SIGTERM for as long as its time-out.
    """

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)

    async def run(self, function: Callable[[], _Result]) -> _Result:
        """Return what `function` returns, or raise what it raises.

        Raises NoThread. If this is cancelled, the thread continues, its result is dropped, and its
        place is free at once: work whose result is not awaited any more must not delay the next.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()

        def finish(result: _Result | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def work() -> None:
            result, error = None, None
            try:
                result = function()
            except BaseException as err:  # noqa: BLE001 - `await future` raises it
                error = err
            with contextlib.suppress(RuntimeError):  # the loop is closed by now
                loop.call_soon_threadsafe(finish, result, error)

        async with self._free:
            _start(threading.Thread(target=work, daemon=True))
            return await future


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError:
        raise NoThread from None
