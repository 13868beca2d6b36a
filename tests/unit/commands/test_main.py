"""Wrong use of the command line: exit status 2, and a message that names the mistake."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from seq_exporter.commands.main import commands
from seq_exporter.errors import ConfigError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sevre"], "No such command 'sevre'"),
        (["serve", "--config.flie=x"], "No such option"),
        (["serve", "--log.level=loud"], "Invalid value for '--log.level'"),
        (["serve", "now"], "Got unexpected extra argument"),
        (["serve", "--shard=3/2"], "'3/2' is not a shard: write I/N with I from 0 to N - 1"),
        (["serve", "--shard=0/0"], "'0/0' is not a shard"),
        (["serve", "--shard=a/b"], "'a/b' is not a shard"),
        (["simulate", "--today=yesterday"], "Invalid value for '--today'"),
        (["simulate", "--delay=soon"], "must be a duration such as 90s"),
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
