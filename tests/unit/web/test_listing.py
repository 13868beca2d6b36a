"""Listing subusers: filters, order, slices, and the query's parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seq_exporter.score import Score
from seq_exporter.scores import METRICS, Health, Snapshot, SubuserScores
from seq_exporter.web.listing import SORTS, Accounts, Listing, Query, list_subusers
from tests.support import day


def fleet(account: str, **scores: float | None) -> tuple[Snapshot, Health]:
    by_label = {
        name: Score(name, name, score, (5.0, 4.0, 3.0, 2.0, score))
        for name, score in scores.items()
    }
    return Snapshot(account, SubuserScores(day(4), by_label)), Health()


ACCOUNTS: Accounts = (
    fleet("acme", shop_de=2.8, shop_fr=4.1, shop_it=None),
    (Snapshot("own-only"), Health()),
    fleet("globex", Florist=2.8, bakery=1.5),
)


def names(listing: Listing) -> list[str]:
    return [entry.subuser for entry in listing.entries]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["bakery", "Florist", "shop_de", "shop_fr", "shop_it"]),
        ({"order": "descending"}, ["shop_fr", "Florist", "shop_de", "bakery", "shop_it"]),
        ({"sort": "spam_rate"}, ["bakery", "Florist", "shop_de", "shop_fr", "shop_it"]),
        ({"sort": "name"}, ["Florist", "bakery", "shop_de", "shop_fr", "shop_it"]),
        (
            {"sort": "name", "order": "descending"},
            ["shop_it", "shop_fr", "shop_de", "bakery", "Florist"],
        ),
        ({"subuser": "SHOP"}, ["shop_de", "shop_fr", "shop_it"]),
        ({"account": "Glob"}, ["bakery", "Florist"]),
        ({"below": 2.8}, ["bakery"]),
        ({"limit": 2}, ["bakery", "Florist"]),
        ({"limit": 2, "offset": 2}, ["shop_de", "shop_fr"]),
        ({"offset": 99}, []),
    ],
)
def test_subusers_are_filtered_and_sorted(query: dict[str, Any], expected: list[str]) -> None:
    assert names(list_subusers(ACCOUNTS, Query(**query))) == expected


def test_the_total_counts_every_slice() -> None:
    assert list_subusers(ACCOUNTS, Query(limit=1)).total == 5
    assert list_subusers(ACCOUNTS, Query(limit=1, subuser="shop")).total == 3
    assert list_subusers((), Query()) == Listing([], 0)


@pytest.mark.parametrize(
    ("given", "mistakes"),
    [
        ({"below": "3,5"}, {"below": "below must be a number, such as 3 or 3.5"}),
        ({"below": "nan"}, {"below": "below must be a number, such as 3 or 3.5"}),
        ({"limit": "0"}, {"limit": "limit must be a whole number from 1 to 1000"}),
        ({"limit": "1e3"}, {"limit": "limit must be a whole number from 1 to 1000"}),
        ({"offset": "-1"}, {"offset": "offset must be a whole number from 0 to 1000000"}),
        ({"offset": "१"}, {"offset": "offset must be a whole number from 0 to 1000000"}),
        ({"offset": "9" * 5000}, {"offset": "offset must be a whole number from 0 to 1000000"}),
        ({"order": "up"}, {"order": "order must be one of ascending, descending"}),
        ({"subuser": "x" * 201}, {"subuser": "subuser must be at most 200 characters long"}),
        ({"limit": "1_0"}, {"limit": "limit must be a whole number from 1 to 1000"}),
        ({"limit": "+7"}, {"limit": "limit must be a whole number from 1 to 1000"}),
        ({"x" * 50: ""}, {}),
        ({"_": "1", "model_config": "x", "Limit": "x"}, {}),
        (
            {"page": "1", "sort": "x"},
            {
                "sort": "sort must be one of overall, engagement_recency, open_rate, "
                "bounce_classification, bounce_rate, spam_rate, change7, name",
            },
        ),
    ],
)
def test_wrong_parameters_are_reported_and_take_their_defaults(
    given: dict[str, str], mistakes: dict[str, str]
) -> None:
    assert Query.parse(given) == (Query(), mistakes)


def test_parameters_are_parsed() -> None:
    given = {"account": " a ", "subuser": "b", "below": "3.5", "limit": "7", "offset": "14"}
    query = Query(
        account="a", subuser="b", below=3.5, sort="name", order="descending", limit=7, offset=14
    )
    assert Query.parse(given | {"sort": "name", "order": "descending"}) == (query, {})
    assert Query.parse({"below": "", "sort": "", "limit": " "}) == (Query(), {})


def test_earlier_names_of_an_order_still_work() -> None:
    assert Query.parse({"order": "asc"}) == (Query(order="ascending"), {})
    assert Query.parse({"order": "desc"}) == (Query(order="descending"), {})


def test_the_listing_sorts_by_every_metric() -> None:
    assert ("overall", *METRICS, "change7", "name") == SORTS


COMPARED = tuple(
    (replace(snapshot, subusers=snapshot.subusers and snapshot.subusers.compare(before)), health)
    for (snapshot, health), before in zip(
        ACCOUNTS,
        ({"shop_de": 4.1, "shop_fr": 4.0, "shop_it": 3.0}, {}, {"Florist": 2.7}),
        strict=True,
    )
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            {"sort": "change7"},
            {"shop_de": -1.3, "Florist": 0.1, "shop_fr": 0.1, "bakery": None, "shop_it": None},
        ),
        (
            {"sort": "change7", "order": "descending", "limit": 3},
            {"Florist": 0.1, "shop_fr": 0.1, "shop_de": -1.3},
        ),
        (
            {"sort": "change7", "subuser": "shop"},
            {"shop_de": -1.3, "shop_fr": 0.1, "shop_it": None},
        ),
        ({"sort": "change7", "below": 3}, {"shop_de": -1.3, "Florist": 0.1, "bakery": None}),
        ({"account": "globex"}, {"bakery": None, "Florist": 0.1}),
        ({"offset": 3}, {"shop_fr": 0.1, "shop_it": None}),
    ],
)
def test_each_subuser_has_its_change(
    query: dict[str, Any], expected: dict[str, float | None]
) -> None:
    entries = list_subusers(COMPARED, Query(**query)).entries
    assert [(each.subuser, each.change7) for each in entries] == list(expected.items())


def test_without_a_history_nothing_has_changed() -> None:
    entries = list_subusers(ACCOUNTS, Query(sort="change7")).entries
    assert [(each.subuser, each.change7) for each in entries] == [
        ("Florist", None),
        ("bakery", None),
        ("shop_de", None),
        ("shop_fr", None),
        ("shop_it", None),
    ]
