"""Blocking work beside the event loop, in threads that do not keep the process from ending."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


class DaemonThreads:
    """Runs blocking functions in at most `limit` threads at once, which die with the process.

    The threads of an executor are waited for when the interpreter ends: a poll that hangs in a
    slow answer would keep it alive after SIGTERM for as long as its time-out.
    """

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)

    async def run(self, function: Callable[[], _Result]) -> _Result:
        """Return what `function` returns, or raise what it raises.

        Raises RuntimeError if no thread can be started. If this is cancelled, the thread goes on,
        what comes of it is dropped, and its place is free at once: what nobody waits for any more
        must not hold up what comes after it.
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
            except BaseException as err:  # noqa: BLE001 - it is raised where it is waited for
                error = err
            with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(finish, result, error)

        async with self._free:
            threading.Thread(target=work, daemon=True).start()
            return await future
