"""Nodes of YAML: the same, with the same marks and errors, with and without libyaml."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from seq_exporter.config.yaml_nodes import compose
from tests.support import ROOT
from tests.unit.config.test_yaml_syntax import SCRIBBLE, YAML

pytestmark = pytest.mark.skipif(
    not yaml.__with_libyaml__, reason="this build of PyYAML is without libyaml"
)

NAMES = "# a fleet\naccounts:\n- name: acme\n  subusers:\n  - shop-de\n  - 'it''s'\n  - \"a\\n\"\n"


def plain(node: yaml.Node | None, seen: dict[int, int]) -> Any:
    """Return a node as plain data: its tag, value and place; a repeated one as its number."""
    if node is None or id(node) in seen:
        return node and seen[id(node)]
    seen[id(node)] = len(seen)
    if isinstance(node, yaml.SequenceNode):
        value = [plain(item, seen) for item in node.value]
    elif isinstance(node, yaml.MappingNode):
        value = [(plain(key, seen), plain(item, seen)) for key, item in node.value]
    else:
        value = node.value
    return node.tag, value, node.start_mark.line, node.start_mark.column


def outcome(text: str, *, with_libyaml: bool) -> Any:
    """Return the document as plain data, or its error."""
    try:
        return plain(compose(text, with_libyaml=with_libyaml), {})
    except yaml.YAMLError as err:
        return type(err), str(err), getattr(err, "note", "")


def is_parsed_in_c(text: str) -> bool:
    node = compose(text)
    assert node
    return not isinstance(node.start_mark, yaml.Mark)


@pytest.mark.parametrize(
    "text",
    [
        NAMES,
        NAMES.replace("\n", "\r\n"),
        "--- # a list\nx: &names [a, b]\naccounts: [{subusers: *names, <<: {a: '${A}'}}]\n...\n",
        "key: |\n  k\nb\u00fcro: >-\n  \U0001f600\n",
        (ROOT / "config.example.yaml").read_text(),
    ],
)
def test_an_ordinary_file_is_parsed_in_c(text: str) -> None:
    assert is_parsed_in_c(text)
    assert outcome(text, with_libyaml=True) == outcome(text, with_libyaml=False)


DISPUTED = [
    *("a: 1\t", "\ta: 1", "!", "!b\t", "{a: b?c}", "a: |# text\n  b", "a: >-2#\n   b"),
    *(
        "- \u2028\ufeff",
        "a: b\x85c: d",
        "a: 1\rb: 2",
        "{a: }",
        "{a:\n\n}",
        "---",
        "--- \n...",
        "a: [",
    ),
]


@pytest.mark.parametrize("text", DISPUTED)
def test_where_they_differ_pyyaml_decides(text: str) -> None:
    assert outcome(text, with_libyaml=True) == outcome(text, with_libyaml=False)


PIECES = st.sampled_from(
    [
        *("a1:,[]{}#'?!%@`\t\n \\" + '"'),
        *("", "- ", ": ", ", ", "\n- ", "\n  ", " #", "&a ", "*a", "\\n", "\r\n"),
        *("|\n", ">-\n", "---", "..."),
    ]
)


@st.composite
def changed_files(draw: st.DrawFn) -> str:
    """Write a file of names, with some of its characters replaced by others."""
    text = draw(st.sampled_from([NAMES, "x: &a [b, c]\ny: {d: *a, <<: {e: f}}\n", "a: |\n b\n"]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(PIECES) + text[at + draw(st.integers(0, 3)) :]
    return text


@given(SCRIBBLE | YAML | st.lists(PIECES, max_size=12).map("".join) | changed_files())
@example("a: |#b")
@example("[a, b?c]")
def test_any_text_is_the_same_document_or_error(text: str) -> None:
    text = text.encode(errors="replace").decode()
    assert outcome(text, with_libyaml=True) == outcome(text, with_libyaml=False)


def test_a_build_without_libyaml_reads_the_same() -> None:
    node = compose(NAMES, with_libyaml=False)
    assert node
    assert isinstance(node.start_mark, yaml.Mark)
