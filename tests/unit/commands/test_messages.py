"""What commands say to the person at the terminal."""

from __future__ import annotations

import pytest

from seq_exporter.commands.messages import telling_pauses
from tests.support import FakeTime


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, ""),
        (2.5, ""),  # the longest pause before another try
        (3.2, "acme: SendGrid asks to wait 3 s\n"),
        (59.6, "acme: SendGrid asks to wait 60 s\n"),
    ],
)
def test_a_long_pause_is_told_of(
    seconds: float, said: str, time: FakeTime, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.seconds
    telling_pauses("acme", time.sleep)(seconds)
    assert time.seconds == started + seconds
    assert capsys.readouterr() == ("", said)


def test_a_name_in_it_cannot_command_the_terminal(
    time: FakeTime, capsys: pytest.CaptureFixture[str]
) -> None:
    telling_pauses("a\x1b[2J", time.sleep)(9)
    assert capsys.readouterr().err == "a\\x1b[2J: SendGrid asks to wait 9 s\n"
