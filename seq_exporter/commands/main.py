"""The command line as a whole. Exit status: 0 done, 1 failed, 2 wrong use or configuration."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import platform
import sys
from collections.abc import Iterator
from typing import Any

import click

from seq_exporter import __version__
from seq_exporter.commands.messages import print_error
from seq_exporter.errors import ConfigError, SeqExporterError
from seq_exporter.escapes import show_lines
from seq_exporter.serve.signals import release_signals

_WRITE_ERRORS = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)


def main() -> None:
    """Run the command line; print the program's own errors as one message, and exit."""
    if "_SEQ_EXPORTER_COMPLETE" in os.environ:
        release_signals()  # Ctrl-C ends a press of Tab, too
    try:
        commands(prog_name="seq-exporter")
    except SeqExporterError as err:
        print_error(str(err))
        sys.exit(2 if isinstance(err, ConfigError) else 1)
    except OSError as err:
        # Of these, only a write to standard output comes without the name of a file.
        is_output = err.filename is None and err.errno in _WRITE_ERRORS
        what = f"cannot write to standard output: {err.strerror}" if is_output else str(err)
        print_error(what)
        # Python would flush the rest of the buffer at exit, and fail with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


# The mark keeps click from reflowing the lines.
_EPILOG = """\b
Try it without a key:  seq-exporter demo
Run it with your key:  seq-exporter check && seq-exporter serve
Complete in bash:      eval "$(_SEQ_EXPORTER_COMPLETE=bash_source seq-exporter)"

Each flag, but for those of `simulate`, can also be set by an environment
variable: `seq-exporter COMMAND --help` shows its name. Exit status: 0 done,
1 failed, 2 wrong use or a wrong configuration.
"""


_VERSION = f"seq-exporter {__version__} (python {platform.python_version()})"

# Each has a folder: `command.py` holds the object of its name, and imports only what flags need.
_COMMANDS = ("serve", "demo", "simulate", "backfill", "check", "scores", "explain")

# These take the signals themselves, when they are ready to: SIGHUP must not end them before.
_SERVERS = ("serve", "demo", "simulate")


@contextlib.contextmanager
def _showing_mistakes() -> Iterator[None]:
    """Let click's messages about wrong flags show what they quote as `show` does."""
    try:
        yield
    except click.UsageError as err:
        message = err.format_message()
        if show_lines(message) == message:
            raise
        raise click.UsageError(show_lines(message), err.ctx) from None


class _Commands(click.Group):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command when it is needed: the others would take memory as long as it runs."""
        if cmd_name not in _COMMANDS:
            return self.commands.get(cmd_name)
        module = importlib.import_module(f"seq_exporter.commands.{cmd_name}.command")
        command: click.Command = getattr(module, cmd_name)
        return command

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the flags before the command's name."""
        with _showing_mistakes():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Ctrl-C ends it with one line, where click would print two."""
        try:
            with _showing_mistakes():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            # On a terminal, the line would follow its ^C.
            newline = "\n" if sys.stderr.isatty() else ""
            click.echo(f"{newline}seq-exporter: stopped by Ctrl-C", err=True)
            raise click.exceptions.Exit(1) from None


@click.group(
    cls=_Commands,
    commands=[click.Command(name) for name in _COMMANDS],
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog=_EPILOG,
)
@click.version_option(__version__, message=_VERSION)
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Prometheus exporter for SendGrid Engagement Quality (SEQ) scores."""
    if ctx.invoked_subcommand not in _SERVERS:
        release_signals()


# What people type who are used to other programs.
@commands.command("help", hidden=True)
@click.argument("name", default="")
@click.pass_context
def show_help(ctx: click.Context, name: str) -> None:
    """Show what `--help` shows, of all commands or of one."""
    group = ctx.find_root()
    command = commands.resolve_command(group, [name])[1] if name else None
    context = click.Context(command, info_name=name, parent=group) if command else group
    click.echo(context.get_help())


@commands.command("version", hidden=True)
def show_version() -> None:
    """Show what `--version` shows."""
    click.echo(_VERSION)
