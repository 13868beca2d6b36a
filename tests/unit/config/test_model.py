"""An account as the program sees it: whose scores are saved, and who can read its key."""

from __future__ import annotations

import dataclasses

import pytest

from seq_exporter.config.model import Account, SeriesSelection, SubuserSelection
from seq_exporter.config.secret import ApiKey, Secret

ACME = Account("acme", ApiKey(Secret("k")))


def test_the_identity_is_written_as_it_is_hashed() -> None:
    """Any other text would throw away what earlier versions saved."""
    assert repr(ACME.identity) == "('https://api.sendgrid.com', '')"
    assert repr(ACME.snapshot_identity) == (
        "('acme', 'https://api.sendgrid.com', '', True, ([], ('*',), ()))"
    )
    selection = SubuserSelection(frozenset({"b", "c", "a"}), ("x-*", "y"), ("z",))
    shop = dataclasses.replace(ACME, on_behalf_of="shop", own_score=False, subusers=selection)
    assert repr(shop.identity) == "('https://api.sendgrid.com', 'shop')"
    assert repr(shop.snapshot_identity) == (
        "('acme', 'https://api.sendgrid.com', 'shop', False, "
        "(['a', 'b', 'c'], ('x-*', 'y'), ('z',)))"
    )
    own = dataclasses.replace(ACME, subusers=None)
    assert repr(own.snapshot_identity) == "('acme', 'https://api.sendgrid.com', '', True, None)"


@pytest.mark.parametrize(
    ("changes", "is_same_identity", "is_same_snapshot"),
    [
        ({"base_url": "https://api.eu.sendgrid.com"}, False, False),
        ({"on_behalf_of": "shop"}, False, False),
        ({"name": "globex"}, True, False),
        ({"own_score": False}, True, False),
        ({"subusers": SubuserSelection(names=frozenset({"a"}))}, True, False),
        ({"series": SeriesSelection(eligible=False), "max_series": 7}, True, True),
        ({"api_key": ApiKey(Secret("rotated"))}, True, True),
    ],
)
def test_what_makes_it_another_account(
    changes: dict[str, object], is_same_identity: bool, is_same_snapshot: bool
) -> None:
    changed = dataclasses.replace(ACME, **changes)  # type: ignore[arg-type]
    assert (changed.identity == ACME.identity) == is_same_identity
    assert (changed.snapshot_identity == ACME.snapshot_identity) == is_same_snapshot


@pytest.mark.parametrize(
    ("base_url", "is_private"),
    [
        ("https://proxy.example", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("http://proxy.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_who_can_read_the_key_in_transit(base_url: str, is_private: bool) -> None:
    assert dataclasses.replace(ACME, base_url=base_url).is_private == is_private
