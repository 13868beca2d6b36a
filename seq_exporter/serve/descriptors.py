"""The limit of open file descriptors."""

from __future__ import annotations

import contextlib
import resource


def raise_descriptor_limit() -> None:
    """Raise the soft limit of descriptors to the hard one, as every Go program does at its start.

    The soft one is low, often 1,024, for programs that call select(), which cannot handle more.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS refuses a limit that its kernel cannot give.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
