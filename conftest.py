"""An `assert` of any module of the tests shows what it compared."""

import pytest

pytest.register_assert_rewrite("tests")
