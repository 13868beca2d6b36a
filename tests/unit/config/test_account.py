"""An account: what the file may contain, each mistake's message, and whose scores it has."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from seq_exporter.config.model import Account, SeriesSelection, SubuserSelection, explain_misfit
from seq_exporter.config.secret import ApiKey, Secret
from tests.support import KEY
from tests.unit.config.files import complain, load

ACME = Account("acme", ApiKey(Secret("k")))


@pytest.mark.parametrize(
    ("form", "inside", "outside"),
    [
        ("all", ["a", "Shop-De", "7"], []),
        ("[a, b]", ["a", "b"], ["c", "A", "ab"]),
        ("{include: ['shop-*']}", ["shop-de", "shop-"], ["shop", "Shop-de", "x-shop-de"]),
        ("{exclude: ['*-test']}", ["a", "test"], ["a-test"]),
        (
            "{include: ['shop-?e', billing], exclude: ['*-test', shop-fe]}",
            ["shop-de", "billing"],
            ["shop-fe", "shop-fr", "billing2"],
        ),
        ("{include: ['a.b']}", ["a.b"], ["axb"]),
        ("{include: []}", [], ["a"]),
    ],
)
def test_which_subusers_are_selected(
    tmp_path: Path, form: str, inside: list[str], outside: list[str]
) -> None:
    config = load(tmp_path, f"accounts: [{{name: a, api_key: k, subusers: {form}}}]")
    selection = config.accounts[0].subusers
    assert selection is not None
    assert [name for name in inside + outside if name in selection] == inside


def test_a_pattern_without_a_wildcard_is_a_username(tmp_path: Path) -> None:
    text = "accounts: [{name: a, api_key: k, subusers: {include: [shop, 'x-*']}}]"
    selection = load(tmp_path, text).accounts[0].subusers
    assert selection == SubuserSelection(names=frozenset({"shop"}), include=("x-*",))


KNOWN = ["shop-de", "shop-fr", "Outlet", "x\u202ey"]
GLOBS = "write globs, as in {include: ['shop-*']}"
CORRECT = "correct the usernames or globs"


@pytest.mark.parametrize(
    ("form", "cause"),
    [
        ("['^shop-.*$']", f"'^shop-.*$' is a regular expression: {GLOBS}"),
        ("[shop, 'shop-.+']", f"'shop-.+' is a regular expression: {GLOBS}"),
        ("{include: ['shop-(de|fr)']}", f"'shop-(de|fr)' is a regular expression: {GLOBS}"),
        ("{include: ['/shop/*']}", "SendGrid has 'Outlet', 'shop-de', 'shop-fr', ...: " + CORRECT),
        ("{include: ['/shop/']}", f"'/shop/' is a regular expression: {GLOBS}"),
        ("{include: ['shop-\\w*']}", f"'shop-\\\\w*' is a regular expression: {GLOBS}"),
        (
            "{exclude: ['*']}",
            "`exclude` leaves out all that `include` selects: correct one of them",
        ),
        (
            "{include: ['shop-*'], exclude: ['shop*']}",
            "`exclude` leaves out all that `include` selects: correct one of them",
        ),
        (
            "{include: []}",
            "`include` is empty: remove it to include all, or add usernames or globs",
        ),
        ("[all]", "'all' is a username in a list: write `subusers: all` without brackets"),
        ("[none]", "'none' is a username in a list: write `subusers: none` without brackets"),
        (
            "{include: [all]}",
            "'all' is a username in a list: write `subusers: all` without brackets",
        ),
        (
            "[shop, 'shop-*']",
            "'shop-*' is a glob, and a list holds usernames: write {include: ['shop-*']}",
        ),
        ("['*']", "'*' is a glob, and a list holds usernames: write {include: ['*']}"),
        ("[Shop-DE]", "upper and lower case differ: SendGrid has 'shop-de', so write that"),
        (
            "{include: ['SHOP-*']}",
            "upper and lower case differ: SendGrid has 'shop-de', so write the glob as SendGrid "
            "writes the names",
        ),
        (
            "{include: ['out*']}",
            "upper and lower case differ: SendGrid has 'Outlet', so write the glob as SendGrid "
            "writes the names",
        ),
        (
            "[zebra, shop-dee]",
            "no subuser is called 'shop-dee': did you mean 'shop-de'?",
        ),
        ("[billing]", "SendGrid has 'Outlet', 'shop-de', 'shop-fr', ...: " + CORRECT),
    ],
)
def test_why_a_choice_fits_nobody(tmp_path: Path, form: str, cause: str) -> None:
    config = load(tmp_path, f"accounts: [{{name: a, api_key: k, subusers: {form}}}]")
    selection = config.accounts[0].subusers
    assert explain_misfit(selection, KNOWN) == f"none of the 4 subusers fits `subusers`: {cause}"
    assert explain_misfit(selection, []) == ""


def test_only_a_few_of_many_names_are_compared() -> None:
    """A poll does it: a thousand names against ten thousand would take it a minute."""
    listed = frozenset({"x1", "x2", "x3", "zhop-de"})
    assert "did you mean" not in explain_misfit(SubuserSelection(names=listed), KNOWN)
    fewer = SubuserSelection(names=listed - {"x1"})
    assert "did you mean 'shop-de'?" in explain_misfit(fewer, KNOWN)


def test_the_names_of_sendgrid_are_escaped() -> None:
    selection = SubuserSelection(names=frozenset({"b"}))
    assert explain_misfit(selection, ["x\u202ey"]) == (
        f"the only subuser does not fit `subusers`: SendGrid has 'x\\u202ey': {CORRECT}"
    )


@pytest.mark.parametrize("form", ["all", "none", "[shop-de, billing]", "{exclude: ['shop-*']}"])
def test_a_choice_that_fits_is_not_explained(tmp_path: Path, form: str) -> None:
    config = load(tmp_path, f"accounts: [{{name: a, api_key: k, subusers: {form}}}]")
    assert explain_misfit(config.accounts[0].subusers, KNOWN) == ""


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("all", SeriesSelection()),
        ("distribution", SeriesSelection(scores=False, metrics=(), eligible=False)),
        ("{}", SeriesSelection()),
        ("{scores: false}", SeriesSelection(scores=False)),
        ("{metrics: []}", SeriesSelection(metrics=())),
        (
            "{metrics: [spam_rate, open_rate], eligible: false}",
            SeriesSelection(metrics=("open_rate", "spam_rate"), eligible=False),
        ),
    ],
)
def test_the_forms_of_series(tmp_path: Path, text: str, series: SeriesSelection) -> None:
    config = load(tmp_path, f"accounts: [{{name: a, api_key: k, series: {text}}}]")
    assert config.accounts[0].series == series


def test_a_limit_of_series(tmp_path: Path) -> None:
    config = load(tmp_path, "accounts: [{name: a, api_key: k, max_series: 7}]")
    assert config.accounts[0].max_series == 7


LINE = "has a line break or another control character inside: put it on one line"
VARIABLE = "is not how a variable is written here: write ${NAME}"

ACCOUNT_MISTAKES = [
    (
        "{name: a, api_key: k, series: few}",
        ".series",
        "must be all, distribution, or {scores: true, metrics: [names], eligible: true}, not 'few'",
    ),
    (
        "{name: a, api_key: k, series: {metrics: [spam]}}",
        ".series.metrics[0]",
        "must be 'engagement_recency', 'open_rate', 'bounce_classification', 'bounce_rate' or "
        "'spam_rate', not 'spam'",
    ),
    (
        "{name: a, api_key: k, series: {score: true}}",
        ".series.score",
        "unknown key; did you mean 'scores'?",
    ),
    (
        "{name: a, api_key: k, max_series: -1}",
        ".max_series",
        "must be a number of series, or 0 for no limit, not -1",
    ),
    ("{name: a, api_key: k, max_series: 1.5}", ".max_series", "must be a whole number, not 1.5"),
    ("name: a", "", "has no API key: add api_key or api_key_file"),
    (
        "{name: a, api_key: k, api_key_file: key}",
        "",
        "has both api_key and api_key_file: keep one of them",
    ),
    ("api_key: k", ".name", "is missing: add it"),
    (f"{{name: {'a' * 129}, api_key: k}}", ".name", "is too long: shorten it to 128 characters"),
    ("{name: '', api_key: k}", ".name", "is empty: give it a value"),
    ("{name: 7, api_key: k}", ".name", "must be text, not 7: put it in quotes"),
    ("{name: no, api_key: k}", ".name", "must be text, not no: put it in quotes"),
    ('{name: "a\\nb", api_key: k}', ".name", LINE),
    ('{name: "a\\tb", api_key: k}', ".name", LINE),
    ('{name: "a\\xa0b", api_key: k}', ".name", LINE),
    ('{name: "a\\eb", api_key: k}', ".name", LINE),
    ("{name: ' ', api_key: k}", ".name", "is empty: give it a value"),
    ("{name: , api_key: k}", ".name", "is empty: give it a value"),
    (
        "{name: '${KEY}', api_key: k}",
        ".name",
        "seems to contain an API key: move it to api_key",
    ),
    ("{name: $NAME, api_key: k}", ".name", VARIABLE),
    ("{name: a, api_key: }", ".api_key", "is empty: put the API key there"),
    ("{name: a, api_key: 7}", ".api_key", "must be text: put the API key in quotes"),
    ("{name: a, api_key: $KEY}", ".api_key", VARIABLE),
    ("{name: a, api_key: $(KEY)}", ".api_key", VARIABLE),
    ("{name: a, api_key: '%(key)s'}", ".api_key", VARIABLE),
    ("{name: a, api_key: '%KEY%'}", ".api_key", VARIABLE),
    ("{name: a, api_key: '{{ key }}'}", ".api_key", VARIABLE),
    (
        "{name: a, api_key: '$${KEY}'}",
        ".api_key",
        "holds a variable instead of an API key: "
        "write ${NAME} as api_key in the configuration file, or put the key there",
    ),
    (
        "{name: a, api_key: '${KEY:-k}'}",
        ".api_key",
        "has a '${' that does not begin a variable: write ${NAME}, or $${ for '${'",
    ),
    ("{name: a, api_key: ''}", ".api_key", "is empty: put the API key there"),
    (
        "{name: a, api_key: x y}",
        ".api_key",
        "has white space inside the API key: paste the key again, on one line",
    ),
    (
        "{name: a, api_key: '${A'}",
        ".api_key",
        "has a '${' that does not begin a variable: write ${NAME}, or $${ for '${'",
    ),
    ("{name: a, api_key_file: ''}", ".api_key_file", "must be the path of a file, not ''"),
    ("{name: a, api_key_file: 7}", ".api_key_file", "must be the path of a file, not 7"),
    (
        "{name: a, api_key: k, region: us}",
        ".region",
        "must be 'global' or 'eu', not 'us'",
    ),
    (
        "{name: a, api_key: k, region: eu, base_url: http://x}",
        ".base_url",
        "cannot be combined with region: keep one of them",
    ),
    (
        "{name: a, api_key: k, base_url: 'https://x y'}",
        ".base_url",
        "must be a URL such as https://api.sendgrid.com, not 'https://x y'",
    ),
    (
        '{name: a, api_key: k, base_url: "https://x\\ny"}',
        ".base_url",
        "must be a URL such as https://api.sendgrid.com, not 'https://x\\ny'",
    ),
    (
        "{name: a, api_key: k, base_url: api.sendgrid.com}",
        ".base_url",
        "must be a URL such as https://api.sendgrid.com, not 'api.sendgrid.com'",
    ),
    (
        "{name: a, api_key: k, base_url: 'http://x:99999'}",
        ".base_url",
        "must be a URL such as https://api.sendgrid.com, not 'http://x:99999'",
    ),
    (
        "{name: a, api_key: k, base_url: 'https://user:pass@x'}",
        ".base_url",
        "must be a URL without user, password, query or fragment",
    ),
    (
        "{name: a, api_key: k, base_url: 'ftp://user:pass@x'}",
        ".base_url",
        "must be a URL without user, password, query or fragment",
    ),
    (
        "{name: a, api_key: k, base_url: 'https://x/?'}",
        ".base_url",
        "must be a URL without user, password, query or fragment",
    ),
    (
        "{name: a, api_key: k, base_url: 'https://x#'}",
        ".base_url",
        "must be a URL without user, password, query or fragment",
    ),
    (
        "{name: a, api_key: k, base_url: 'user:pass@[x'}",
        ".base_url",
        "must be a URL without user, password, query or fragment",
    ),
    (
        '{name: a, api_key: k, on_behalf_of: "a\\nb"}',
        ".on_behalf_of",
        "must be plain text on one line: a username, or 'account-id ID'",
    ),
    (
        "{name: a, api_key: k, on_behalf_of: bjørn}",
        ".on_behalf_of",
        "has 'ø', which an HTTP header cannot carry: use that subuser's own API key",
    ),
    (
        "{name: a, api_key: k, own_score: '${YES}'}",
        ".own_score",
        "must be true or false, not '${YES}' (the variable replaced by its text)",
    ),
    (
        "{name: a, api_key: k, base_url: 'ftp://${YES}'}",
        ".base_url",
        "must be a URL such as https://api.sendgrid.com, "
        "not 'ftp://${YES}' (the variable replaced by its text)",
    ),
    (
        "{name: a, api_key: k, own_score: 'yes'}",
        ".own_score",
        "must be true or false, not 'yes'",
    ),
    (
        "{name: a, api_key: k, subusers: some}",
        ".subusers",
        "must be all, none, a list of usernames, or {include: [globs], exclude: [globs]}, "
        "not 'some'",
    ),
    (
        "{name: a, api_key: k, subusers: }",
        ".subusers",
        "must be all, none, a list of usernames, or {include: [globs], exclude: [globs]}, "
        "not nothing",
    ),
    ("{name: a, api_key: k, subusers: []}", ".subusers", "is empty: name at least one"),
    (
        "{name: a, api_key: k, subusers: [b, ~]}",
        ".subusers[1]",
        "is empty: give it a value, or remove the `-`",
    ),
    (
        "{name: a, api_key: k, subusers: {include: [~]}}",
        ".subusers.include[0]",
        "is empty: give it a value, or remove the `-`",
    ),
    ('{name: a, api_key: k, subusers: ["b\\nc"]}', ".subusers[0]", LINE),
    *[
        (
            f"{{name: a, api_key: k, subusers: [{written}]}}",
            ".subusers[0]",
            f"must be text, not {written}: put it in quotes",
        )
        for written in ("0123", "0x1F", "1_000", "1:30", "1.10", "no", "2026-01-02", ".inf")
    ],
    (
        "{name: a, api_key: k, subusers: [b, 12]}",
        ".subusers[1]",
        "must be text, not 12: put it in quotes",
    ),
    (
        "{name: a, api_key: k, subusers: {inclde: [b]}}",
        ".subusers.inclde",
        "unknown key; did you mean 'include'?",
    ),
    (
        "{name: a, api_key: k, subusers: {include: b}}",
        ".subusers.include",
        "must be a list (lines that begin with `-`), not text",
    ),
    (
        "{name: a, api_key: k, own_score: false, subusers: none}",
        ".own_score",
        "is false and subusers is none, so nothing is polled: enable one of them",
    ),
    (
        f"{{name: a, api_key: k, on_behalf_of: {KEY}}}",
        ".on_behalf_of",
        "seems to contain an API key: move it to api_key",
    ),
    (
        f"{{name: a, api_key: k, apikey: {KEY}}}",
        ".apikey",
        "unknown key; did you mean 'api_key'?",
    ),
    (
        f"{{name: a, api_key_file: {KEY}}}",
        ".api_key_file",
        "seems to contain an API key: move it to api_key",
    ),
    ("[a]", "", "must be a mapping (lines of `key: value`), not a list"),
    ("a", "", "must be a mapping (lines of `key: value`), not text"),
]


@pytest.mark.parametrize(("account", "place", "message"), ACCOUNT_MISTAKES)
def test_mistakes_in_an_account(tmp_path: Path, account: str, place: str, message: str) -> None:
    (tmp_path / "key").write_text("k")
    text = f"accounts:\n  - {account}\n"
    lines = complain(tmp_path, text, YES="yes", KEY=KEY)
    assert lines == [f"config.yaml:2: accounts[0]{place}: {message}"]


def test_an_empty_item_is_named_as_such(tmp_path: Path) -> None:
    text = "accounts:\n- name: a\n  api_key: k\n  subusers:\n  -\n  - b\n"
    assert complain(tmp_path, text) == [
        "config.yaml:5: accounts[0].subusers[0]: is empty: give it a value, or remove the `-`"
    ]


def test_a_key_file_without_a_key(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert complain(tmp_path, "accounts:\n  - {name: a, api_key_file: empty}\n") == [
        f"config.yaml:2: accounts[0].api_key_file: the key file '{tmp_path}/empty' is empty: "
        "put the API key there".replace(f"{tmp_path}/", "")
    ]


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
def test_changes_that_make_another_account(
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
