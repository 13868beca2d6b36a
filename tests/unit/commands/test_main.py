"""Wrong use of the command line: exit status 2, and a message that names the mistake."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from seq_exporter.commands.main import commands, main
from seq_exporter.errors import ConfigError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sevre"], "No such command 'sevre'"),
        (["help", "sevre"], "No such command 'sevre'. Did you mean"),
        (["serve", "--config.flie=x"], "No such option"),
        (["serve", "--log.level=loud"], "Invalid value for '--log.level'"),
        (["serve", "now"], "Got unexpected extra argument"),
        (["serve", "--shard=3/2"], "'3/2' is not a shard: write I/N with I from 0 to N - 1"),
        (["serve", "--shard=0/0"], "'0/0' is not a shard"),
        (["serve", "--shard=a/b"], "'a/b' is not a shard"),
        (["simulate", "--today=yesterday"], "'yesterday' is not a date: use YYYY-MM-DD"),
        (["simulate", "--delay=soon"], "must be a duration such as 90s"),
        (["simulate", "--seed=x"], "'x' is not a whole number"),
        (["simulate", "--accounts=0"], "'0' is not a whole number from 1 to 1000"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(commands, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "address"),
    [(["simulate", "--listen=here"], "here"), (["demo", "--web.listen-address=:x"], ":x")],
)
def test_a_wrong_address_is_a_mistake_of_the_user(arguments: list[str], address: str) -> None:
    error = CliRunner().invoke(commands, arguments).exception
    assert isinstance(error, ConfigError)
    assert str(error).startswith(f"'{address}' is not an address to listen on")


# A text that is colourful, and that a terminal shows backwards.
EVIL, SHOWN = "x\x1b[31m\u202e", r"x\x1b[31m\u202e"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--EVIL"], "No such option '--SHOWN'."),
        (["EVIL"], "No such command 'SHOWN'."),
        (["scores", "EVIL"], "Got unexpected extra argument (SHOWN)"),
        (
            ["scores", "--date=EVIL"],
            "Invalid value for '--date' (env var: 'SEQ_EXPORTER_DATE'): "
            "'SHOWN' is not a date: use YYYY-MM-DD",
        ),
    ],
)
def test_what_a_message_quotes_cannot_command_the_terminal(
    arguments: list[str], message: str
) -> None:
    result = CliRunner().invoke(commands, [each.replace("EVIL", EVIL) for each in arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"\n\nError: {message.replace('SHOWN', SHOWN)}\n")


def test_nor_can_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["seq-exporter", "check", f"--config.file=/{EVIL}"])
    with pytest.raises(SystemExit):
        main()
    first, *more = capsys.readouterr().err.splitlines()
    assert first == f"seq-exporter: no configuration file: looked for /{SHOWN}"
    assert len(more) == 2


def test_without_arguments_the_help_is_printed() -> None:
    result = CliRunner().invoke(commands, [])
    assert result.exit_code == 2
    assert "\nCommands:\n" in result.output
    assert "Error" not in result.output


@pytest.mark.parametrize("words", [["help"], ["help", "explain"], ["version"]])
def test_the_words_of_other_programs(words: list[str]) -> None:
    flag = ["--version"] if words == ["version"] else [*words[1:], "--help"]
    said, expected = (CliRunner().invoke(commands, each) for each in (words, flag))
    assert (said.exit_code, said.output) == (0, expected.output)
