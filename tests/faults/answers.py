"""What goes wrong with whole answers: statuses, bodies, pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faults.sendgrid import SUBUSERS_SCORES_PATH
from tests.faults.server import Exchange
from tests.faults.stage import FEW_USERS, HELD, NEW, Fault, Stage
from tests.support import day

OWN_IS_NEW = {**HELD, **{key: score for key, score in NEW.items() if key[0] == "own"}}


def _status(status: int, reason: str, *headers: str, name: str = "") -> Fault:
    """Return a fault of every answer, whose body and headers quote the key."""

    def answer(stage: Stage, exchange: Exchange) -> None:
        said = {"errors": [{"message": f"{name or status}: you sent {exchange.authorization}"}]}
        echo = f"X-Echo: {exchange.authorization}"
        exchange.reply(status, json.dumps(said).encode(), echo, *headers)

    return Fault(name or f"{status}", HELD, {reason: 1}, answer)


def _limited(what: str, *headers: str) -> Fault:
    return _status(429, "rate_limited", *headers, name=f"429 {what}")


def _redirect(status: int) -> Fault:
    def answer(stage: Stage, exchange: Exchange) -> None:
        exchange.reply(status, b"", f"Location: {stage.stranger.url}/?{exchange.authorization}")

    return Fault(f"{status} to another host", HELD, {"unexpected_status": 1}, answer)


def _body(name: str, body: bytes) -> Fault:
    return Fault(
        name, HELD, {"malformed_response": 1}, lambda stage, exchange: exchange.reply(200, body)
    )


def _quoting(name: str, body: str, encoding: str = "utf-8") -> Fault:
    return Fault(
        name,
        HELD,
        {"malformed_response": 1},
        lambda stage, exchange: exchange.reply(
            200, body.replace("KEY", exchange.authorization).encode(encoding)
        ),
    )


def _result(name: str, result: Any) -> Fault:
    return _body(f"a result that is {name}", json.dumps({"result": result}).encode())


def _paged(
    name: str,
    change: Callable[[dict[str, Any], bool], Any],
    reason: str | None = None,
) -> Fault:
    """Return a fault of the subusers' pages; `change` is told whether it is the first."""

    def answer(stage: Stage, exchange: Exchange) -> None:
        if exchange.path != SUBUSERS_SCORES_PATH or exchange.query["date"] != str(day(5)):
            stage.sendgrid.answer(exchange)
            return
        is_first = exchange.query.get("after_key", "0") == "0"
        changed = change(stage.sendgrid.page(exchange, day(5)), is_first)
        if isinstance(changed, int):
            exchange.reply(changed)
        else:
            exchange.reply_json(changed)

    return Fault(name, OWN_IS_NEW if reason else NEW, {reason: 1} if reason else {}, answer)


def _last_page(status: int, reason: str | None, *, own_is_asked: bool = True) -> Fault:
    fault = _paged(f"{status} for the last page", lambda page, first: page if first else status)
    counted = {reason: 1} if reason else {}
    return replace(fault, shows=OWN_IS_NEW if own_is_asked else HELD, counted=counted)


def _cursor(value: Any) -> Callable[[dict[str, Any], bool], Any]:
    return lambda page, first: page | {"_metadata": {"next_params": {"after_key": value}}}


def _metadata(value: Any) -> Callable[[dict[str, Any], bool], Any]:
    return lambda page, first: page | {"_metadata": value}


def _without_end(stage: Stage, exchange: Exchange) -> None:
    if exchange.path != SUBUSERS_SCORES_PATH:
        stage.sendgrid.answer(exchange)
        return
    number = int(exchange.query.get("after_key", "0")) + 1
    page = {"result": [{"user_id": str(number)}]}
    exchange.reply_json(page | {"_metadata": {"next_params": {"after_key": str(number)}}})


def _empty(page: dict[str, Any], is_first: bool) -> Any:
    return {"result": [], "_metadata": {"next_params": {"after_key": None}}}


def _foreign(status: int, reason: str = "unexpected_status") -> Fault:
    """Return the fault of a proxy that answers with a page of its own."""
    page = b"<!doctype html><title>Blocked</title>"
    name = f"{status} with HTML"
    return Fault(name, HELD, {reason: 1}, lambda stage, exchange: exchange.reply(status, page))


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "as in a URL": lambda key: "".join(f"%{ord(char):02x}" for char in key),
    "as in HTML": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "in base64": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "in hexadecimal digits": lambda key: key.encode().hex(),
    "broken into lines": lambda key: "\n ".join([key[:40], key[40:]]),
}


def _spelled(name: str, spell: Callable[[str], str]) -> Fault:
    """Return the fault of an error that quotes the key in another way."""

    def answer(stage: Stage, exchange: Exchange) -> None:
        message = f"you sent {spell(exchange.authorization.removeprefix('Bearer '))}"
        exchange.reply(401, json.dumps({"errors": [{"message": message}]}).encode())

    return Fault(f"401 with the key {name}", HELD, {"unauthorized": 1}, answer)


def _old_day(stage: Stage, exchange: Exchange) -> None:
    """Answer each day with the items of the fourth."""
    dates = dict.fromkeys(exchange.query.keys() & {"date", "from", "to"}, str(day(4)))
    stage.sendgrid.answer(replace(exchange, query=exchange.query | dates))


FAULTS = [
    _status(400, "bad_request"),
    _status(401, "unauthorized"),
    _status(403, "forbidden"),
    _status(403, "rate_limited", name="403 Too many bad requests. Temporary block"),
    _status(404, "not_found"),
    _status(406, "unexpected_status"),
    _status(418, "unexpected_status"),
    _status(204, "unexpected_status"),
    _status(304, "unexpected_status"),
    _status(500, "server_error"),
    _status(503, "server_error"),
    _status(503, "server_error", "Retry-After: 5", name="503 with Retry-After"),
    _status(503, "server_error", "Retry-After: 7200", name="503 with Retry-After of two hours"),
    _status(407, "unexpected_status"),
    _status(999, "unexpected_status"),
    *(_foreign(status) for status in (400, 401, 403)),
    _foreign(202, "malformed_response"),
    *(_spelled(name, spell) for name, spell in _SPELLINGS.items()),
    Fault("a cache that ignores the query", HELD, {"malformed_response": 1}, _old_day),
    _status(599, "server_error"),
    _limited("without a header"),
    _limited("with Retry-After in seconds", "Retry-After: 2"),
    _limited("with Retry-After of an hour", "Retry-After: 3600"),
    _limited("with Retry-After as a date", "Retry-After: Thu, 05 Nov 2026 13:00:10 GMT"),
    _limited("with Retry-After of nonsense", "Retry-After: soon"),
    _limited("with Retry-After below zero", "Retry-After: -7"),
    _limited("with Retry-After without a bound", "Retry-After: 1e400"),
    _limited("with Retry-After beyond all dates", "Retry-After: Sat, 31 Dec 9999 23:59:59 -2359"),
    _limited("with X-RateLimit-Reset as a time", "X-RateLimit-Reset: 1793883610"),
    _limited("with X-RateLimit-Reset as a span", "X-RateLimit-Reset: 10"),
    _limited("with X-RateLimit-Reset of nonsense", "X-RateLimit-Reset: \xff"),
    _limited("with every header", "Retry-After: 1", "X-RateLimit-Reset: 9", "X-RateLimit-Limit: 6"),
    _limited(
        "with Retry-After of a wrong zone", f"Retry-After: Mon, 02 Nov 2026 0:0:0 +{'9' * 20}"
    ),
    _limited("with Retry-After of a wrong year", f"Retry-After: Mon, 02 Nov {'9' * 20} 0:0:0 GMT"),
    *(_redirect(status) for status in (301, 302, 307, 308)),
    _status(302, "unexpected_status", "Location: http://[::bad", name="302 to nowhere"),
    _status(302, "unexpected_status", "Location: http://\xff\xfe/", name="302 to no text"),
    _quoting("200 in UTF-16", '{"result": [{"user_id": "1", "username": "KEY"}]}', "utf-16"),
    _quoting("200 with HTML", "<!doctype html><title>Login</title><p>KEY"),
    _quoting("200 with an echo of the request", '{"headers": {"Authorization": "KEY"}}'),
    _quoting("200 with an error", '{"errors": [{"message": "bad KEY"}]}'),
    _body("200 without a body", b""),
    _body("200 with half a JSON", b'{"result": [{"user_id": "1"'),
    _body("200 with bytes that are not UTF-8", b'{"result": "\xff"}'),
    _body("200 with a number of 5,000 digits", b"9" * 5000),
    _body("200 with lists 100,000 deep", b"[" * 100_000),
    _body("200 with a million lists", b"[" + b"[]," * 690_000 + b"[]]"),
    *(
        _body(f"200 with {body.decode()}, no object", body)
        for body in (b"null", b"true", b"7", b'"text"', b"[]", b"NaN")
    ),
    _body("an object without a result", b"{}"),
    _result("null", None),
    _result("an object", {"user_id": "1"}),
    _result("text", "none"),
    _result("a number", 0),
    _last_page(202, None),
    _last_page(429, "rate_limited", own_is_asked=False),
    _last_page(401, "unauthorized", own_is_asked=False),
    _last_page(404, "not_found"),
    _last_page(500, "server_error"),
    _paged(
        "HTML for the last page",
        lambda page, first: page if first else "<html>",
        "malformed_response",
    ),
    _paged("a cursor that repeats itself", _cursor("1")),
    _paged("a cursor that goes backwards", lambda p, first: p if first else _cursor("0")(p, first)),
    _paged("a cursor that is a number", lambda p, first: _cursor(1)(p, first) if first else p),
    _paged("a cursor that is a list", _cursor(["1"]), "malformed_response"),
    _paged("a cursor of 100,000 digits", _cursor("1" * 100_000), "malformed_response"),
    _paged("metadata that is text", _metadata("after_key=1"), "malformed_response"),
    _paged("next_params that are a list", _metadata({"next_params": ["1"]}), "malformed_response"),
    Fault(
        "pages without an end",
        OWN_IS_NEW,
        {"malformed_response": 1},
        _without_end,
        settings=FEW_USERS,
    ),
    replace(_paged("an empty fleet", _empty), shows=OWN_IS_NEW),
]
