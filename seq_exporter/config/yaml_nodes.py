"""Text to YAML nodes, within bounds; libyaml parses a text if PyYAML would see the same in it."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import yaml
from yaml.composer import Composer

#: A configuration of 100,000 usernames has a fifth of this. Aliases of aliases can expand to
#: billions of values.
MOST_VALUES = 500_000
#: A configuration has five levels. Python ends a recursion after 1,000 calls, and a list may even
#: contain itself.
MOST_LEVELS = 50

# libyaml takes tabs, tags, question marks and comments after `|` that PyYAML refuses, and it counts
# lines and columns in another way around rare line breaks and byte order marks.
_DISPUTED = re.compile(r"[\t!?\x85\u2028\u2029\ufeff]|\r(?!\n)|[|>][-+0-9]*#")


class _Bounded(Composer):
    """Composes nodes; refuses a document that is too large or too deep before it is in memory."""

    _nodes = 0
    _levels = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._nodes += 1
        self._levels += 1
        if self._nodes > MOST_VALUES or self._levels > MOST_LEVELS:
            event: Any = self.peek_event()  # type: ignore[attr-defined]
            check_bounds(self._nodes, self._levels, event.start_mark)
        node = super().compose_node(parent, index)
        self._levels -= 1
        return node


class _Loader(_Bounded, yaml.SafeLoader):
    """Parses in Python: what it makes of a text, and its errors, are what counts."""


if yaml.__with_libyaml__:

    class _FastLoader(_Bounded, yaml.CSafeLoader):
        """Parses in C, which takes a seventh of the time."""

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            Composer.__init__(self)

        def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
            event: Any = self.peek_event()
            if not event.value and event.implicit[0]:  # libyaml places it elsewhere
                raise yaml.YAMLError("an empty value")
            return super().compose_scalar_node(anchor)


def compose(text: str, *, with_libyaml: bool = yaml.__with_libyaml__) -> yaml.Node | None:
    """Return the one document in `text`, None if there is none. Raises yaml.YAMLError.

    The document, its marks and the errors are the same with and without libyaml.
    """
    if with_libyaml and not _DISPUTED.search(text):
        # PyYAML finds the mistake again, and explains it better.
        with contextlib.suppress(yaml.YAMLError, ValueError, OverflowError):
            return _compose_with(_FastLoader(text))
    loader = _Loader(text)
    try:
        return _compose_with(loader)
    except (ValueError, OverflowError):  # `\UFFFFFFFF`, or a version of 5,000 digits
        raise yaml.MarkedYAMLError(
            note="is not valid YAML: a number is out of range: correct it",
            problem_mark=loader.get_mark(),
        ) from None


def _compose_with(loader: Any) -> yaml.Node | None:
    try:
        document: yaml.Node | None = loader.get_single_node()
        return document
    finally:
        loader.dispose()


def check_bounds(values: int, levels: int, mark: yaml.Mark) -> None:
    """Raise MarkedYAMLError if a document of so many values and levels is too large."""
    if values > MOST_VALUES:
        problem = f"has more than {MOST_VALUES:,} values: remove some, or aliases of aliases"
        raise yaml.MarkedYAMLError(note=problem, problem_mark=mark)
    if levels > MOST_LEVELS:
        problem = (
            f"is nested more than {MOST_LEVELS} levels deep, or contains itself by an alias: "
            "remove the inner levels"
        )
        raise yaml.MarkedYAMLError(note=problem, problem_mark=mark)
