"""Blocking work in threads: its results, its limit, and its end."""

from __future__ import annotations

import asyncio
import errno
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import seq_exporter
from seq_exporter.threads import DaemonThreads, NoThread

# An upper bound for waits that would never end; no test takes as long.
HUNG = 60


class Jobs:
    """Jobs that wait for `let_go`; they report when they start, and how many run at once."""

    def __init__(self) -> None:
        self.started: queue.Queue[int] = queue.Queue()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._go = threading.Semaphore(0)

    def make(self, number: int) -> Callable[[], int]:
        def job() -> int:
            with self._lock:
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
            self.started.put(number)
            assert self._go.acquire(timeout=HUNG)
            with self._lock:
                self._at_once -= 1
            return number

        return job

    async def next_started(self) -> int:
        return await asyncio.to_thread(self.started.get, timeout=HUNG)

    def let_go(self, count: int = 1) -> None:
        self._go.release(count)


async def let_tasks_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_the_result_of_the_function_is_returned() -> None:
    async def run() -> Any:
        return await DaemonThreads(1).run(lambda: {"a": 1})

    assert asyncio.run(run()) == {"a": 1}


def test_none_is_a_result() -> None:
    async def run() -> Any:
        return await DaemonThreads(1).run(lambda: None)

    assert asyncio.run(run()) is None


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3)])
def test_the_error_of_the_function_is_raised(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        asyncio.run(DaemonThreads(1).run(fail))
    assert caught.value is error


@pytest.fixture
def no_threads() -> Iterator[None]:
    """Let no thread start: the system has no room for its stack."""
    before = threading.stack_size(1 << 46)
    yield
    threading.stack_size(before)


@pytest.mark.usefixtures("no_threads")
def test_without_a_thread_the_error_says_so() -> None:
    with pytest.raises(NoThread) as caught:
        asyncio.run(DaemonThreads(1).run(lambda: None))
    assert (caught.value.errno, caught.value.strerror) == (errno.EAGAIN, "no thread can be started")


def test_a_runtime_error_of_the_function_is_not_taken_for_a_missing_thread() -> None:
    def fail() -> None:
        raise RuntimeError("can't start new thread")

    with pytest.raises(RuntimeError):
        asyncio.run(DaemonThreads(1).run(fail))


def test_the_function_runs_in_a_daemon_thread_of_its_own() -> None:
    async def run() -> list[threading.Thread]:
        threads = DaemonThreads(1)
        return [await threads.run(threading.current_thread) for _ in range(2)]

    first, second = asyncio.run(run())
    assert first.daemon
    assert second.daemon
    assert len({first, second, threading.current_thread()}) == 3


def test_no_more_than_the_limit_run_at_once() -> None:
    jobs = Jobs()

    async def run() -> list[int]:
        threads = DaemonThreads(2)
        tasks = [asyncio.create_task(threads.run(jobs.make(number))) for number in range(5)]
        assert {await jobs.next_started(), await jobs.next_started()} == {0, 1}
        await let_tasks_run()
        assert jobs.started.empty()
        jobs.let_go()
        assert await jobs.next_started() == 2
        jobs.let_go(4)
        return await asyncio.gather(*tasks)

    assert asyncio.run(run()) == [0, 1, 2, 3, 4]
    assert jobs.most_at_once == 2


def test_a_failure_makes_room_for_the_next() -> None:
    async def run() -> list[Any]:
        threads = DaemonThreads(1)
        work = [lambda: 1 // 0, lambda: 2]
        return await asyncio.gather(*map(threads.run, work), return_exceptions=True)

    failure, result = asyncio.run(run())
    assert isinstance(failure, ZeroDivisionError)
    assert result == 2


def test_the_result_of_cancelled_work_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    jobs = Jobs()

    async def run() -> int:
        threads = DaemonThreads(1)
        cancelled = asyncio.create_task(threads.run(jobs.make(0)))
        await jobs.next_started()
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        # Its thread continues, and delays no other work.
        following = asyncio.create_task(threads.run(jobs.make(1)))
        assert await jobs.next_started() == 1
        jobs.let_go(2)
        return await following

    assert asyncio.run(run()) == 1
    assert caplog.records == []


def test_work_that_is_cancelled_before_its_turn_never_runs() -> None:
    jobs = Jobs()

    async def run() -> int:
        threads = DaemonThreads(1)
        first = asyncio.create_task(threads.run(jobs.make(0)))
        waiting = asyncio.create_task(threads.run(jobs.make(1)))
        assert await jobs.next_started() == 0
        waiting.cancel()
        jobs.let_go(2)
        await first
        return await threads.run(jobs.make(2))

    assert asyncio.run(run()) == 2
    assert jobs.started.get() == 2
    assert jobs.started.empty()


def test_work_may_end_after_the_loop() -> None:
    go, workers = threading.Event(), queue.Queue[threading.Thread]()

    def work() -> None:
        workers.put(threading.current_thread())
        go.wait(HUNG)

    async def run() -> threading.Thread:
        task = asyncio.create_task(DaemonThreads(1).run(work))
        worker = await asyncio.to_thread(workers.get, timeout=HUNG)
        task.cancel()
        return worker

    worker = asyncio.run(run())
    go.set()
    worker.join(HUNG)  # pytest fails this test if the thread raises
    assert not worker.is_alive()


def test_work_that_hangs_does_not_keep_the_process_alive() -> None:
    script = """
import asyncio, threading
from seq_exporter.threads import DaemonThreads

started = threading.Event()

def hang():
    started.set()
    threading.Event().wait()

async def main():
    task = asyncio.create_task(DaemonThreads(1).run(hang))
    await asyncio.to_thread(started.wait)
    task.cancel()

asyncio.run(main())
print("the end")
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(seq_exporter.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=HUNG,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "the end\n", "")
