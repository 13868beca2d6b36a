"""The pieces of many accounts, joined: their order, and how little a change costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.joined_accounts import Joined, JoinedAccounts, merge_texts
from tests.support import examples, text_of

Accounts = Sequence[Mapping[str, DeflatedText]]


def piece(text: str, lines: int = 1) -> DeflatedText:
    return DeflatedText.of([f"{text} {number}\n" for number in range(lines)])


def texts_of(joined: Mapping[str, Joined]) -> dict[str, str]:
    return {name: text_of(DeflatedText.join(pieces)) for name, pieces in joined.items()}


def plainly(accounts: Accounts) -> dict[str, str]:
    """Return the text of each family, joined in the plainest way."""
    names = {name for account in accounts for name in account}
    return {
        name: "".join(text_of(account[name]) for account in accounts if name in account)
        for name in names
    }


# Long ones too: they are joined in another way.
accounts = st.lists(
    st.dictionaries(
        st.sampled_from(["one", "other"]),
        st.builds(piece, st.text("ab\u00fc", max_size=3), st.sampled_from([1, 1, 1, 2, 500])),
    ),
    max_size=100,
)


@examples(0.3)
@given(
    first=accounts, changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 3)), max_size=5)
)
def test_it_is_what_joining_them_one_by_one_is(
    first: list[dict[str, DeflatedText]], changes: list[tuple[int, int]]
) -> None:
    joined, held = JoinedAccounts(merge_texts), list(first)
    assert texts_of(joined.join(held)) == plainly(held)
    for where, what in changes:
        where %= len(held) + 1
        if what == 0:
            held.insert(where, {"one": piece("new")})
        elif where < len(held) and what == 1:
            del held[where]
        elif where < len(held):
            held[where] = {**held[where], "other": piece("changed", what)}
        assert texts_of(joined.join(held)) == plainly(held)


def test_thousands_of_accounts_stand_in_their_order() -> None:
    joined = JoinedAccounts[str](lambda texts: [DeflatedText.of(texts)])
    accounts = [{"one": f"{number}\n"} for number in range(3000)]
    expected = "".join(account["one"] for account in accounts)
    assert texts_of(joined.join(accounts)) == {"one": expected}


def test_a_change_joins_only_the_family_and_the_group_that_it_is_in() -> None:
    merged: list[Sequence[str]] = []

    def merge(texts: Sequence[str]) -> Joined:
        merged.append(texts)
        return [DeflatedText.of(texts)]

    joined = JoinedAccounts[str](merge)
    accounts = [{"one": f"{number}\n", "other": "0\n"} for number in range(1000)]
    before = joined.join(accounts)
    assert len(merged) == 64  # of two families, in groups of 32
    merged.clear()
    assert joined.join(accounts) == before
    assert merged == []
    accounts[500] = {**accounts[500], "one": "changed\n"}
    after = joined.join(accounts)
    ((*texts,),) = merged
    assert [text for text in texts if text == "changed\n"] == ["changed\n"]
    assert len(texts) == 32
    assert after["other"] is before["other"]


def test_only_the_groups_of_accounts_that_are_named_as_changed_are_looked_at() -> None:
    joined = JoinedAccounts[str](lambda texts: [DeflatedText.of(texts)])
    accounts = [{"one": f"{number}\n"} for number in range(3000)]
    joined.join(accounts)
    accounts[3], accounts[2000] = {"one": "not named\n"}, {"one": "named\n"}
    expected = [f"{number}\n" for number in range(3000)]
    expected[2000] = "named\n"
    assert texts_of(joined.join(accounts, changed=[2000])) == {"one": "".join(expected)}
    expected[3] = "not named\n"
    assert texts_of(joined.join(accounts)) == {"one": "".join(expected)}


def test_small_pieces_are_compressed_together() -> None:
    accounts = [{"one": piece(f'score{{account="account-{number}"}} 4.0')} for number in range(32)]
    alone = sum(len(account["one"].deflated) for account in accounts)
    (together,) = JoinedAccounts(merge_texts).join(accounts)["one"]
    assert len(together.deflated) < alone / 4


def test_large_pieces_are_not_copied() -> None:
    noise = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(60_000))
    large = [piece(f"{number}{noise}") for number in range(40)]
    joined = JoinedAccounts(merge_texts).join([{"one": each} for each in large])["one"]
    assert all(one is other for one, other in zip(joined, large, strict=True))
