"""The manual page is current, and whole."""

from __future__ import annotations

import click
import pytest

from man.page import FILE, make_page, read_day
from seq_exporter.commands.main import commands

PAGE = FILE.read_text(encoding="utf-8")

SERVE = r"""
.SS serve
.B seq\-exporter serve
.RI [ OPTIONS ]
.PP
Poll SendGrid and serve the scores on /metrics.
.PP
SIGHUP reloads the configuration file; SIGTERM and SIGINT stop.
.TP
.BI \-\-config.file= "FILE"
The accounts to poll, and when.
Default: config.yaml.
.br
Environment: SEQ_EXPORTER_CONFIG_FILE
"""


def test_it_is_current() -> None:
    assert make_page(read_day(PAGE)) == PAGE, "run: make man"


def test_a_command_and_its_first_flag() -> None:
    assert SERVE in PAGE


def test_it_has_the_sections_that_people_look_for() -> None:
    headings = [line[4:] for line in PAGE.splitlines() if line.startswith(".SH ")]
    assert headings == [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ]


@pytest.mark.parametrize(
    "name", [name for name, command in commands.commands.items() if not command.hidden]
)
def test_every_flag_is_there(name: str) -> None:
    command = commands.get_command(click.Context(commands), name)
    assert command
    section = PAGE.split(f"\n.SS {name}\n")[1].partition("\n.S")[0].replace("\\-", "-")
    for option in command.params:
        if isinstance(option, click.Option):
            assert any(
                line.startswith((f".B {option.opts[0]}", f".BI {option.opts[0]}="))
                for line in section.splitlines()
            )


def test_no_line_of_a_text_is_taken_for_a_macro() -> None:
    macros = {".B", ".BI", ".EE", ".EX", ".I", ".PP", ".RI", ".SH", ".SS", ".TH", ".TP"}
    macros |= {".ad", ".br", ".nh", '.\\"'}
    assert {line.split()[0] for line in PAGE.splitlines() if line[0] in ".'"} == macros
