"""The command line as a whole: wrong use is exit status 2 and a message."""

from __future__ import annotations

import sys

import pytest

from seq_exporter.commands.main import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulat"], "Error: No such command 'simulat'. Did you mean 'simulate'?"),
        (
            ["serve", "--web.lisen-address=:1"],
            "Error: No such option '--web.lisen-address'. Did you mean '--web.listen-address'?",
        ),
        (["--verison"], "Error: No such option '--verison'. Did you mean '--version'?"),
        (["serve", "--log.level=loud"], "Invalid value for '--log.level'"),
        (["serve", "now"], "Got unexpected extra argument"),
        (["serve", "--shard=3/2"], "'3/2' is no shard: write I/N with I from 0 to N - 1"),
        (["simulate", "--today=yesterday"], "Invalid value for '--today'"),
        (["simulate", "--delay=soon"], "must be a duration such as 90s"),
        (["simulate", "--listen=here"], "'here' is no address to listen on"),
        (["demo", "--web.listen-address=:x"], "':x' is no address to listen on"),
    ],
)
def test_wrong_use(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["seq-exporter", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, error = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert message in error
