from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from tests.support import FakeSendGrid, FakeTime


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def sendgrid(mock: responses.RequestsMock) -> FakeSendGrid:
    return FakeSendGrid(mock)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()
