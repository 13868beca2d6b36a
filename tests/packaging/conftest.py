"""Processes of the packages under test start and end as those of the tools do."""

from tests.tools.conftest import exporter, start

__all__ = ["exporter", "start"]
