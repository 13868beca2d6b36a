"""Log lines, written out."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.logs import LogFormatter
from tests.support import ROOT

MORNING = datetime(2026, 11, 1, 6, 15, 0, 123_999, tzinfo=UTC).timestamp()


def record(message: str = "poll failed", level: int = logging.WARNING, **more: Any) -> Any:
    """Return a record of MORNING with `more` as its extra."""
    return logging.makeLogRecord(
        {
            "name": "seq_exporter.serve.polling",
            "msg": message,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "created": MORNING,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("level", "word"),
    [
        (logging.DEBUG, "debug"),
        (logging.INFO, "info"),
        (logging.WARNING, "warn"),
        (logging.ERROR, "error"),
        (logging.CRITICAL, "critical"),
    ],
)
def test_a_line_has_its_time_its_level_and_its_message(level: int, word: str) -> None:
    made = record("stopped", level)
    assert LogFormatter("logfmt").format(made) == (
        f"time=2026-11-01T06:15:00.123Z level={word} msg=stopped"
    )
    assert LogFormatter("json").format(made) == (
        f'{{"time": "2026-11-01T06:15:00.123Z", "level": "{word}", "msg": "stopped"}}'
    )


def test_the_fields_of_extra_follow_in_their_order() -> None:
    made = record(reason="timeout", account="acme", seconds=1.5, attempt=2, cause=None)
    assert LogFormatter("logfmt").format(made) == (
        'time=2026-11-01T06:15:00.123Z level=warn msg="poll failed" '
        "reason=timeout account=acme seconds=1.5 attempt=2 cause=None"
    )
    assert LogFormatter("json").format(made) == (
        '{"time": "2026-11-01T06:15:00.123Z", "level": "warn", "msg": "poll failed", '
        '"reason": "timeout", "account": "acme", "seconds": 1.5, "attempt": 2, "cause": null}'
    )


def test_the_arguments_of_a_message_are_filled_in() -> None:
    made = record("%d of %s", args=(3, "acme"))
    assert LogFormatter("logfmt").format(made).endswith(' msg="3 of acme"')


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("shop-de", "shop-de"),
        ("https://a.example/v3", "https://a.example/v3"),
        ("a@b.example+1_2", "a@b.example+1_2"),
        ("", '""'),
        (" ", '" "'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('say "no"', r'"say \"no\""'),
        ("back\\slash", r'"back\\slash"'),
        ("two\nlines", r'"two\nlines"'),
        ("a\r\n\tb", r'"a\r\n\tb"'),
        ("trailing\n", r'"trailing\n"'),
        ("\x00\x1b[31m", r'"\u0000\u001b[31m"'),
        ("a\u2028b", r'"a\u2028b"'),
        ("a\x7fb\x9b31m", r'"a\u007fb\u009b31m"'),
        ("a\u200bb\u202ec", r'"a\u200bb\u202ec"'),
        ("müller", r'"m\u00fcller"'),
        ("🔑", r'"\ud83d\udd11"'),
        ("\ud800", r'"\ud800"'),
        (["a", 1], "\"['a', 1]\""),
        (Path("/etc/x"), "/etc/x"),
    ],
)
def test_any_value_is_one_value_on_one_line(value: object, written: str) -> None:
    assert LogFormatter("logfmt").format(record("m", key=value)) == (
        f"time=2026-11-01T06:15:00.123Z level=warn msg=m key={written}"
    )
    line = LogFormatter("json").format(record("m", key=value))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["key"] == (str(value) if isinstance(value, Path) else value)


def test_a_message_of_two_lines_is_one_line() -> None:
    assert LogFormatter("logfmt").format(record("a\nb")) == (
        r'time=2026-11-01T06:15:00.123Z level=warn msg="a\nb"'
    )


def test_an_exception_is_a_field_of_the_same_line() -> None:
    error = ValueError('not "this"\nnor that')
    made = record("defect", logging.ERROR, exc_info=(ValueError, error, None), account="acme")
    assert LogFormatter("logfmt").format(made) == (
        "time=2026-11-01T06:15:00.123Z level=error msg=defect account=acme "
        r'traceback="ValueError: not \"this\"\nnor that"'
    )
    assert LogFormatter("json").format(made) == (
        '{"time": "2026-11-01T06:15:00.123Z", "level": "error", "msg": "defect", '
        r'"account": "acme", "traceback": "ValueError: not \"this\"\nnor that"}'
    )


def test_a_traceback_names_the_place() -> None:
    try:
        dict[str, str]()["lost"]
    except KeyError:
        made = record(exc_info=sys.exc_info())
    traceback = json.loads(LogFormatter("json").format(made))["traceback"]
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert Path(__file__).name in traceback
    assert traceback.endswith("\nKeyError: 'lost'")


OTHERS = [
    f"level=error msg=4 from={library}"
    for library in ("uvicorn.error", "asyncio", "urllib3.connection")
]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (
            "debug",
            [
                "level=debug msg=1",
                "level=info msg=2",
                "level=warn msg=3",
                "level=error msg=4",
                *OTHERS,
            ],
        ),
        (
            "info",
            [
                "level=info msg=2",
                "level=warn msg=3",
                "level=error msg=4",
                *OTHERS,
            ],
        ),
        (
            "warn",
            [
                "level=warn msg=3",
                "level=error msg=4",
                *OTHERS,
            ],
        ),
        ("error", ["level=error msg=4", *OTHERS]),
    ],
)
def test_logs_of_a_level_and_above_go_to_standard_error(level: str, expected: list[str]) -> None:
    # In another process, because logging is configured for a whole process.
    script = f"""
import logging
from seq_exporter.logs import configure_logs

logging.basicConfig()  # a library that was first
configure_logs({level!r}, "logfmt")
log = logging.getLogger("seq_exporter.serve.polling")
for number, write in enumerate((log.debug, log.info, log.warning, log.error), 1):
    write("%d", number)
for name in ("uvicorn.error", "asyncio", "urllib3.connection"):
    log = logging.getLogger(name)
    for number, write in enumerate((log.debug, log.info, log.warning, log.error), 1):
        write("%d", number, extra={{"from": name}})
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.partition(" ")[2] for line in ended.stderr.splitlines()] == expected
    assert ended.stdout == ""
