"""Each signal at each moment of a process."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.processes import Start
from tests.tools.test_signals import (
    check_ctrl_c,
    check_end_by_signal,
    check_reload,
    check_stop,
    check_stop_while_it_reads,
)

# Seconds from the program's first instruction: while it imports, while it reads its files, and once
# it serves.
MOMENTS = (0, 0.05, 0.1, 0.2, 0.3, 0.7)


@pytest.mark.parametrize("seconds", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["serve", "demo", "simulate"])
def test_a_stop_at_any_moment_of_the_start_is_a_success(
    command: str, number: signal.Signals, seconds: float, exporter: Start, tmp_path: Path
) -> None:
    check_stop((command, number, seconds), exporter, tmp_path)


@pytest.mark.parametrize("seconds", MOMENTS)
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_reload_at_any_moment_of_the_start_ends_nothing(
    command: str, seconds: float, exporter: Start, tmp_path: Path
) -> None:
    check_reload(command, seconds, exporter, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["config.yaml", "key"])
def test_a_signal_stops_it_while_it_reads_its_first_configuration(
    name: str, number: signal.Signals, exporter: Start, tmp_path: Path
) -> None:
    check_stop_while_it_reads(name, number, exporter, tmp_path)


@pytest.mark.parametrize("seconds", [*MOMENTS, 1.5])
@pytest.mark.parametrize(
    "arguments", [["check"], ["scores"], ["check", "--offline"], ["scores", "--help"]]
)
def test_ctrl_c_at_any_moment_is_one_line_or_none(
    arguments: list[str], seconds: float, exporter: Start, tmp_path: Path
) -> None:
    check_ctrl_c(arguments, seconds, exporter, tmp_path)


@pytest.mark.parametrize("seconds", [0.2, 1.5])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_commands_end_by_these_signals_as_any_program(
    number: signal.Signals, seconds: float, exporter: Start, tmp_path: Path
) -> None:
    check_end_by_signal(number, seconds, exporter, tmp_path)
