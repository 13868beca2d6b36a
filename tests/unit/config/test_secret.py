"""API keys: which slips are corrected, what is refused, and that no output shows a key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seq_exporter.config.secret import ApiKey, Secret, fingerprint, hide_keys, parse_key
from seq_exporter.errors import KeyUnavailable
from tests.support import KEY


@pytest.mark.parametrize(
    "text",
    [
        "k-1",
        "\ufeffk-1\n",
        "\ufeff 'k-1'",
        " k-1 ",
        "k-1\n",
        "\tk-1\r\n",
        '"k-1"',
        "'k-1'",
        ' "k-1"\n',
        '" k-1 "',
        "'k-1\n'",
    ],
)
def test_white_space_and_quotes_around_a_key_are_stripped(text: str) -> None:
    assert parse_key(text).reveal() == "k-1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: put the API key there"),
        (" \n", "is empty: put the API key there"),
        ('""', "is empty: put the API key there"),
        *[
            (
                text,
                "holds a variable instead of an API key: "
                "write ${NAME} as api_key in the configuration file, or put the key there",
            )
            for text in ("$KEY", " ${KEY}\n", "$(KEY)", "'$KEY'", "$env:KEY", "%KEY%", "%(key)s")
        ],
        *[
            (
                text,
                "has a name before the API key: "
                "put the key there alone, or write ${NAME} as api_key in the configuration file",
            )
            for text in (
                f"KEY={KEY}",
                f"export KEY='{KEY}'\nOTHER=1\n",
                f'KEY = "{KEY}"',
                f"\ufeffapi_key: {KEY}",
                "SENDGRID_API_KEY=k",
            )
        ],
        ("a b", "has white space inside the API key: paste the key again, on one line"),
        ("a\nb", "has white space inside the API key: paste the key again, on one line"),
        ('a"b', "has a quotation mark inside the API key: paste the key again, alone"),
        ("'a", "has a quotation mark inside the API key: paste the key again, alone"),
        ("Bearer a", "begins with 'Bearer': write the API key alone"),
        ("schlüssel", "has a character that API keys never contain: paste the key again"),
        ("a\0b", "has a character that API keys never contain: paste the key again"),
        ("a\u200bb", "has a character that API keys never contain: paste the key again"),
    ],
)
def test_other_faults_of_a_key_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_key(text)


def test_the_padding_of_a_token_is_kept() -> None:
    assert parse_key("dG9rZW4==").reveal() == "dG9rZW4=="


def test_no_text_shows_a_secret() -> None:
    secret = Secret(KEY)
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        repr({"key": secret}),
        repr(ApiKey(secret)),
        str(vars(type(secret)).get("__dict__")),
    ):
        assert KEY not in shown
    assert secret.hide_in(f"bad key {KEY}!") == "bad key ***!"
    assert hide_keys(f"no such file '{KEY}'") == "no such file '***'"


def test_a_fingerprint_does_not_change_from_version_to_version() -> None:
    """Files written before are recognized by it."""
    about = ("https://api.sendgrid.com", "shop")
    assert fingerprint(Secret("k-1"), about, "salt").hex() == (
        "07a09a2127184c458e434f92cd540e1ab3a788529902b9dea77a88fc11272222"
        "bb66f2e741cf6cd56d437e8b57f198744a1092e8772fbf2381078b03c81a8331"
    )


def test_a_fingerprint_depends_on_the_key_on_what_it_is_about_and_on_the_salt() -> None:
    made = {
        fingerprint(Secret(key), (about,), salt)
        for key, about, salt in (("k", "a", "s"), ("l", "a", "s"), ("k", "b", "s"), ("k", "a", "t"))
    }
    assert len(made) == 4
    assert {len(one) for one in made} == {64}


def test_a_key_file_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "key"
    key = ApiKey(file)
    file.write_text("one\n")
    assert key.read().reveal() == "one"
    file.write_text("two\n")
    assert key.read().reveal() == "two"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            None,
            "cannot read the key file '{file}': No such file or directory: "
            "put the key there, and let this user read it",
        ),
        (b"", "the key file '{file}' is empty: put the API key there"),
        (
            b"KEY=k",
            "the key file '{file}' has a name before the API key: "
            "put the key there alone, or write ${{NAME}} as api_key in the configuration file",
        ),
        (b"\xff\xfe", "the key file '{file}' is not UTF-8 text: put the API key there alone"),
        (
            b"one two",
            "the key file '{file}' has white space inside the API key: "
            "paste the key again, on one line",
        ),
    ],
)
def test_a_key_file_without_a_key(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(KeyUnavailable) as caught:
        ApiKey(file).read()
    assert str(caught.value) == message.format(file=file)
