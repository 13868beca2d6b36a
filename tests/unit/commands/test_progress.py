"""The progress of long work, as it is printed to a file and drawn on a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import TextIO

import pytest

from seq_exporter.commands.progress import showing, showing_bar
from tests.support import GIVE_UP_SECONDS, FakeTime


def test_elsewhere_a_line_is_printed_every_ten_seconds_and_at_the_end(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Asking SendGrid", 90, "days", stream, time.clock) as advance:
        for number in range(1, 91):
            time.seconds += 0.4
            advance(1, f"acme {number}")
    assert stream.getvalue().splitlines() == [
        "Asking SendGrid: 25 of 90 days, 26 s left; acme 25",
        "Asking SendGrid: 50 of 90 days, 16 s left; acme 50",
        "Asking SendGrid: 75 of 90 days, 6 s left; acme 75",
        "Asking SendGrid: 90 of 90 days, 0 s left; acme 90",
    ]


def test_a_pause_is_printed_at_once(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Sending", 90, "samples", stream, time.clock) as advance:
        advance(0, "pausing 4 s: no connection to http://localhost:9/")
        assert stream.getvalue() == (
            "Sending: 0 of 90 samples; pausing 4 s: no connection to http://localhost:9/\n"
        )


def test_a_text_cannot_command_the_terminal(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Sending", 90, "samples", stream, time.clock) as advance:
        advance(0, "pausing 4 s: 429 (\x1b[2J\u202e)\nforged")
        assert stream.getvalue() == (
            "Sending: 0 of 90 samples; pausing 4 s: 429 (\\x1b[2J\\u202e)\\nforged\n"
        )


def test_no_time_is_estimated_before_the_first_step(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Asking SendGrid", 90, "days", stream, time.clock) as advance:
        advance(0, "acme 2026-11-01, page 1")
        time.seconds += 10
        advance(0, "acme 2026-11-01, page 2")
        time.seconds += 10
        advance(1, "acme 2026-11-01")
    assert stream.getvalue().splitlines() == [
        "Asking SendGrid: 0 of 90 days; acme 2026-11-01, page 2",
        "Asking SendGrid: 1 of 90 days, 1780 s left; acme 2026-11-01",
        "Asking SendGrid: 90 of 90 days, 0 s left; done",  # 90 was an estimate
    ]


def test_the_end_is_printed_once_and_is_never_more_than_the_total(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Writing", 100, "samples", stream, time.clock) as advance:
        for _ in range(5):  # an estimate that was too low
            advance(40, "scores-2026-11-01.om")
    assert stream.getvalue().splitlines() == [
        "Writing: 100 of 100 samples, 0 s left; scores-2026-11-01.om"
    ]


def test_without_work_nothing_is_printed(time: FakeTime) -> None:
    stream = io.StringIO()
    with showing("Writing", 0, "samples", stream, time.clock) as advance:
        advance(0, "")
    assert stream.getvalue() == ""


def test_an_error_passes_through(time: FakeTime) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        showing("Writing", 9, "samples", io.StringIO(), time.clock),
    ):
        raise KeyboardInterrupt


class Terminal:
    """A terminal of so many columns, and everything that was drawn on it."""

    def __init__(self, stream: TextIO, leader: int) -> None:
        self.stream = stream
        self.drawn = ""
        self._leader = leader

    def lines(self) -> list[str]:
        """Return each line that was drawn over another, without colours and the like."""
        with suppress(BlockingIOError):
            while True:
                self.drawn += os.read(self._leader, 65536).decode()
        return re.split(r"[\r\n]+", re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", self.drawn))

    def wait_for(self, text: str) -> str:
        """Return the first line with `text`; the bar is drawn ten times a second."""
        deadline = monotonic() + GIVE_UP_SECONDS
        while monotonic() < deadline:
            for line in self.lines():
                if text in line:
                    return line.rstrip()
            sleep(0.02)
        raise AssertionError(f"{text!r} is not in the last of {self.lines()[-3:]}")


@contextmanager
def terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    # Rich asks for the size of the terminal of standard error, which is not this one.
    monkeypatch.setenv("COLUMNS", str(columns))
    leader, follower = pty.openpty()
    os.set_blocking(leader, False)
    try:
        with open(follower, "w", encoding="utf-8") as stream:
            yield Terminal(stream, leader)
    finally:
        os.close(leader)


@pytest.mark.parametrize("columns", [pytest.param(80, id="80"), pytest.param(60, id="60")])
@pytest.mark.parametrize(
    "total", [pytest.param(90, id="days"), pytest.param(9 * 10**8, id="samples")]
)
def test_no_line_is_wider_than_the_terminal(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch, columns: int, total: int
) -> None:
    with terminal(columns, monkeypatch) as screen:
        with showing("Asking SendGrid", total, "days", screen.stream, time.clock) as advance:
            advance(total // 90, "acme 2026-11-01, " + "x" * 200)
            screen.wait_for("2026-11-01, xx")
            advance(total // 90, "[red]acme[/red]")  # of a name, and no colour
            screen.wait_for("[red]ac")
        screen.wait_for("100%")
        assert max(map(len, screen.lines())) <= columns


def test_on_a_terminal_there_is_a_bar_with_percent_and_time_left(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal(80, monkeypatch) as screen:
        with showing("Asking SendGrid", 90, "days", screen.stream, time.clock) as advance:
            for number in range(45):
                advance(1, f"acme 2026-11-{number:02}")
            half = screen.wait_for("2026-11-44")
            assert re.fullmatch(
                r"Asking SendGrid ━{5}\S*━* +50% (0:\d\d:\d\d|-:--:--) acme 2026-11-44", half
            )
            advance(0, "pausing 60 s as SendGrid asks: acme")
            screen.wait_for("pausing 60 s as SendGrid asks")
        assert re.fullmatch(r"Asking SendGrid ━{10} 100% 0:00:00 done", screen.wait_for("done"))
        assert screen.lines()[-1].strip() == ""  # the output after it has a line of its own


def test_a_terminal_without_a_cursor_gets_lines(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal(80, monkeypatch) as screen:
        monkeypatch.setenv("TERM", "dumb")
        with showing("Asking SendGrid", 90, "days", screen.stream, time.clock) as advance:
            advance(90, "acme")
        assert screen.wait_for("acme") == "Asking SendGrid: 90 of 90 days, 0 s left; acme"


def test_a_transient_bar_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(80, monkeypatch) as screen:
        with showing_bar("Asking SendGrid", 3, screen.stream, transient=True) as advance:
            advance(3, "acme")
        screen.wait_for("acme")
        assert screen.drawn.endswith("\x1b[2K")  # the line is erased


def test_a_bar_alone_prints_nothing_elsewhere() -> None:
    stream = io.StringIO()
    with showing_bar("Asking SendGrid", 3, stream) as advance:
        advance(3, "acme")
    assert stream.getvalue() == ""
