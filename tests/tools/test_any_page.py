"""Whatever JSON comes in, promtool has nothing to say about the page that goes out.

`tests/long` tries more of it: most of the time goes into making examples.
"""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import given

from seq_exporter.config.model import SubuserSelection
from tests.processes import find_tool
from tests.support import GIVE_UP_SECONDS, examples
from tests.unit.serve.test_any_page import ANSWERS, poll

Answers = tuple[list[Any], Any, Any, SubuserSelection | None]


def check_by_promtool(answers: Answers) -> None:
    page = poll(answers).page
    checked = subprocess.run(
        [find_tool("promtool"), "check", "metrics"],
        input=page.encode(),
        capture_output=True,
        check=False,
        timeout=GIVE_UP_SECONDS,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.small
@examples(0.2)
@given(ANSWERS)
def test_any_answers(answers: Answers) -> None:
    check_by_promtool(answers)
