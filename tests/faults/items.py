"""What goes wrong with single items: each field in each way, and names of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from seq_exporter.scores import METRICS
from tests.faults.sendgrid import SUBUSERS_SCORES_PATH
from tests.faults.server import Exchange
from tests.faults.stage import NEW, Fault, Stage
from tests.support import KEY, day

_ABSENT: Any = object()
_NUMBERS = {
    "0": 0,
    "6": 6,
    "9000": 9000,
    "-1": -1,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "of 400 digits": 10**400,
}
_OTHERS = {"text": "4", "an object": {}, "a list": [4], "true": True}
_NOTHING = {"missing": _ABSENT, "null": None}
_WAYS = _NOTHING | _NUMBERS | _OTHERS

_HUGE = "x" * 1_000_000


def _with(change: Callable[[dict[str, Any]], Any]) -> Callable[[Stage], None]:
    def begin(stage: Stage) -> None:
        stage.sendgrid.change_item = change

    return begin


def _field(name: str, way: str, value: Any, kind: str | None, lost: Iterable[str]) -> Fault:
    """Return the fault of one field in the item of `a`, which costs `a` the scores in `lost`."""

    def change(item: dict[str, Any]) -> dict[str, Any]:
        target = item["metrics"] if name in METRICS else item
        target[name] = value
        if value is _ABSENT:
            del target[name]
        return item

    return Fault(
        f"{name} is {way}", _without("a", lost), {kind: 1} if kind else {}, begin=_with(change)
    )


def _without(user: str, names: Iterable[str]) -> dict[tuple[str, str], float]:
    return {key: score for key, score in NEW.items() if key not in {(user, name) for name in names}}


def _fields() -> Iterator[Fault]:
    for way, value in _WAYS.items():
        is_there = value is not _ABSENT and value is not None
        yield _field("score", way, value, "score" if is_there else None, ["overall"])
        yield _field("metrics", way, value, _metrics_kind(value), METRICS)
        for metric in METRICS:
            yield _field(metric, way, value, "metric" if is_there else None, [metric])
        # An earlier page told the name of user 1: it is still `a`.
        yield from _username(way, value) if way != "text" else ()
        yield _field("date", way, value, None if value is _ABSENT else "date", [])
        yield from _user_id(way, value)


def _metrics_kind(value: Any) -> str | None:
    # An object without the five is what it is, and nothing odd.
    return None if value is _ABSENT or value in (None, {}) else "metrics"


def _username(way: str, value: Any) -> Iterator[Fault]:
    is_there = value is not _ABSENT and value is not None
    yield _field("username", way, value, "username" if is_there else None, [])


def _user_id(way: str, value: Any) -> Iterator[Fault]:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value < 10**255
    is_accepted = is_number or isinstance(value, str)
    lost = [] if is_accepted else ["overall", *METRICS]
    yield _field("user_id", way, value, None if is_accepted else "user_id", lost)


def _named(name: str, username: str, label: str, kind: str | None = None) -> Fault:
    """Return the fault of a username of `a`, which the page shows as `label`."""
    shows = {(label if user == "a" else user, of): score for (user, of), score in NEW.items()}
    change = _with(lambda item: item | {"username": username})
    return Fault(f"a username {name}", shows, {kind: 1} if kind else {}, begin=change)


def _names() -> Iterator[Fault]:
    yield _named("that is empty", "", "a", "username")
    yield _named("of a million characters", _HUGE, "a", "username")
    yield _named("of 256 characters", "x" * 256, "x" * 256)
    yield _named("with quotes", '"a"', '"a"')
    yield _named("with newlines", "a\nb\r\n", "a\nb\r\n")
    yield _named("with backslashes", "a\\n\\", "a\\n\\")
    yield _named("with NUL", "a\0b", "a\0b")
    yield _named("with bidirectional marks", "a\u202eb\u2066", "a\u202eb\u2066")
    yield _named("with half a surrogate pair", "a\ud800", "a?")
    yield _named("that is a script", "<script>alert(1)</script>", "<script>alert(1)</script>")
    yield _named("that closes the labels", 'a"} 5\n# EOF\n', 'a"} 5\n# EOF\n')
    yield _named("that is the key", KEY, "***")
    yield _escaped()
    yield _in_use()


def _escaped() -> Fault:
    """Return the fault of a key that JSON writes in another way."""
    shows = {("***" if user == "a" else user, of): score for (user, of), score in NEW.items()}

    def answer(stage: Stage, exchange: Exchange) -> None:
        if exchange.path != SUBUSERS_SCORES_PATH or "after_key" in exchange.query:
            stage.sendgrid.answer(exchange)
            return
        escaped = "".join(f"\\u{ord(char):04x}" for char in KEY)
        page = stage.sendgrid.page(exchange, day(5))
        page["result"][0]["username"] = "PLACE"
        exchange.reply(200, json.dumps(page).replace("PLACE", escaped).encode())

    return Fault("a username that is the key, escaped", shows, {}, answer)


def _digits() -> Iterator[Fault]:
    """Yield faults of integers with 5,000 digits, which json.loads does not convert."""
    for name, kind, lost in (
        ("score", "score", ["overall"]),
        ("user_id", "user_id", ["overall", *METRICS]),
        ("username", "username", []),
    ):

        def answer(stage: Stage, exchange: Exchange, name: str = name) -> None:
            if exchange.path != SUBUSERS_SCORES_PATH or exchange.query["date"] != str(day(5)):
                stage.sendgrid.answer(exchange)
                return
            page = stage.sendgrid.page(exchange, day(5))
            if "after_key" not in exchange.query:
                page["result"][0][name] = "PLACE"
            exchange.reply(200, json.dumps(page).replace('"PLACE"', "9" * 5000).encode())

        yield Fault(f"{name} of 5,000 digits", _without("a", lost), {kind: 1}, answer)


def _in_use() -> Fault:
    """Return the fault of a second user `b`: the first keeps the name, the other is a number."""
    labels = {"a": "1", "b": "b", "own": "own"}
    shows = {(labels[user], of): score for (user, of), score in NEW.items()}
    change = _with(lambda item: item | {"username": "b"})
    return Fault("a username that is in use", shows, {"duplicate_username": 1}, begin=change)


def _items() -> Iterator[Fault]:
    all_of_a = ["overall", *METRICS]
    for way, value in (_NUMBERS | _OTHERS | {"null": None}).items():
        if way != "an object":
            change = _with(lambda item, value=value: value)  # type: ignore[misc]
            yield Fault(f"an item is {way}", _without("a", all_of_a), {"item": 1}, begin=change)
    empty = _with(lambda item: {})
    yield Fault("an item is {}", _without("a", all_of_a), {"user_id": 1}, begin=empty)


FAULTS = [*_fields(), *_digits(), *_names(), *_items()]
