"""What is kept, and what goes."""

from __future__ import annotations

from seq_exporter.serve.recent import Recent
from tests.support import FakeTime


def test_a_value_is_kept_for_its_time(time: FakeTime) -> None:
    kept = Recent[str, str](2, time.clock.monotonic)
    kept.keep("a", "x", 60)
    time.seconds += 59
    assert kept.find("a") == "x"
    time.seconds += 1
    assert kept.find("a") is None


def test_the_one_that_was_not_asked_for_goes_first(time: FakeTime) -> None:
    kept = Recent[str, str](2, time.clock.monotonic)
    kept.keep("a", "x", 60)
    kept.keep("b", "y", 60)
    kept.find("a")
    kept.keep("c", "z", 60)
    assert [kept.find(key) for key in "abc"] == ["x", None, "z"]


def test_sizes_count_together(time: FakeTime) -> None:
    kept = Recent[str, str](5, time.clock.monotonic, size=len)
    kept.keep("a", "xx", 60)
    kept.keep("b", "yyy", 60)
    assert (kept.find("a"), kept.find("b")) == ("xx", "yyy")
    kept.keep("a", "xxx", 60)
    assert (kept.find("a"), kept.find("b")) == ("xxx", None)
    kept.keep("b", "longer", 60)
    assert (kept.find("a"), kept.find("b")) == ("xxx", None)
