"""The command `seq-exporter explain`: its flags."""

from __future__ import annotations

from collections.abc import Sequence

import click

from seq_exporter.commands.completion import complete_subusers
from seq_exporter.commands.flags import account_flag, config_flag
from seq_exporter.serve.signals import holding_signals


@click.command()
@config_flag
@account_flag("Only")
@click.argument("subuser", default="", shell_complete=complete_subusers)
def explain(config_file: str, names: Sequence[str], subuser: str) -> None:
    """Explain in plain words why the score of SUBUSER has changed.

    Shows a month of the score and of its metrics, when each fell, whether other subusers fell too,
    and what helps. Without SUBUSER, explains the account's own score.
    """
    # Not imported with the flags: `--help` and a shell's completion need neither SendGrid nor Rich.
    with holding_signals():
        from seq_exporter.commands.explain.run import run_explain

    run_explain(config_file, names, subuser)
