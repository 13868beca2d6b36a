"""Processes that tests of this layer start."""

from __future__ import annotations

from tests.processes import exporter, simulator, start

__all__ = ["exporter", "simulator", "start"]
