"""The script `seq-exporter`, and `python -m seq_exporter`."""

import contextlib
import os
import signal
import sys
import threading
import warnings

from seq_exporter.serve.signals import hold_signals


def main() -> None:
    """Run the command line, with the signals held while it is imported."""
    hold_signals()
    _leave_out_charset_detection()
    try:
        from seq_exporter.commands.main import main as run_command_line

        run_command_line()
    except KeyboardInterrupt:  # in the moment after the command has ended
        sys.exit(1)
    except SystemExit as err:
        if threading.active_count() > 1 and isinstance(err.code, int | None):
            _exit_at_once(err.code or 0)
        raise
    finally:
        # A Ctrl-C while Python ends would print a traceback; now it ends the process at once.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _leave_out_charset_detection() -> None:
    """Keep requests from importing what guesses the encoding of a text: 3 MB of memory.

    Nothing here asks for a guess. requests works without it, and warns that it does.
    """
    for name in ("chardet", "charset_normalizer"):
        sys.modules[name] = None  # type: ignore[assignment]  # Python takes it as not installed
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")


def _exit_at_once(status: int) -> None:
    """End the process while a read that hangs still has a thread.

    When Python ends in its usual way, it unwinds such a thread the moment that it wakes, which can
    abort the process (SIGABRT, exit status -6): https://github.com/python/cpython/issues/87135.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None: closed before the start
        with contextlib.suppress(OSError, ValueError):  # closed since, or nobody reads it
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
