"""How far a long work is, as it is said to a file and drawn on a terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from seq_exporter.commands.progress import Report, showing
from tests.support import FakeTime


def test_elsewhere_a_line_is_said_every_ten_seconds_and_at_the_end(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Asking SendGrid", 90, "days", stream, time.clock) as report:
        for number in range(1, 91):
            time.seconds += 0.4
            report(1, f"acme {number}")
    assert stream.getvalue().splitlines() == [
        "Asking SendGrid: 25 of 90 days, 26 s left; acme 25",
        "Asking SendGrid: 50 of 90 days, 16 s left; acme 50",
        "Asking SendGrid: 75 of 90 days, 6 s left; acme 75",
        "Asking SendGrid: 90 of 90 days, 0 s left; acme 90",
    ]


def test_a_pause_is_told_at_once(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Sending", 90, "samples", stream, time.clock) as report:
        report(0, "pausing 4 s: no connection to http://localhost:9/")
        assert stream.getvalue() == (
            "Sending: 0 of 90 samples; pausing 4 s: no connection to http://localhost:9/\n"
        )


def test_nothing_is_foretold_from_nothing(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Asking SendGrid", 90, "days", stream, time.clock) as report:
        report(0, "acme 2026-11-01, page 1")
        time.seconds += 10
        report(0, "acme 2026-11-01, page 2")
        time.seconds += 10
        report(1, "acme 2026-11-01")
    assert stream.getvalue().splitlines() == [
        "Asking SendGrid: 0 of 90 days; acme 2026-11-01, page 2",
        "Asking SendGrid: 1 of 90 days, 1780 s left; acme 2026-11-01",
        "Asking SendGrid: 90 of 90 days, 0 s left; done",  # 90 was an estimate
    ]


def test_the_end_is_said_once_and_is_never_more_than_all(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Writing", 100, "samples", stream, time.clock) as report:
        for _ in range(5):  # an estimate that was too low
            report(40, "scores-2026-11-01.om")
    assert stream.getvalue().splitlines() == [
        "Writing: 100 of 100 samples, 0 s left; scores-2026-11-01.om"
    ]


def test_where_there_is_nothing_to_do_nothing_is_said(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Writing", 0, "samples", stream, time.clock) as report:
        report(0, "")
    assert stream.getvalue() == ""


def test_what_goes_wrong_passes_through(time: FakeTime) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        showing("Writing", 9, "samples", io.StringIO(), time.clock),
    ):
        raise KeyboardInterrupt


@contextmanager
def terminal(columns: int) -> Iterator[tuple[io.TextIOWrapper, Callable[[], str]]]:
    """Return a terminal, and what reads all that was drawn on it by now."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.set_blocking(leader, False)

    def read() -> str:
        drawn = bytearray()
        with suppress(BlockingIOError):
            while True:
                drawn += os.read(leader, 65536)
        return drawn.decode()

    try:
        with open(follower, "w", encoding="utf-8") as stream:
            yield stream, read
    finally:
        os.close(leader)


def lines_of(drawn: str) -> list[str]:
    """Return each line that was drawn over another, without the sequences that hide the cursor."""
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", drawn))


def draw(time: FakeTime, columns: int, work: Callable[[Report], None], total: int = 90) -> str:
    with terminal(columns) as (stream, read):
        with showing("Asking SendGrid", total, "days", stream, time.clock) as report:
            work(report)
        return read()


@pytest.mark.parametrize("columns", [pytest.param(80, id="80"), pytest.param(60, id="60")])
@pytest.mark.parametrize(
    "total", [pytest.param(90, id="days"), pytest.param(9 * 10**8, id="samples")]
)
def test_no_line_is_wider_than_the_terminal(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch, columns: int, total: int
) -> None:
    now = count(step=7200)  # days are left, to be told of too
    monkeypatch.setattr("time.time", lambda: next(now))  # click's

    def work(report: Report) -> None:
        for number in range(90):
            report(total // 90, f"acme-{'x' * number} 2026-11-01, page {number}")

    lines = lines_of(draw(time, columns, work, total))
    assert len(lines) > 90
    assert max(map(len, lines)) <= columns


def test_on_a_terminal_there_is_a_bar_with_percent_and_time_left(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = count()
    monkeypatch.setattr("time.time", lambda: next(now))  # click's

    def work(report: Report) -> None:
        for number in range(45):
            report(1, f"acme 2026-11-{number:02}")

    *_, half, last, end = lines_of(draw(time, 80, work))
    assert end == ""  # what follows has a line of its own
    assert last.rstrip() == "Asking SendGrid  [##########]  100%  done"
    assert re.fullmatch(
        r"Asking SendGrid  \[#{5}-{5}\]   50%  00:0\d:\d\d  acme 2026-11-44", half.rstrip()
    )


def test_a_word_without_a_step_is_seen_at_once(time: FakeTime) -> None:
    with (
        terminal(80) as (stream, read),
        showing("Asking SendGrid", 90, "days", stream, time.clock) as report,
    ):
        report(1, "acme 2026-11-01")
        read()
        report(0, "pausing 60 s as SendGrid asks: acme")
        assert "pausing 60 s as SendGrid asks" in read()


def test_a_terminal_of_unknown_width_gets_a_bar_too(time: FakeTime) -> None:
    lines = lines_of(draw(time, 0, lambda report: report(45, "x" * 100)))
    assert max(map(len, lines)) <= 80
    assert any("50%" in line and "xxx" in line for line in lines)
