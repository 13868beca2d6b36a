"""The results of measurements: figures by name, in seconds, bytes and counts."""

from __future__ import annotations

Figures = dict[str, float]
