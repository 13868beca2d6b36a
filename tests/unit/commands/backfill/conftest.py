from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from seq_exporter.commands.backfill.archive import Archive


@pytest.fixture
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    file = tmp_path_factory.mktemp("archive") / "scores.sqlite"
    with closing(Archive(file, hash_cost=2)) as archive:
        yield archive
