"""Blocking work in threads: its results, its limit, and its end."""

from __future__ import annotations

import asyncio
import errno
import os
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.threads import DaemonThreads, NoThread, call_within, read_file
from tests.support import ROOT

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


def test_functions_run_in_a_daemon_thread_one_after_the_other() -> None:
    async def run() -> list[threading.Thread]:
        threads = DaemonThreads(2)
        return [await threads.run(threading.current_thread) for _ in range(3)]

    first, *others = asyncio.run(run())
    assert first.daemon
    assert first is not threading.current_thread()
    assert others == [first, first]
    first.join(HUNG)  # it ends with the DaemonThreads that started it
    assert not first.is_alive()


def test_a_thread_keeps_no_result() -> None:
    class Result:
        pass

    async def run() -> None:
        threads = DaemonThreads(1)
        result = await threads.run(Result)
        kept = weakref.ref(result)
        del result
        while kept():  # until the thread has got so far
            await asyncio.sleep(0)

    asyncio.run(run())


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
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HUNG,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "the end\n", "")


@pytest.fixture
def hang() -> Iterator[Callable[[], None]]:
    """Return a function that hangs until the test ends."""
    is_over = threading.Event()
    before = set(threading.enumerate())
    yield lambda: assert_over(is_over)
    is_over.set()
    for thread in set(threading.enumerate()) - before:  # else they would count in the next test
        thread.join(HUNG)


def assert_over(is_over: threading.Event) -> None:
    assert is_over.wait(HUNG)


def test_a_call_within_its_time_has_its_result_or_error() -> None:
    assert call_within(HUNG, lambda: 5, "five") == 5
    for error in (ValueError("odd"), TimeoutError("its own"), SystemExit(3)):
        with pytest.raises(type(error)) as caught:
            call_within(HUNG, lambda error=error: raise_it(error), "fails")  # type: ignore[misc]
        assert caught.value is error


def raise_it(error: BaseException) -> None:
    raise error


def test_a_call_that_hangs_is_given_up(hang: Callable[[], None]) -> None:
    with pytest.raises(TimeoutError) as caught:
        call_within(0.01, hang, "hangs once")
    assert (caught.value.errno, caught.value.strerror) == (
        errno.ETIMEDOUT,
        "no answer within 0.01 s",
    )


def test_trying_again_for_long_costs_few_threads(hang: Callable[[], None]) -> None:
    messages = set()
    before = set(threading.enumerate())
    deadline = time.monotonic() + 0.2
    while time.monotonic() < deadline:
        with pytest.raises(TimeoutError) as caught:
            call_within(0.01, hang, "hangs for long")
        messages.add(caught.value.strerror)
    # At 0, 10, 30, 70 and 150 ms.
    assert len(set(threading.enumerate()) - before) <= 5
    assert messages == {"no answer within 0.01 s", "no answer yet to an earlier attempt"}


def test_a_call_that_hangs_delays_no_other(hang: Callable[[], None]) -> None:
    with pytest.raises(TimeoutError):
        call_within(0.01, hang, "hangs apart")
    assert call_within(HUNG, lambda: 5, "another") == 5


def test_once_the_cause_is_gone_a_call_succeeds(hang: Callable[[], None]) -> None:
    for _ in range(2):
        with pytest.raises(TimeoutError):
            call_within(0.01, hang, "recovers")
    deadline = time.monotonic() + HUNG
    while True:  # although both threads still hang
        try:
            assert call_within(0.01, lambda: 5, "recovers") == 5
            break
        except TimeoutError:
            assert time.monotonic() < deadline


def test_the_number_of_threads_that_hang_has_an_end(hang: Callable[[], None]) -> None:
    reasons = []
    before = set(threading.enumerate())  # other tests' idle threads among them
    for number in range(40):
        with pytest.raises(TimeoutError) as caught:
            call_within(0.001, hang, f"hangs {number}")
        reasons.append(caught.value.strerror)
    assert reasons[-1] == "32 other reads hang"
    assert len(set(threading.enumerate()) - before) <= 32


@pytest.mark.usefixtures("no_threads")
def test_a_call_without_a_thread() -> None:
    with pytest.raises(NoThread):
        call_within(HUNG, lambda: 5, "five")


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\r\n\0\xff")
    assert read_file(tmp_path / "file") == b"\r\n\0\xff"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "No such file or directory"),
        ("", "Is a directory"),
        ("/dev/zero", "larger than 32,768 KiB"),
        ("pipe", "no answer within 0.01 s"),
    ],
)
def test_what_cannot_be_read_is_an_os_error(tmp_path: Path, name: str, reason: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=reason) as caught:
        read_file(tmp_path / name, 0.01 if name == "pipe" else HUNG)
    assert caught.value.strerror == reason


def test_a_file_in_the_place_of_one_that_hangs_is_read_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            read_file(tmp_path / "file", 0.05)
    for thread in threading.enumerate():
        if thread.name.startswith("stat "):  # slow on a busy machine, and would be waited for
            thread.join(HUNG)
    (tmp_path / "new").write_text("key")
    (tmp_path / "new").rename(tmp_path / "file")
    assert read_file(tmp_path / "file", HUNG) == b"key"


def test_a_pipe_is_a_file_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("key",))
    writer.start()
    assert read_file(tmp_path / "pipe", HUNG) == b"key"
    writer.join()
