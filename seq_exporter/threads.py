"""Blocking work in threads that do not keep the process alive, with bounds on number and time."""

from __future__ import annotations

import asyncio
import errno
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

_Result = TypeVar("_Result")

#: How long a file may take to be read. A local disk takes milliseconds.
READ_SECONDS = 10.0

# Larger files are no configuration, certificate or key: /dev/zero, or a log under a wrong name.
_MOST_BYTES = 32 * 1024 * 1024

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

# Threads that hang for good, together. Each costs little, but their number must have an end.
_MOST_HUNG = 32


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

    A thread that has done its work waits for more. To start one makes the event loop wait until it
    runs: with 16 busy ones, a tenth of a second.
    """

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)
        self._idle: list[_Worker] = []

    def __del__(self) -> None:
        for worker in self._idle:
            worker.end()

    async def run(self, function: Callable[[], _Result]) -> _Result:
        """Return what `function` returns, or raise what it raises.

        Raises NoThread. If this is cancelled, the thread continues, its result is dropped, and its
        place is free at once: work whose result is not awaited any more must not delay the next.
        """
        async with self._free:
            worker = self._idle.pop() if self._idle else _start_worker()
            work = _Work(function)
            worker.give(work)
            try:
                return await asyncio.wrap_future(work.future)
            finally:
                if work.future.done():
                    self._idle.append(worker)
                else:
                    worker.end()


def read_file(path: Path, seconds: float = READ_SECONDS, most_bytes: int = _MOST_BYTES) -> bytes:
    """Return the content of a file.

    Raises OSError if it cannot be read, has more than `most_bytes` (EFBIG), or takes longer than
    `seconds`, as on a network mount that hangs, or from a pipe into which nobody writes.
    """

    def read() -> bytes:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise OSError(errno.EFBIG, f"larger than {most_bytes // 1024:,} KiB")
        return content

    # First which file it is: while one hangs, another that takes its place is read at once.
    found = call_within(seconds, path.stat, f"stat {path}")
    return call_within(seconds, read, f"read {path} ({found.st_dev}, {found.st_ino})")


def call_within(seconds: float, function: Callable[[], _Result], name: str) -> _Result:
    """Return what `function` returns, or raise what it raises; wait at most `seconds` for it.

    Raises TimeoutError, whose `strerror` says how long was waited, or NoThread. What hangs in the
    operating system cannot be ended: its thread stays, and its result is dropped. While threads
    of this `name` hang, another is started only after twice the time, so that trying again for
    days costs a few threads, and succeeds soon after the cause is gone.
    """
    _refuse_while_hung(name)
    call = _Call(function, name, seconds)
    _start(call)
    try:
        return call.future.result(seconds)
    except TimeoutError:
        if call.future.done():  # at the last moment, or `function` raised it
            return call.future.result()
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:.15g} s") from None
    finally:
        call.is_given_up = not call.future.done()


class _Work(Generic[_Result]):
    """A function that a thread runs, and the future of its result."""

    def __init__(self, function: Callable[[], _Result]) -> None:
        self.future: Future[_Result] = Future()
        self.future.set_running_or_notify_cancel()  # who no longer waits for it cannot cancel it
        self._function = function

    def run(self) -> None:
        try:
            result = self._function()
        except BaseException as err:  # noqa: BLE001 - the one who waits raises it
            self.future.set_exception(err)
        else:
            self.future.set_result(result)


class _Worker(threading.Thread):
    """Does one work after the other, until it is to end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._given: SimpleQueue[_Work[Any] | None] = SimpleQueue()

    def give(self, work: _Work[Any]) -> None:
        self._given.put(work)

    def end(self) -> None:
        """End once all that was given is done."""
        self._given.put(None)

    def run(self) -> None:
        while work := self._given.get():
            work.run()
            del work  # it holds its result, which may be large


class _Call(threading.Thread, Generic[_Result]):
    """A call that somebody waits for, until it `is_given_up`."""

    def __init__(self, function: Callable[[], _Result], name: str, seconds: float) -> None:
        super().__init__(name=name, daemon=True)
        self.seconds = seconds
        self.started_at = time.monotonic()
        self.is_given_up = False
        self._work = _Work(function)

    @property
    def future(self) -> Future[_Result]:
        return self._work.future

    def run(self) -> None:
        self._work.run()


def _refuse_while_hung(name: str) -> None:
    # Asked of Python, which knows every thread that still runs: a list of our own would be state.
    hung = [each for each in threading.enumerate() if isinstance(each, _Call) and each.is_given_up]
    same = [each for each in hung if each.name == name]
    if same:
        first = min(same, key=lambda each: each.started_at)
        waited = time.monotonic() - first.started_at
        if waited < first.seconds * (2 ** len(same) - 1):
            # Without the time: a log that leaves out repeated messages would be full of them.
            raise TimeoutError(errno.ETIMEDOUT, "no answer yet to an earlier attempt")
    if len(hung) >= _MOST_HUNG:
        raise TimeoutError(errno.ETIMEDOUT, f"{len(hung)} other reads hang")


def _start_worker() -> _Worker:
    worker = _Worker()
    _start(worker)
    return worker


def _start(thread: threading.Thread) -> None:
    # A thread inherits which signals are blocked. These are the main thread's: while it holds them,
    # at the end of the process, no other may take them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        thread.start()
    except RuntimeError:
        raise NoThread from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
