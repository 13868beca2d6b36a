"""What a process that serves sets for itself."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import platform
import signal
import socket
import sys
from collections.abc import Iterator, Sequence

import pytest

from seq_exporter.config.model import Config
from seq_exporter.serve.process import run_exporter
from seq_exporter.web.server.server import Server
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings

DEFAULT_THRESHOLDS = gc.get_threshold()


MEBIBYTE = 2**20


class Allocated(ctypes.Structure):
    """What glibc's mallinfo2 returns, up to the bytes that are mapped for single blocks."""

    _fields_ = [
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks")),
        ("mapped_bytes", ctypes.c_size_t),
        ("others", ctypes.c_size_t * 5),
    ]


class LookingServer(Server):
    """Looks at the memory while the exporter runs, then stops the process."""

    def __init__(self) -> None:
        self.frozen = 0
        self.is_collected = False
        self.thresholds = DEFAULT_THRESHOLDS
        self.mapped_bytes = 0

    async def serve(self, sockets: Sequence[socket.socket] | None = None) -> None:
        self.is_collected = gc.isenabled()
        self.frozen, self.thresholds = gc.get_freeze_count(), gc.get_threshold()
        if platform.libc_ver()[0] == "glibc":
            self.mapped_bytes = map_a_block_after_a_larger_one()
        os.kill(os.getpid(), signal.SIGTERM)


def map_a_block_after_a_larger_one() -> int:
    """Return how many bytes more are mapped for a block of 30 MiB, after one of 31 MiB is freed.

    No test leaves a gap of that size in the heap, which would be used first.
    """
    allocated = ctypes.CDLL(None).mallinfo2
    allocated.restype = Allocated
    bytes(31 * MEBIBYTE)
    before = allocated().mapped_bytes
    block = bytes(30 * MEBIBYTE)
    return int(allocated().mapped_bytes - before) if block else 0


@pytest.fixture
def server() -> Iterator[LookingServer]:
    """Run the exporter beside a server that looks, and undo what it set for the process."""
    switch_seconds, mask = sys.getswitchinterval(), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    server, settings = LookingServer(), ReloadableSettings(WebSettings)
    config = Config(())
    gc.disable()  # as the command does while it imports
    asyncio.run(run_exporter(config, lambda: config, [], settings, also=[(server, [])]))
    yield server
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*DEFAULT_THRESHOLDS)
    sys.setswitchinterval(switch_seconds)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_garbage_collection_skips_what_is_imported(server: LookingServer) -> None:
    assert server.frozen > len(sys.modules)


def test_garbage_is_collected_again(server: LookingServer) -> None:
    assert server.is_collected


def test_full_garbage_collections_are_rare(server: LookingServer) -> None:
    assert server.thresholds[:2] == DEFAULT_THRESHOLDS[:2]
    assert server.thresholds[2] > DEFAULT_THRESHOLDS[2]


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have no such limit"
)
def test_freed_blocks_go_back_to_the_system(server: LookingServer) -> None:
    assert server.mapped_bytes >= 30 * MEBIBYTE
