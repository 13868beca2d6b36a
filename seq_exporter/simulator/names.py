"""Who the accounts are, and what their subusers are called."""

from __future__ import annotations

from typing import NamedTuple


class Character(NamedTuple):
    """What kind of company an account is: its name, and what and for where it sends."""

    account: str
    senders: tuple[str, ...]
    places: tuple[str, ...]  # an empty one is left out of the username


_CHARACTERS = (
    Character(  # a retailer with a shop in each country
        "kettlewick",
        (
            *("shop", "newsletter", "outlet", "orders", "loyalty"),
            *("receipts", "wishlist", "giftcards", "reviews", "returns"),
        ),
        ("de", "uk", "fr", "nl", "es", "it", "pl", "se", "at", "ch"),
    ),
    Character(  # bookkeeping as a service, which grew product by product
        "tallyfern",
        (
            *("billing", "onboarding", "alerts", "webinars", "product-news"),
            *("invoices", "digest", "support", "payroll", "security"),
        ),
        ("", "eu", "us", "uk", "apac", "br", "in", "staging", "partners", "legacy"),
    ),
    Character(  # an agency that sends for the shops of small towns
        "postmill",
        (
            *("bakery", "florist", "gym", "dentist", "hotel"),
            *("brewery", "bookshop", "garage", "salon", "theatre"),
        ),
        ("leeds", "york", "bath", "derby", "truro", "ely", "wells", "ripon", "exeter", "stirling"),
    ),
)


def account_name(position: int) -> str:
    """Return the name of the account at `position`: `kettlewick` ..., from 3 on `account-4` ..."""
    if position < len(_CHARACTERS):
        return _CHARACTERS[position].account
    return f"account-{position + 1}"


def username_of(position: int, index: int) -> str:
    """Return the username of an account's subuser at `index`: `shop-de`, later `shop-de-2`.

    No two subusers of an account have the same one; the first ten differ in what they send.
    """
    _, senders, places = _CHARACTERS[position % len(_CHARACTERS)]
    rounds, sender = divmod(index, len(senders))
    number, turn = divmod(rounds, len(places))
    parts = (
        senders[sender],
        places[(sender + turn) % len(places)],
        str(number + 1) if number else "",
    )
    return "-".join(part for part in parts if part)
