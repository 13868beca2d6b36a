"""Strict YAML files: the place of each value, `${NAME}` replaced, all mistakes at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from seq_exporter.config.secret import hide_keys
from seq_exporter.errors import ConfigError
from seq_exporter.threads import read_file

#: The keys and indexes that lead to a value: `("accounts", 2, "api_key_file")`.
Place = tuple[str | int, ...]

#: The first character of the tag of each form of a key. pydantic adds the tags to its places, where
#: they are not keys; no key of a file begins with this character, because YAML forbids it.
ALTERNATIVE = "\0"

_UNKNOWN_KEY = "unknown key"

# Aliases of aliases can expand to billions of values.
_MOST_VALUES = 500_000

# In YAML's messages: an alias or a tag, which may be a secret in the wrong place; not a single
# character or the name of a token.
_QUOTED_WORD = re.compile(r" '[^'<\\][^']+'.*")

_VARIABLE = re.compile(r"\$\{([^}]*)\}?")
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

    `positions` holds the line and column of each value, from 1. `problems` are the mistakes found
    so far: repeated keys, unset variables, and API keys in the wrong place.
    """

    path: Path
    raw: Any
    value: Any
    positions: Mapping[Place, tuple[int, int]]
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
            ordered = sorted(by_place.values(), key=lambda problem: self._position(problem.place))
            heading = [f"{self.path}: {len(ordered)} mistakes"] if len(ordered) > 1 else []
            raise ConfigError("\n".join([*heading, *map(self._describe, ordered)]))
        return result

    def _position(self, place: Place) -> tuple[int, int]:
        while place and place not in self.positions:
            place = place[:-1]
        return self.positions.get(place, (1, 1))

    def _describe(self, problem: Problem) -> str:
        value = _look_up(self.raw, problem.place)
        message = problem.message.replace("{kind}", _kind_of(value))
        message = message.replace("{value}", _quote(value))
        where = f"{self.path}:{self._position(problem.place)[0]}: "
        place = f"{_dotted(problem.place)}: " if problem.place else ""
        return hide_keys(where + place + message)


def read_document(path: Path, environ: Mapping[str, str] | None) -> Document:
    """Read the YAML file at `path`, and replace `${NAME}` in its texts from `environ`.

    If `environ` is None, texts are taken as they are.
    Raises ConfigError if the file cannot be read or is not YAML.
    """
    try:
        text = read_file(path).decode("utf-8-sig")
    except OSError as err:
        raise ConfigError(f"{path}: cannot be read: {err.strerror}") from err
    except UnicodeError:
        raise ConfigError(f"{path}: is not UTF-8 text: save it as UTF-8") from None
    reader = _Reader(environ or {})
    try:
        raw = reader.read(text)
        value = raw if environ is None else reader.replace_variables(raw, ())
    except yaml.MarkedYAMLError as err:
        # Not str(err) and not `from err`: they quote the line, which may hold a key.
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        problem = _QUOTED_WORD.sub("", str(err.problem))
        raise ConfigError(f"{path}:{line}: is not valid YAML: {problem}") from None
    except (yaml.YAMLError, RecursionError):
        raise ConfigError(
            f"{path}: is not valid YAML: it has a character that YAML forbids, "
            "or expands without end"
        ) from None
    return Document(path, raw, value, reader.positions, tuple(reader.problems))


@dataclass(slots=True)
class _Reader:
    """Builds plain data from YAML, and notes the position of each value and the mistakes."""

    environ: Mapping[str, str]
    positions: dict[Place, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def read(self, text: str) -> Any:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            return None if node is None else self._build(loader, node, ())
        finally:
            loader.dispose()

    def _build(self, loader: yaml.SafeLoader, node: yaml.Node, place: Place) -> Any:
        self.positions[place] = _position_of(node)
        if len(self.positions) > _MOST_VALUES:
            raise yaml.YAMLError
        if isinstance(node, yaml.SequenceNode):
            return [self._build(loader, item, (*place, i)) for i, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            try:
                value = loader.construct_object(node)
                str(value)  # no message could quote a number of more than 4,300 digits
            except (ValueError, KeyError, AttributeError, IndexError, OverflowError):
                # A date that does not exist, `!!bool maybe` or `!!int ""`: keep it as text.
                return node.value
            return value
        self._note_repeated_keys(node, place)
        loader.flatten_mapping(node)
        result = {}
        for key_node, value_node in node.value:
            key = _key(key_node)
            result[key] = self._build(loader, value_node, (*place, key))
            self.positions[*place, key] = _position_of(key_node)
        return result

    def _note_repeated_keys(self, node: yaml.MappingNode, place: Place) -> None:
        keys = [_key(key_node) for key_node, _ in node.value]
        self.problems.extend(
            Problem((*place, key), "appears more than once: keep one")
            for key in dict.fromkeys(keys)
            if keys.count(key) > 1
        )

    def replace_variables(self, value: Any, place: Place) -> Any:
        """Return `value` with the variables in its texts replaced."""
        if isinstance(value, dict):
            return {key: self.replace_variables(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.replace_variables(item, (*place, i)) for i, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        if _WHOLE_KEY.search(value) and place[-1:] != ("api_key",):
            self.problems.append(Problem(place, "seems to contain an API key: move it to api_key"))
        return _VARIABLE.sub(lambda match: self._look_up_variable(match, place), value)

    def _look_up_variable(self, match: re.Match[str], place: Place) -> str:
        name = match[1]
        if not (match[0].endswith("}") and _NAME.fullmatch(name)):
            message = "has a '${' that does not begin a variable: write ${NAME}"
        elif name not in self.environ:
            message = f"the environment variable {name} is not set: set it, or correct the name"
        else:
            return self.environ[name]
        self.problems.append(Problem(place, message))
        return ""


def _position_of(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _key(node: yaml.Node) -> str:
    """Return a key as it was written: YAML reads `no` as false, but every known key is text."""
    return node.value if isinstance(node, yaml.ScalarNode) else "?"


def _explain(err: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    for error in err.errors(include_url=False):
        place = tuple(part for part in error["loc"] if not str(part).startswith(ALTERNATIVE))
        context = error.get("ctx", {})
        if error["type"] == "value_error":
            message = str(context["error"])
        elif error["type"] == "extra_forbidden":
            message = _unknown_key(str(place[-1]), _known_keys(model, place[:-1]))
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


def _quote(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return _kind_of(value)
    if isinstance(value, bool):  # as YAML writes it, not as Python
        return str(value).lower()
    return repr(value) if isinstance(value, str) else str(value)


def _dotted(place: Place) -> str:
    """Return a place as users write it: `accounts[2].api_key_file`."""
    # Without a space, `api_key:SG...` is one name: show only the part before the colon.
    names = (f"[{part}]" if isinstance(part, int) else f".{part.split(':')[0]}" for part in place)
    return "".join(names)[1:]
