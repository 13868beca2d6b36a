"""The script `seq-exporter`, and `python -m seq_exporter`."""

import signal
import sys

from seq_exporter.serve.signals import hold_signals


def main() -> None:
    """Run the command line, with the signals held while it is imported."""
    hold_signals()
    try:
        from seq_exporter.commands.main import main as run_command_line

        run_command_line()
    except KeyboardInterrupt:  # in the moment after the command has ended
        sys.exit(1)
    finally:
        # A Ctrl-C while Python ends would print a traceback; now it ends the process at once.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
