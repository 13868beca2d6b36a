"""The routes: what each path answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Protocol

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.scores import Health, Snapshot
from seq_exporter.threads import DaemonThreads
from seq_exporter.web.api import ENDPOINTS, Answer, Endpoint, ErrorAnswer
from seq_exporter.web.listing import Query
from seq_exporter.web.middleware import BasicAuth, ConfiguredHeaders, RequestLimiter
from seq_exporter.web.negotiation import accepts_gzip, choose_format
from seq_exporter.web.openapi import describe_api
from seq_exporter.web.parameters import Parameters
from seq_exporter.web.settings.reloadable import ReloadableSettings
from seq_exporter.web.status_page import StatusPage, find_docs

_SLICE_BYTES = 256 * 1024

# To sort a large fleet takes tens of milliseconds: not on the event loop, where scrapes would wait,
# and not many at once, as only one can run at a time.
_PAGES_AT_ONCE = 2

# The page has no script and nothing from elsewhere, and is not to be framed.
_HTML_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PublishedState(Protocol):
    """What the routes show; nothing here blocks."""

    @property
    def exposition(self) -> DeflatedText:
        """The series of all accounts, ready to send."""

    def render_telemetry(
        self, render: Callable[[CollectorRegistry], bytes]
    ) -> tuple[DeflatedText, bytes]:
        """Return the exporter's own metrics as `render` writes them: a first and a last part."""

    @property
    def accounts(self) -> Sequence[tuple[Snapshot, Health]]:
        """What is published of each account, and how its polls have gone."""

    async def reload(self) -> str | None:
        """Read the configuration again; return what is wrong with it, or None."""


def build_app(
    exporter: PublishedState, web_settings: ReloadableSettings, *, enable_lifecycle: bool = False
) -> ASGIApp:
    """Return the ASGI app; `POST /-/reload` works only with `enable_lifecycle`."""
    threads = DaemonThreads(_PAGES_AT_ONCE)
    app = Starlette(
        routes=[
            Route("/", _status(exporter, threads)),
            *(Route(each.path, _endpoint(each, exporter, threads)) for each in ENDPOINTS),
            Route("/api/v1/openapi.json", _openapi()),
            Route("/metrics", _metrics(exporter)),
            Route("/-/healthy", _healthy),
            Route("/-/ready", _ready(exporter)),
            Route("/-/reload", _reload(exporter, enable_lifecycle), methods=["POST"]),
        ],
        middleware=[
            Middleware(ConfiguredHeaders, web_settings=web_settings),
            Middleware(RequestLimiter, web_settings=web_settings),
            Middleware(BasicAuth, web_settings=web_settings),
        ],
    )
    app.router.redirect_slashes = False
    return app


class SlicedResponse:
    """Sends ready bytes in slices, so that a slow client holds one slice and no copy of the page.

    What is sent as one piece is copied into the connection's buffer whole.
    """

    def __init__(self, parts: Iterable[bytes], size: int, headers: Mapping[str, str]) -> None:
        self._parts = parts
        self._headers = {**headers, "Content-Length": str(size)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; each slice waits until the client has taken most of those before."""
        headers = [(name.lower().encode(), text.encode()) for name, text in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in self._parts if scope["method"] != "HEAD" else ():  # inflates as it goes
            view = memoryview(part)
            for start in range(0, len(part), _SLICE_BYTES):
                body = view[start : start + _SLICE_BYTES]
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


_Handler = Callable[[Request], Awaitable[ASGIApp]]


def _metrics(exporter: PublishedState) -> _Handler:
    async def metrics(request: Request) -> SlicedResponse:
        chosen = choose_format(request.headers.get("accept", ""))
        page = exporter.exposition  # one reference: the answer is of one moment
        own, volatile = exporter.render_telemetry(chosen.render)
        headers = {"Content-Type": chosen.content_type, "Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            member = page.gzipped(own, volatile)
            headers["Content-Encoding"] = "gzip"
            return SlicedResponse(member, sum(map(len, member)), headers)
        text = chain(page.inflated(), own.inflated(), [volatile])
        return SlicedResponse(text, page.size + own.size + len(volatile), headers)

    return metrics


def _status(exporter: PublishedState, threads: DaemonThreads) -> _Handler:
    page = StatusPage(find_docs())

    async def status(request: Request) -> Response:
        query, mistakes = Query.parse(request.query_params)
        html = await threads.run(lambda: page.render(exporter.accounts, query, mistakes))
        return HTMLResponse(html, 400 if mistakes else 200, headers=_HTML_HEADERS)

    return status


def _endpoint(endpoint: Endpoint, exporter: PublishedState, threads: DaemonThreads) -> _Handler:
    def render(parameters: Parameters) -> bytes:
        return _render(endpoint.respond(exporter.accounts, parameters))

    async def answer(request: Request) -> Response:
        parameters, mistakes = endpoint.parameters.parse(request.query_params)
        if mistakes:
            return _json(_render(ErrorAnswer(errors=mistakes)), 400)
        return _json(await threads.run(lambda: render(parameters)))

    return answer


def _render(answer: Answer) -> bytes:
    return answer.model_dump_json(by_alias=True).encode()


def _openapi() -> _Handler:
    document = json.dumps(describe_api(ENDPOINTS)).encode()

    async def openapi(request: Request) -> Response:
        return _json(document)

    return openapi


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("seq-exporter is healthy.\n")


def _ready(exporter: PublishedState) -> _Handler:
    async def ready(request: Request) -> Response:
        waiting = [
            snapshot.account for snapshot, health in exporter.accounts if not health.is_ready
        ]
        if waiting:
            text = f"seq-exporter is not ready: {len(waiting)} first polls have not ended.\n"
            return PlainTextResponse(text, 503)
        return PlainTextResponse("seq-exporter is ready.\n")

    return ready


def _reload(exporter: PublishedState, enable_lifecycle: bool) -> _Handler:
    async def reload(request: Request) -> Response:
        if not enable_lifecycle:
            text = "Reloading over HTTP is off: start with --web.enable-lifecycle.\n"
            return PlainTextResponse(text, 403)
        problem = await exporter.reload()
        if problem:
            return PlainTextResponse(f"{problem}\n", 500)
        return PlainTextResponse("The configuration is reloaded.\n")

    return reload
