"""What a process that serves sets for itself."""

from __future__ import annotations

import asyncio
import gc
import os
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


class LookingServer(Server):
    """Looks at the garbage collection while the exporter runs, then stops the process."""

    def __init__(self) -> None:
        self.frozen = 0
        self.is_collected = False
        self.thresholds = DEFAULT_THRESHOLDS

    async def serve(self, sockets: Sequence[socket.socket] | None = None) -> None:
        self.is_collected = gc.isenabled()
        self.frozen, self.thresholds = gc.get_freeze_count(), gc.get_threshold()
        os.kill(os.getpid(), signal.SIGTERM)


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
