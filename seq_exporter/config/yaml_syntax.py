"""YAML's syntax: nodes to plain values, merges, and the line of each error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from seq_exporter.config.yaml_nodes import check_bounds

#: A longer file takes minutes to read.
MOST_BYTES = 10 * 2**20

_STANDARD = "tag:yaml.org,2002:"
_MERGE = _STANDARD + "merge"

# As values, `=` and `<<` are text.
_TEXT_TAGS = {_STANDARD + kind for kind in ("str", "value", "merge")}
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_CONSTRUCTORS: Mapping[str, Callable[[yaml.ScalarNode], Any]] = {
    _STANDARD + "bool": _CONSTRUCTOR.construct_yaml_bool,
    _STANDARD + "float": _CONSTRUCTOR.construct_yaml_float,
    _STANDARD + "int": _CONSTRUCTOR.construct_yaml_int,
    _STANDARD + "null": _CONSTRUCTOR.construct_yaml_null,
    _STANDARD + "timestamp": _CONSTRUCTOR.construct_yaml_timestamp,
}

# In YAML's messages: an alias or a tag, which may be a secret in the wrong place; not a single
# character or the name of a token.
_QUOTED_WORD = re.compile(r" '[^'<\\][^']+'.*")

# A suggested fix for each of YAML's messages, by a part of it.
_FIXES = (
    ("undefined alias", "define it with `&` above this line, or put the text in quotes"),
    ("another document", "keep one document, and remove the line `---`"),
    ("'\\t'", "indent with spaces"),
    ("cannot start any token", "put the text in quotes"),
    ("mapping values are not allowed", "correct the indentation, or put the text in quotes"),
    ("for merging", "write `<<: *NAME`, with the anchor `&NAME` of a mapping"),
    ("", "check the quotes, the brackets and the indentation"),
)

# What began earlier and has no end, which YAML notices lines later: by a part of its message, and
# by a part of what it was reading.
_WITHOUT_END = (
    ("end of stream", "quoted scalar", "a quote that begins here has no end: close it"),
    ("expected ':'", "simple key", "a key needs a colon and a blank: write `key: value`"),
    ("expected ','", "flow", "a bracket that opens here has no end, or a comma is missing"),
)

_SURROGATE = re.compile(r"[\ud800-\udfff]")

Pairs = Mapping[str, tuple[yaml.Node, yaml.Node]]


def has_known_tag(node: yaml.Node) -> bool:
    """Whether `node` is text, a boolean, a number, a date, nothing, a list or a mapping.

    YAML's other types (`!!set`, `!!binary`) and the tags of other programs (`!secret`) are not
    known, nor is a tag on a node of another kind (`!!int [1]`).
    """
    if isinstance(node, yaml.ScalarNode):
        return node.tag in _TEXT_TAGS or node.tag in _CONSTRUCTORS
    kind = "seq" if isinstance(node, yaml.SequenceNode) else "map"
    return node.tag == _STANDARD + kind


def construct_scalar(node: yaml.ScalarNode) -> Any:
    """Return the value of a scalar; its text if it is not what its tag says.

    `!!int ""`, `!!bool maybe`, a date that does not exist: PyYAML raises whatever its parsing
    meets. The text is then refused like any other value of the wrong type.
    """
    construct = _CONSTRUCTORS.get(node.tag)
    if construct:
        try:
            return construct(node)
        except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError):
            pass
    return node.value


def is_unicode(text: str) -> bool:
    r"""Whether `text` can be encoded: `"\ud800"` is half a character."""
    return not _SURROGATE.search(text)


def replace_surrogates(text: str) -> str:
    """Return `text` with every half of a character replaced, so that it can be encoded."""
    return _SURROGATE.sub("\ufffd", text)


def key_of(node: yaml.Node) -> str:
    """Return a key as it was written: YAML reads `no` as false, but every known key is text.

    It never has the character NUL.
    """
    if not isinstance(node, yaml.ScalarNode):
        return "?"
    return replace_surrogates(node.value).replace("\0", "\ufffd")


class Merges:
    """The pairs of mappings, including those that `<<` merges from other mappings.

    PyYAML's own merging repeats a pair for each way that leads to it: a few lines could expand to
    billions.
    """

    def __init__(self) -> None:
        # None for a mapping whose pairs are being listed.
        self._found: dict[int, Pairs | None] = {}
        self._merged = 0

    def list_pairs(self, node: yaml.MappingNode, level: int = 0) -> Pairs:
        """Return the key and value nodes by key. A mapping's own pairs win over merged ones.

        Of several merged mappings, the first wins. Raises MarkedYAMLError.
        """
        if id(node) in self._found:
            found = self._found[id(node)]
            if found is None:
                problem = "a mapping merges itself: remove the `<<`"
                raise yaml.MarkedYAMLError(note=problem, problem_mark=node.start_mark)
            return found
        self._found[id(node)] = None
        own = {key_of(key): (key, value) for key, value in node.value if key.tag != _MERGE}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for _, value in (pair for pair in node.value if pair[0].tag == _MERGE):
            for each in _list_merged(value):
                pairs = self.list_pairs(each, level + 1)
                self._merged += len(pairs)
                check_bounds(self._merged, level, node.start_mark)
                for key, pair in pairs.items():
                    merged.setdefault(key, pair)
        pairs = self._found[id(node)] = {**merged, **own}
        return pairs


def _list_merged(node: yaml.Node) -> list[yaml.MappingNode]:
    listed = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for each in listed:
        if not isinstance(each, yaml.MappingNode):
            problem = "expected a mapping or list of mappings for merging"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=each.start_mark)
    return list(listed)


def explain(err: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Return the line of an error, from 1, and its message with a suggested fix.

    The message does not quote the text, which may hold a key.
    """
    if isinstance(err, yaml.reader.ReaderError):
        line = text.count("\n", 0, err.position) + 1
        character = f"U+{err.character:04X}"
        return line, f"is not valid YAML: it has the forbidden character {character}: remove it"
    if not isinstance(err, yaml.MarkedYAMLError):  # of PyYAML's classes, the base of both
        return 1, "is not valid YAML: check it with a YAML linter"
    line = err.problem_mark.line + 1 if err.problem_mark else 1
    if err.note:
        return line, err.note
    begun_at = err.context_mark.line + 1 if err.context_mark else line
    if begun_at < line:
        for part, context, message in _WITHOUT_END:
            if part in str(err.problem) and context in str(err.context):
                return begun_at, f"is not valid YAML: {message}"
        if "<block end>" in str(err.problem):
            return line, "is not valid YAML: the indentation does not fit the lines above: align it"
    problem = _QUOTED_WORD.sub("", str(err.problem)).removeprefix("but ")
    fix = next(fix for part, fix in _FIXES if part in problem)
    if "${" in "".join(text.splitlines()[line - 1 : line]):
        fix = "put ${NAME} in quotes"  # within braces and brackets, YAML takes its brace for one
    return line, f"is not valid YAML: {problem}: {fix}"
