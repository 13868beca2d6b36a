"""The command `seq-exporter demo`: its flags."""

from __future__ import annotations

from collections.abc import Sequence

import click

from seq_exporter.commands.flags import listen_flag, log_flags


@click.command()
@listen_flag
@log_flags("warn")
def demo(web_listen_address: Sequence[str], log_level: str, log_format: str) -> None:
    """Serve a simulated fleet: no key, no network, no file.

    It has three accounts, each with 40 subusers and 90 days of history.
    """
    # Not imported with the flags: `--help` and a shell's completion need no server.
    from seq_exporter.commands.demo.run import run_demo

    run_demo(web_listen_address, log_level, log_format)
