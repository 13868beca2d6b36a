"""Names of the accounts, and usernames of their subusers."""

from __future__ import annotations

# The company behind each account: the mail it sends, and the places it sends it for; a place that
# is empty is left out of the username.
_COMPANIES = {
    "kettlewick": (  # a retailer with a shop in each country
        (
            *("shop", "newsletter", "outlet", "orders", "loyalty"),
            *("receipts", "wishlist", "giftcards", "reviews", "returns"),
        ),
        ("de", "uk", "fr", "nl", "es", "it", "pl", "se", "at", "ch"),
    ),
    "tallyfern": (  # bookkeeping as a service, which grew product by product
        (
            *("billing", "onboarding", "alerts", "webinars", "product-news"),
            *("invoices", "digest", "support", "payroll", "security"),
        ),
        ("", "eu", "us", "uk", "apac", "br", "in", "staging", "partners", "legacy"),
    ),
    "postmill": (  # an agency that sends mail for the shops of small towns
        (
            *("bakery", "florist", "gym", "dentist", "hotel"),
            *("brewery", "bookshop", "garage", "salon", "theatre"),
        ),
        ("leeds", "york", "bath", "derby", "truro", "ely", "wells", "ripon", "exeter", "stirling"),
    ),
}


def account_name(position: int) -> str:
    """Return the name of the account at `position`: `kettlewick` ..., from 3 on `account-4` ..."""
    return [*_COMPANIES][position] if position < len(_COMPANIES) else f"account-{position + 1}"


def subuser_username(position: int, index: int) -> str:
    """Return the username of the subuser at `index` of the account at `position`.

    It is `shop-de`, later `shop-de-2`: unique in its account. The first ten subusers of an account
    each send a different kind of mail.
    """
    mail, places = [*_COMPANIES.values()][position % len(_COMPANIES)]
    rounds, kind = divmod(index, len(mail))
    number, turn = divmod(rounds, len(places))
    parts = (mail[kind], places[(kind + turn) % len(places)], str(number + 1) if number else "")
    return "-".join(part for part in parts if part)
