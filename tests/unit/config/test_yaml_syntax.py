"""YAML itself: whatever a file holds, it is read within bounds, or refused with place and fix."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from seq_exporter.config.model import SubuserSelection
from seq_exporter.errors import ConfigError
from tests.unit.config.files import CONFIG_KEYS, complain, load

# Ten times ten times ten ...: seven lines that expand to ten million values.
BOMB = "a: &a [x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
# The same with merges: the thousandth mapping has a thousand pairs.
MERGES = ["&a0 {}", *(f"&a{i} {{<<: *a{i - 1}, k{i}: 1}}" for i in range(1, 1100))]
MERGE_BOMB = f"<<: [{', '.join(MERGES)}]"
CHAIN = f"{{a: [{', '.join(MERGES[:60])}], <<: *a59}}"

CHECK = "check the quotes, the brackets and the indentation"
MANY = "has more than 500,000 values: remove some, or aliases of aliases"
DEEP = "is nested more than 50 levels deep, or contains itself by an alias: remove the inner levels"
MERGING = (
    "is not valid YAML: expected a mapping or list of mappings for merging: "
    "write `<<: *NAME`, with the anchor `&NAME` of a mapping"
)
RANGE = "is not valid YAML: a number is out of range: correct it"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: [",
            "1: is not valid YAML: expected the node content, but found '<stream end>': " + CHECK,
        ),
        ("a:\n  'b\n", "2: is not valid YAML: a quote that begins here has no end: close it"),
        (
            "a: 1\nb:SG.x\n",
            "2: is not valid YAML: a key needs a colon and a blank: write `key: value`",
        ),
        (
            "a: [b, c\nd: 1",
            "1: is not valid YAML: a bracket that opens here has no end, or a comma is missing",
        ),
        (
            "a:\n  - b: 1\n   c: 2\n",
            "3: is not valid YAML: the indentation does not fit the lines above: align it",
        ),
        (
            "a: 'b' c",
            f"1: is not valid YAML: expected <block end>, but found '<scalar>': {CHECK}",
        ),
        (
            "a: *somebody",
            "1: is not valid YAML: found undefined alias: "
            "define it with `&` above this line, or put the text in quotes",
        ),
        (
            "a:\n\tb: 1",
            "2: is not valid YAML: found character '\\t' that cannot start any token: "
            "indent with spaces",
        ),
        (
            "a: @b",
            "1: is not valid YAML: found character '@' that cannot start any token: "
            "put the text in quotes",
        ),
        (
            "a: b: c",
            "1: is not valid YAML: mapping values are not allowed here: "
            "correct the indentation, or put the text in quotes",
        ),
        (
            "a: 1\n---\nb: 1\n",
            "2: is not valid YAML: found another document: "
            "keep one document, and remove the line `---`",
        ),
        (
            "a: {b: ${NAME}}",
            "1: is not valid YAML: expected ',' or '}', but got '{': put ${NAME} in quotes",
        ),
        (
            "%TAG ! x\n%YAML 9.9\n---\na: 1",
            "2: is not valid YAML: found incompatible YAML "
            f"document (version 1.* is required): {CHECK}",
        ),
        ("a: 1\nb: \x07", "2: is not valid YAML: it has the forbidden character U+0007: remove it"),
        ('a: "\\UFFFFFFFF"', f"1: {RANGE}"),
        ('a:\n  "\\U00110000"', f"2: {RANGE}"),
        (f"%YAML 1.{'1' * 5000}\n---\na: 1", f"1: {RANGE}"),
        (BOMB, f"1: {MANY}"),
        (MERGE_BOMB, f"1: {MANY}"),
        ("a:\n  &a [*a]", f"2: {DEEP}"),
        ("[" * 100_000, f"1: {DEEP}"),
        ("\n".join(" " * level + "a:" for level in range(2000)), f"50: {DEEP}"),
        (CHAIN, f"1: {DEEP}"),
        ("a:\n  &a {<<: *a}", "2: a mapping merges itself: remove the `<<`"),
        ("a: &a {b: {<<: [*a]}}", f"1: {DEEP}"),
        ("<<: 1", f"1: {MERGING}"),
        ("<<: [{}, [a]]", f"1: {MERGING}"),
    ],
    ids=lambda value: value[:30],
)
def test_other_text_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert complain(tmp_path, text) == [f"config.yaml:{message}"]


TAG = "has a YAML tag (`!...`) that is not known here: remove it, or put the text in quotes"
WHOLE = "must be a whole number, not "
LIMIT = "must be at most 1000000000, or 0 for no limit, not "


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('!!int ""', WHOLE + "''"),
        ("!!int '-'", WHOLE + "'-'"),
        ("!!int 0b", WHOLE + "'0b'"),
        ("!!int ':'", WHOLE + "':'"),
        ("1" * 5000, WHOLE + f"'{'1' * 500}...'"),
        ("0x" + "f" * 5000, LIMIT + f"0x{'f' * 498}..."),
        ("1" + ":10" * 3000, LIMIT + f"{('1' + ':10' * 3000)[:500]}..."),
        ('!!float ""', WHOLE + "''"),
        ("1" + ":10" * 200 + ".5", WHOLE + f"'{('1' + ':10' * 200)[:500]}...'"),
        (".nan", WHOLE + ".nan"),
        ("!!bool maybe", WHOLE + "'maybe'"),
        ('!!timestamp ""', WHOLE + "''"),
        ("!!timestamp x", WHOLE + "'x'"),
        ("2001-99-99", WHOLE + "'2001-99-99'"),
        ("2001-01-01 00:00:00 +99:99", WHOLE + "'2001-01-01 00:00:00 +99:99'"),
        ("!!null x", WHOLE + "x"),
        ("=", WHOLE + "'='"),
        ("<<", WHOLE + "'<<'"),
        ("!!binary =", TAG),
        ("!!binary aGVsbG8=", TAG),
        ("!!set {a}", TAG),
        ("!!set x", TAG),
        ("!!omap [a: 1]", TAG),
        ("!!pairs [a: 1]", TAG),
        ("!!str {a: 1}", TAG),
        ("!!map x", TAG),
        ("!!seq x", TAG),
        ("!!int [1]", TAG),
        ("!secret x", TAG),
        ("!secret [x]", TAG),
        ("!secret {a: 1}", TAG),
        ("!<tag:x,2002:y> x", TAG),
        ("!!python/name:os.system x", TAG),
        ("!!python/object/apply:os.system [x]", TAG),
        (
            '"\\ud800"',
            "has a character that is not valid Unicode: write the character itself, in UTF-8",
        ),
    ],
    ids=lambda value: value[:30],
)
def test_values_that_are_not_what_their_tag_says(tmp_path: Path, value: str, message: str) -> None:
    text = f"accounts:\n- name: a\n  api_key: k\n  max_series: {value}\n"
    assert complain(tmp_path, text) == [f"config.yaml:4: accounts[0].max_series: {message}"]


def test_a_bad_value_may_be_repeated_by_an_alias(tmp_path: Path) -> None:
    text = "accounts: [{name: a, api_key: k, max_series: &n !!int '', own_score: *n}]"
    assert complain(tmp_path, text) == [
        "config.yaml:1: accounts[0].max_series: must be a whole number, not ''",
        "config.yaml:1: accounts[0].own_score: must be true or false, not ''",
    ]


@pytest.mark.parametrize(
    ("account", "limit", "own_score"),
    [
        ("{<<: *one}", 1, True),
        ("{<<: [*one, *two]}", 1, False),
        ("{<<: [*two, *one]}", 2, False),
        ("{<<: *one, max_series: 3}", 3, True),
        ("{max_series: 3, <<: *one}", 3, True),
        ("{<<: {<<: *one, own_score: false}}", 1, False),
        ("{max_series: !!int '4', !!str own_score: !!bool no}", 4, False),
        ("{'own_score': off, max_series: 0x10}", 16, False),
    ],
)
def test_merges_and_standard_tags(
    tmp_path: Path, account: str, limit: int, own_score: bool
) -> None:
    text = f"""
accounts:
  - &one {{name: one, api_key: k, max_series: 1}}
  - &two {{name: two, api_key: k, max_series: 2, own_score: false}}
  - {account[:-1]}, name: three, api_key: k}}
"""
    found = load(tmp_path, text).accounts[2]
    assert (found.name, found.max_series, found.own_score) == ("three", limit, own_score)


VALUES = """
all, k, 1d, true, 0, -1, 1e400, ${A}, ${, *a, &a k, <<, ~, '', [], {}, ., /, /nowhere, "a:b"
=, 0123, 0x1F, 1:30, 1:1:1.5, .nan, 2026-99-99, 2026-01-02, https://[, http://a:b, "\\ud800", "\\0"
$${, $A, %(a)s, '[', '[!', '*[a-', ' x ', "a\\nb", x-a
"""
TAGS = """
!!str !!int !!float !!bool !!null !!timestamp !!binary !!set !!omap !!pairs !!map !!seq !!merge
!!value !!yaml !!python/none !!python/name:os.system !!python/object/apply:os.system !secret ! !<x>
"""
WORDS = st.sampled_from(CONFIG_KEYS + VALUES.strip().replace("\n", ", ").split(", "))
MARKS = st.sampled_from(["", "", "", "&a ", *(f"{tag} " for tag in TAGS.split())])


def write_collections(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
    pairs = st.lists(st.tuples(MARKED_WORDS, inner), max_size=5)
    maps = pairs.map(lambda pairs: f"{{{', '.join(f'{key}: {item}' for key, item in pairs)}}}")
    return st.builds("{}{}".format, MARKS, lists | maps)


MARKED_WORDS = st.builds("{}{}".format, MARKS, WORDS)
YAML = st.recursive(MARKED_WORDS, write_collections, max_leaves=12)
# Whatever else a keyboard writes, with the characters that mean something to YAML.
SCRIBBLE = st.text(st.sampled_from("ab01 \n\t:-?,[]{}&*!|>'\"%@`#=<.~\\x${}\x00\x85\ufeff\ud800"))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(YAML | st.builds("accounts: [{{name: a, {}: {}}}]".format, WORDS, YAML) | SCRIBBLE)
@example("accounts: [{name: a, api_key: k, max_series: !!int ''}]")
@example("accounts: [{name: a, api_key: k, subusers: {include: ['[z-a]', '[[a]', '[a&&b]']}}]")
def test_no_file_causes_a_traceback(tmp_path: Path, text: str) -> None:
    text = text.encode(errors="replace").decode()
    with contextlib.suppress(ConfigError):
        for account in load(tmp_path, text, A="a").accounts:
            assert "a" not in (account.subusers or SubuserSelection()) or account.name
