"""The processes that alerts are about, and what tells of them."""

from __future__ import annotations

from tests.processes import exporter, start

__all__ = ["exporter", "start"]
