"""Whatever JSON comes in, promtool has nothing to say about the page that goes out."""

from __future__ import annotations

from hypothesis import given

from tests.support import examples
from tests.tools.test_any_page import Answers, check_by_promtool
from tests.unit.serve.test_any_page import ANSWERS


@examples(5, thorough=1.25)
@given(ANSWERS)
def test_any_answers(answers: Answers) -> None:
    check_by_promtool(answers)
