r"""The page's text, in the macros of man(7).

.TP
.BI \-\-config.file= FILE
The accounts to poll, and when.
Default: config.yaml.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click

from man.sections import DESCRIPTION, SECTIONS, Section
from seq_exporter import __version__
from seq_exporter.commands.main import commands

#: Where the page is committed; the wheel takes it from there to the environment's share/man.
FILE = Path(__file__).parent / "seq-exporter.1"

# In a help text, the default that its option cannot tell.
_DEFAULT = re.compile(r"\s+\[default: (.*)\]$")
_CODE = re.compile(r"`([^`]+)`")
_FLAG = re.compile(r"(?<![\w-])--[\w.-]*\w")
_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z`])")


def make_page(day: date) -> str:
    """Return the whole page; `day` is that of its last change."""
    return "\n".join([*_begin(day), *_describe_commands(), *_list_sections()]) + "\n"


def read_day(page: str) -> date:
    """Return the day of the last change of a page."""
    found = re.search(r"^\.TH \S+ 1 (\S+)", page, re.MULTILINE)
    return date.fromisoformat(found[1]) if found else date.min


def _begin(day: date) -> Iterator[str]:
    yield r".\" Made from the command line's own help: make man"
    yield f'.TH SEQ\\-EXPORTER 1 {day} "seq\\-exporter {__version__}" "User Commands"'
    # Names of variables and flags are found by a search only if they are not divided.
    yield from (".nh", ".ad l")
    about = inspect.cleandoc(commands.help or "").removesuffix(".")
    yield from (".SH NAME", *_wrap(rf"seq\-exporter \- {_escape(about)}"))
    yield from (".SH SYNOPSIS", r".B seq\-exporter", ".I COMMAND", ".RI [ FLAGS ]")
    yield from (".br", r".B seq\-exporter \-\-version")
    yield from (".br", r".BI seq\-exporter\~ COMMAND \~\-\-help")
    yield from _fill(DESCRIPTION)


def _describe_commands() -> Iterator[str]:
    yield ".SH COMMANDS"
    context = click.Context(commands, info_name="seq-exporter", **commands.context_settings)
    for name in commands.commands:
        command = commands.get_command(context, name)
        if command and not command.hidden:
            yield from _describe(command, click.Context(command, context, name))


def _describe(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f".SS {_escape(context.info_name or '')}"
    yield rf".B {_escape(context.command_path)}"
    for piece in command.collect_usage_pieces(context):
        yield f".RI [ {piece.strip('[]')} ]"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield from (".PP", *_format(paragraph))
    for option in command.params:
        if isinstance(option, click.Option):
            yield from _describe_option(option, context)


def _describe_option(option: click.Option, context: click.Context) -> Iterator[str]:
    flags = ", ".join(map(_escape, option.opts))
    value = "" if option.is_flag else option.make_metavar(context)
    yield ".TP"
    yield f'.BI {flags}= "{_escape(value)}"' if value else f".B {flags}"
    text, default, _ = [*_DEFAULT.split(option.help or ""), "", ""][:3]
    yield from _format(text)
    extra = option.get_help_extra(context)
    if default := extra.get("default", default):
        yield from _format(f"Default: {default}.")
    if "required" in extra:
        yield "Required."
    if variables := extra.get("envvars"):
        yield from (".br", f"Environment: {', '.join(variables)}")


def _list_sections() -> Iterator[str]:
    for section in SECTIONS:
        yield from _fill(section)


def _fill(section: Section) -> Iterator[str]:
    yield f".SH {section.heading}"
    if section.text:
        yield from _format(section.text)
    for term, text in section.terms:
        yield from (".TP", f".B {_escape(term)}", *_format(text))
    for text, lines in section.examples:
        yield from (".TP", *_format(text), ".EX", *map(_escape, lines), ".EE")


def _format(text: str) -> Iterator[str]:
    """Yield the lines of a text, each sentence on its own; code and flags are bold."""
    for sentence in _SENTENCE_END.split(" ".join(text.split())):
        marked = "".join(
            rf"\fB{_escape(part)}\fR" if number % 2 else _mark_flags(part)
            for number, part in enumerate(_CODE.split(sentence))
        )
        yield from _wrap(marked)


def _wrap(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, 80, break_on_hyphens=False, break_long_words=False):
        # What looks like a macro is none.
        yield rf"\&{line}" if line.startswith((".", "'")) else line


def _mark_flags(text: str) -> str:
    """Return text with its flags in bold. Other hyphens are hyphens."""
    text = text.replace("\\", r"\e")
    return _FLAG.sub(lambda found: rf"\fB{_escape(found[0])}\fR", text)


def _escape(text: str) -> str:
    """Return what is to be typed as it is: each `-` a minus, which can be copied and searched."""
    return text.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq")
