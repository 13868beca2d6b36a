"""How property tests draw examples, what signals do, and what a run left out."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from tests.processes import DEBIAN_PACKAGES, MISSING_TOOL

# An example may take as long as it takes: on a busy machine, slow is not wrong.
settings.register_profile(
    "quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# The same examples each time: a change is judged by what it does, and not by luck.
settings.register_profile("repeatable", settings.get_profile("quick"), derandomize=True)
# On other releases of the dependencies: the same properties, which run in full on the usual ones.
settings.register_profile("brief", settings.get_profile("repeatable"), max_examples=10)
settings.register_profile("thorough", settings.get_profile("repeatable"), max_examples=200)
settings.load_profile("quick")

# A shell starts what runs in the background with SIGINT ignored, and nohup ignores SIGHUP. Every
# process started from there inherits that: no test could stop one. A handler is not inherited.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report in one line how many tests lacked a tool, and what installs it."""
    reasons = [report.longrepr[2] for report in terminalreporter.getreports("skipped")]
    missing = Counter(
        reason.partition(MISSING_TOOL)[2] for reason in reasons if MISSING_TOOL in reason
    )
    if missing:
        packages = sorted({DEBIAN_PACKAGES[tool] for tool in missing})
        terminalreporter.write_line(
            f"left out {missing.total()} tests: not installed: {', '.join(sorted(missing))}; "
            f"on Debian: apt install {' '.join(packages)}",
            yellow=True,
        )
