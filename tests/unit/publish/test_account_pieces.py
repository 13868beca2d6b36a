"""The pieces of accounts by name: whatever happens to them, `join` returns all that are held."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.publish.account_pieces import AccountPieces
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.joined_accounts import Joined
from tests.support import examples, text_of

NAMES = [f"account-{number:03}" for number in range(100)]


def compress(texts: Sequence[str]) -> Joined:
    return [DeflatedText.of(texts)]


def text_of_one(joined: Mapping[str, Joined]) -> str:
    return "".join(map(text_of, joined.get("one", ())))


def plainly(held: Mapping[str, str]) -> str:
    return "".join(held[name] for name in sorted(held))


# A text for an account, or None to remove it; how many of these happen before they are joined, and
# whether that fails.
changes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["a\n", "b\n", None]), max_size=5),
        st.booleans(),
    ),
    max_size=8,
)


@examples(0.3)
@given(first=st.lists(st.sampled_from(NAMES), unique=True), later=changes)
def test_all_that_are_held_are_joined_in_the_order_of_their_names(
    first: list[str], later: list[tuple[dict[str, str | None], bool]]
) -> None:
    is_failing = False

    def merge(texts: Sequence[str]) -> Joined:
        if is_failing:
            raise MemoryError
        return compress(texts)

    pieces = AccountPieces(merge, threading.Lock())
    held: dict[str, str] = {}
    start: dict[str, str | None] = dict.fromkeys(first, "first\n")
    for replaced, fails in [(start, False), *later]:
        for name, text in replaced.items():
            if text is not None:
                pieces.replace(name, {"one": text})
                held[name] = text
            elif held.pop(name, None):
                pieces.remove(name)
        is_failing = fails
        with contextlib.suppress(MemoryError):
            pieces.join()
        is_failing = False
        assert text_of_one(pieces.join()) == plainly(held)


def test_a_change_while_pieces_are_joined_is_in_the_next_result() -> None:
    def merge(texts: Sequence[str]) -> Joined:
        pieces.replace("b", {"one": "new\n"})
        pieces.replace("c", {"one": "c\n"})
        return compress(texts)

    pieces = AccountPieces(merge, threading.Lock())
    pieces.replace("a", {"one": "a\n"})
    pieces.replace("b", {"one": "b\n"})
    assert text_of_one(pieces.join()) == "a\nb\n"
    assert text_of_one(pieces.join()) == "a\nnew\nc\n"


def test_the_same_pieces_are_no_change() -> None:
    pieces = AccountPieces(compress, threading.Lock())
    held = {"one": "a\n"}
    assert pieces.replace("a", held)
    assert not pieces.replace("a", held)
    assert pieces.replace("a", dict(held))


@pytest.mark.parametrize(
    ("names", "texts"), [([], []), (["b", "x", "a"], ["a\n", "b\n"]), (["c"], ["c\n"])]
)
def test_some_are_selected_in_the_order_of_their_names(names: list[str], texts: list[str]) -> None:
    pieces = AccountPieces(compress, threading.Lock())
    for name in ("c", "a", "b"):
        pieces.replace(name, {"one": f"{name}\n"})
    assert pieces.select(names) == [{"one": text} for text in texts]
