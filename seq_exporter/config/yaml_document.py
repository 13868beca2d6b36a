"""Strict YAML files: the place of each value, `${NAME}` replaced, all mistakes at once."""

from __future__ import annotations

import difflib
import errno
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from seq_exporter.config.secret import hide_keys, is_placeholder
from seq_exporter.config.yaml_nodes import check_bounds, compose
from seq_exporter.config.yaml_syntax import (
    MOST_BYTES,
    Merges,
    construct_scalar,
    explain,
    has_known_tag,
    is_unicode,
    key_of,
    replace_surrogates,
)
from seq_exporter.errors import ConfigError
from seq_exporter.threads import read_file

#: The keys and indexes that lead to a value: `("accounts", 2, "api_key_file")`.
Place = tuple[str | int, ...]

#: The first character of the tag of each form of a key. pydantic adds the tags to its places, where
#: they are not keys; no key of a file has this character, because the reader replaces it.
ALTERNATIVE = "\0"

_UNKNOWN_KEY = "unknown key"

# Longer texts and more mistakes would fill the terminal or the log.
_MOST_QUOTED = 500
_MOST_SHOWN = 100

# `$${` is the text `${`; its match has no name.
_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHOLE_KEY = re.compile(r"SG\.[\w-]{16,}\.[\w-]{16,}")

#: The message for each kind of mistake that pydantic finds. `{value}` is what the user wrote, and
#: `{kind}` only its type: where a section is expected, the value may be a misplaced secret. Other
#: names are from pydantic's context of the mistake.
_MESSAGES = {
    "bool_type": "must be true or false, not {value}",
    "dict_type": "must be a mapping (lines of `key: value`), not {kind}",
    "int_type": "must be a whole number, not {value}",
    "list_type": "must be a list (lines that begin with `-`), not {kind}",
    "literal_error": "must be {expected}, not {value}",
    "missing": "is missing: add it",
    "model_type": "must be a mapping (lines of `key: value`), not {kind}",
    "string_type": "must be text, not {value}: put it in quotes",
    "string_too_long": "is too long: shorten it to {max_length} characters",
    "string_too_short": "is empty: give it a value",
    "too_short": "is empty: name at least one",
}

_Model = TypeVar("_Model", bound=BaseModel)


class Section(BaseModel):
    """A mapping of a file: unknown keys and values of the wrong type are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of the user: its place, and a message that says what to do."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was written (`raw`), and with its variables replaced (`value`).

    `nodes` finds where a value is written, and how: `0123` is the number 83. `problems` are the
    mistakes found so far: repeated keys, unknown tags, unset variables, and API keys in the wrong
    place. A list of plain values that aliases repeat is one list, and so are its mistakes.
    """

    path: Path
    raw: Any
    value: Any
    nodes: Nodes
    problems: tuple[Problem, ...]

    def validate(
        self, model: type[_Model], context: Mapping[str, Any], more: Iterable[Problem] = ()
    ) -> _Model:
        """Return the document as `model`.

        Raises ConfigError with a line for each mistake: `problems`, those that the model finds, and
        `more`; in the order of the file, and one for each place.
        """
        result, found = None, []
        try:
            result = model.model_validate(self.value, context=dict(context))
        except ValidationError as err:
            found = list(_explain(err, model))
        by_place: dict[Place, Problem] = {}
        # A misspelt key is reported as unknown, even if its value is wrong too.
        unknown = [problem for problem in found if problem.message.startswith(_UNKNOWN_KEY)]
        for problem in (*unknown, *self.problems, *found, *more):
            by_place.setdefault(problem.place, problem)
        if by_place or result is None:
            raise ConfigError(self._list(by_place.values()))
        return result

    def _list(self, problems: Iterable[Problem]) -> str:
        ordered = sorted(problems, key=lambda problem: self.nodes.find_position(problem.place))
        lines = [self._describe(problem) for problem in ordered[:_MOST_SHOWN]]
        heading = f"{self.path}: {len(ordered)} mistakes"
        if len(ordered) > _MOST_SHOWN:
            heading += f", of which these are the first {_MOST_SHOWN}"
        return "\n".join([heading, *lines] if len(ordered) > 1 else lines)

    def _describe(self, problem: Problem) -> str:
        value = _look_up(self.raw, problem.place)
        message = problem.message.replace("{kind}", _kind_of(value))
        message = message.replace("{value}", self._quote(problem.place, value))
        where = f"{self.path}:{self.nodes.find_position(problem.place)[0]}: "
        place = f"{_dotted(problem.place)}: " if problem.place else ""
        return hide_keys(where + place + message)

    def _quote(self, place: Place, value: Any) -> str:
        """Return what the file says: not 83 for `0123`, nor Python's False for `no`."""
        if not isinstance(value, str):
            written = self.nodes.find_text(place)
            return _kind_of(value) if written is None else _shorten(written) or "nothing"
        text = repr(_shorten(value))
        # The value of a variable is not shown: it may be a secret in the wrong place.
        is_replaced = self.raw is not self.value and _has_variable(value)
        return f"{text} (the variable replaced by its text)" if is_replaced else text


def read_document(path: Path, environ: Mapping[str, str] | None) -> Document:
    """Read the YAML file at `path`, and replace `${NAME}` in its texts from `environ`.

    If `environ` is None, texts are taken as they are; otherwise the white space around them is
    removed, and so are the `x-...` keys at the top.
    Raises ConfigError if the file cannot be read, is not YAML, or is too large.
    """
    text = _read_text(path)
    reader = _Reader(environ or {})
    try:
        root = compose(text)
        raw = reader.build(root)
    except yaml.YAMLError as err:
        # Not str(err) and not `from err`: they quote the line, which may hold a key.
        line, message = explain(err, text)
        raise ConfigError(f"{path}:{line}: {message}") from None
    value = raw if environ is None else reader.resolve(raw)
    return Document(path, raw, value, Nodes(root, reader.merges), tuple(reader.problems))


def _read_text(path: Path) -> str:
    try:
        return read_file(path, most_bytes=MOST_BYTES).decode("utf-8-sig")
    except OSError as err:
        if err.errno == errno.EFBIG:
            size = f"{MOST_BYTES // 2**20} MiB"
            raise ConfigError(
                f"{path}: is larger than {size}: shorten it, for example with globs"
            ) from None
        raise ConfigError(
            f"{path}: cannot be read: {err.strerror}: correct the path, or let this user read it"
        ) from err
    except UnicodeError:
        raise ConfigError(f"{path}: is not UTF-8 text: save it as UTF-8") from None


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a file, by place. Only mistakes ask for them."""

    _root: yaml.Node | None
    _merges: Merges

    def find_position(self, place: Place) -> tuple[int, int]:
        """Return the line and column of a value, from 1, or those of what it would be in."""
        *_, (mark, _) = self._walk(place)
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)

    def find_text(self, place: Place) -> str | None:
        """Return how a number, a boolean, a date or an empty value is written, if one is there."""
        steps = list(self._walk(place))
        node = steps[-1][1]
        is_there = len(steps) == len(place) + 1
        return node.value if is_there and isinstance(node, yaml.ScalarNode) else None

    def _walk(self, place: Place) -> Iterator[tuple[yaml.Mark | None, yaml.Node | None]]:
        """Yield the mark and the node of the root, and of each part of the place that is there."""
        node = self._root
        yield (node.start_mark if node else None), node
        for part in place:
            if isinstance(node, yaml.MappingNode) and part in self._merges.list_pairs(node):
                key, node = self._merges.list_pairs(node)[str(part)]
            elif isinstance(node, yaml.SequenceNode) and part in range(len(node.value)):
                key = node = node.value[int(part)]
            else:
                return
            yield key.start_mark, node


@dataclass(slots=True)
class _Reader:
    """Builds plain data from YAML, and notes the mistakes."""

    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    merges: Merges = field(default_factory=Merges)
    _values: int = 0
    # Lists of plain values, by the identity of what they were made from. An alias repeats a list
    # for each account: a thousand copies of a long one would fill the memory.
    _built: dict[int, list[Any]] = field(default_factory=dict)
    _resolved: dict[int, list[Any]] = field(default_factory=dict)

    def build(self, node: yaml.Node | None, place: Place = ()) -> Any:
        if node is None:
            return None
        self._values += 1
        check_bounds(self._values, len(place), node.start_mark)
        if id(node) in self._built:
            return self._built[id(node)]
        if not has_known_tag(node):
            # The tag is not quoted: it may be a password that begins with an exclamation mark.
            message = "has a YAML tag (`!...`) that is not known here: remove it"
            self.problems.append(Problem(place, f"{message}, or put the text in quotes"))
        if isinstance(node, yaml.SequenceNode):
            return self._build_list(node, place)
        if isinstance(node, yaml.MappingNode):
            return self._build_mapping(node, place)
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - YAML has no other kind
        value = construct_scalar(node)
        return self._check_unicode(value, place) if isinstance(value, str) else value

    def _build_list(self, node: yaml.SequenceNode, place: Place) -> list[Any]:
        values = [self.build(item, (*place, i)) for i, item in enumerate(node.value)]
        if all(isinstance(item, yaml.ScalarNode) for item in node.value):
            self._built[id(node)] = values
        return values

    def _build_mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        self._note_bad_keys(node, place)
        return {
            key: self.build(value_node, (*place, key))
            for key, (_, value_node) in self.merges.list_pairs(node).items()
        }

    def _note_bad_keys(self, node: yaml.MappingNode, place: Place) -> None:
        keys = [key_of(key_node) for key_node, _ in node.value]
        self.problems.extend(
            Problem((*place, key), "appears more than once: keep one")
            for key, count in Counter(keys).items()
            if count > 1
        )
        self.problems.extend(
            Problem((*place, key_of(key_node)), "is not a key: write `key: value`")
            for key_node, _ in node.value
            if not isinstance(key_node, yaml.ScalarNode)
        )

    def _check_unicode(self, text: str, place: Place) -> str:
        """Return `text` in a form that can be encoded; that it could not is a mistake."""
        if is_unicode(text):
            return text
        message = "has a character that is not valid Unicode: write the character itself, in UTF-8"
        self.problems.append(Problem(place, message))
        return replace_surrogates(text)

    def resolve(self, value: Any, place: Place = ()) -> Any:
        """Return the document with the variables in its texts replaced.

        Without the `x-...` keys at its top, which hold anchors for other places: a variable that is
        used nowhere need not be set.
        """
        if isinstance(value, dict):
            return {
                key: self.resolve(item, (*place, key))
                for key, item in value.items()
                if place or not key.startswith("x-")
            }
        if isinstance(value, list):
            return self._resolve_list(value, place)
        return self._resolve_text(value, place) if isinstance(value, str) else value

    def _resolve_list(self, values: list[Any], place: Place) -> list[Any]:
        if id(values) in self._resolved:
            return self._resolved[id(values)]
        resolved = [self.resolve(item, (*place, i)) for i, item in enumerate(values)]
        if not any(isinstance(item, dict | list) for item in values):
            self._resolved[id(values)] = resolved
        return resolved

    def _resolve_text(self, text: str, place: Place) -> str:
        """Return a text without the white space around it, and with its variables replaced.

        Secrets and block scalars end with a line break, which nobody sees.
        """
        if is_placeholder(text) and not _has_variable(text):
            self.problems.append(
                Problem(place, "is not how a variable is written here: write ${NAME}")
            )
        text = _VARIABLE.sub(lambda match: self._look_up_variable(match, place), text).strip()
        if _WHOLE_KEY.search(text) and place[-1:] != ("api_key",):
            self.problems.append(Problem(place, "seems to contain an API key: move it to api_key"))
        return self._check_unicode(text, place)

    def _look_up_variable(self, match: re.Match[str], place: Place) -> str:
        name = match[1]
        if name is None:
            return "${"
        if not (match[0].endswith("}") and _NAME.fullmatch(name)):
            message = "has a '${' that does not begin a variable: write ${NAME}, or $${ for '${'"
        elif name not in self.environ:
            message = f"the environment variable {name} is not set: set it, or correct the name"
        else:
            return self.environ[name]
        self.problems.append(Problem(place, message))
        return ""


def _has_variable(text: str) -> bool:
    return any(match[1] is not None for match in _VARIABLE.finditer(text))


def _explain(err: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    for error in err.errors(include_url=False):
        place = tuple(part for part in error["loc"] if not str(part).startswith(ALTERNATIVE))
        context = error.get("ctx", {})
        if error["type"] == "value_error":
            message = str(context["error"])
        elif error["type"] == "extra_forbidden":
            message = _unknown_key(str(place[-1]), _known_keys(model, place[:-1]))
        elif error["type"] == "string_type" and error["input"] is None:
            message = "is empty: give it a value"
            message += ", or remove the `-`" if isinstance(place[-1], int) else ""
        elif error["type"] in _MESSAGES:
            message = _MESSAGES[error["type"]]
            for name, found in context.items():
                message = message.replace(f"{{{name}}}", str(found))
        else:
            message = f"is not allowed: {error['msg']}"
        yield Problem(place, message)


def _known_keys(model: type[BaseModel], place: Place) -> list[str]:
    """Return the keys of the section at `place`, from the annotations of the fields."""
    section: type[BaseModel] = model
    for part in place:
        if isinstance(part, str) and part in section.model_fields:
            found = next(_sections(section.model_fields[part].annotation), None)
            section = found or section
    return [field.alias or name for name, field in section.model_fields.items()]


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _sections(argument)


def _unknown_key(key: str, known: list[str]) -> str:
    if ":" in key:
        return f"{_UNKNOWN_KEY}: put a space after the colon"
    nearest = difflib.get_close_matches(key, known, n=1)
    if nearest:
        return f"{_UNKNOWN_KEY}; did you mean '{nearest[0]}'?"
    return f"{_UNKNOWN_KEY}; the keys known here are {', '.join(known)}"


def _look_up(value: Any, place: Place) -> Any:
    for part in place:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return None
    return value


def _kind_of(value: Any) -> str:
    if value is None:
        return "nothing"
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean"}
    return kinds.get(type(value), "a number")


def _shorten(text: str) -> str:
    # Hidden first: half a key would no longer be found.
    text = hide_keys(text)
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}..."


def _dotted(place: Place) -> str:
    """Return a place as users write it: `accounts[2].api_key_file`."""
    # Without a space, `api_key:SG...` is one name: show only the part before the colon.
    names = (f"[{part}]" if isinstance(part, int) else f".{_show_key(part)}" for part in place)
    return "".join(names)[1:]


def _show_key(key: str) -> str:
    name = _shorten(key.split(":")[0])
    return name if name and name.isprintable() else repr(name)
