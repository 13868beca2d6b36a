"""The routes: each path and the function that answers it."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from seq_exporter.escapes import show, show_lines
from seq_exporter.explain.evidence import Evidence
from seq_exporter.publish.store import Store
from seq_exporter.publish.telemetry import Telemetry
from seq_exporter.scores import Health, Snapshot
from seq_exporter.threads import DaemonThreads
from seq_exporter.web.api import ENDPOINTS, Answer, Endpoint, ErrorAnswer
from seq_exporter.web.listing import Query
from seq_exporter.web.middleware import BasicAuth, ConfiguredHeaders, RequestLimiter, ThreadLimit
from seq_exporter.web.negotiation import accepts_gzip, choose_format
from seq_exporter.web.openapi import describe_api
from seq_exporter.web.settings.reloadable import ReloadableSettings
from seq_exporter.web.status_page import StatusPage, find_docs
from seq_exporter.web.subuser_page import Refusal, SubuserPage, choose_subuser

# The status page and the API sort fleets in threads: a large fleet takes tens of milliseconds, and
# scrapes would wait on the event loop. More threads gain nothing: Python runs one at a time.
_THREADS = 2

# The pages have no script, load nothing from other hosts, and must not be framed.
_HTML_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# The page of a subuser changes when SendGrid is asked, which costs requests: it is for people.
_SUBUSER_HEADERS = {**_HTML_HEADERS, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class PublishedState(Protocol):
    """The state that the routes publish; no call blocks the event loop."""

    @property
    def store(self) -> Store:
        """The exposition of the accounts' scores."""

    @property
    def telemetry(self) -> Telemetry:
        """The exporter's own metrics."""

    @property
    def accounts(self) -> Sequence[tuple[Snapshot, Health]]:
        """Each account's published snapshot, and the outcome of its polls.

        Ask for it in a thread: to list thousands of accounts takes milliseconds.
        """

    @property
    def names(self) -> Container[str]:
        """The names of the accounts."""

    @property
    def unready(self) -> int:
        """How many accounts have not finished a first poll, and were not restored."""

    async def explain(self, account: str, subuser: str, *, may_ask: bool) -> Evidence | None:
        """Return why a subuser's score has changed, None if the account does not have it now.

        Asks SendGrid if it must, and `may_ask`.
        """

    async def reload(self) -> str | None:
        """Re-read the configuration; return its mistakes as text, or None if it has none."""


def build_app(
    exporter: PublishedState, web_settings: ReloadableSettings, *, enable_lifecycle: bool = False
) -> ASGIApp:
    """Return the ASGI app; `POST /-/reload` works only with `enable_lifecycle`."""
    handlers = _Handlers(
        exporter,
        enable_lifecycle,
        DaemonThreads(_THREADS),
        DaemonThreads(1),
        StatusPage(find_docs),
        SubuserPage(find_docs),
    )
    app = Starlette(
        routes=[
            Route("/metrics", handlers.metrics),  # the one that is asked for most is found first
            Route("/", handlers.status),
            Route("/subuser", handlers.subuser),
            *(Route(each.path, handlers.answer(each)) for each in ENDPOINTS),
            Route("/api/v1/openapi.json", handlers.openapi),
            Route("/-/healthy", handlers.healthy),
            Route("/-/ready", handlers.ready),
            Route("/-/reload", handlers.reload, methods=["POST"]),
        ],
        middleware=[
            Middleware(ConfiguredHeaders, web_settings=web_settings),
            Middleware(ThreadLimit),
            Middleware(RequestLimiter, web_settings=web_settings),
            Middleware(BasicAuth, web_settings=web_settings),
        ],
    )
    app.router.redirect_slashes = False
    return app


class PartsResponse:
    """Sends the parts of a body one after another, so they are never joined in memory."""

    def __init__(self, parts: Iterable[bytes], size: int, headers: Mapping[str, str]) -> None:
        self._parts = parts
        self._headers = {**headers, "Content-Length": str(size)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; each part waits until the client has taken those before it."""
        headers = [(name.lower().encode(), text.encode()) for name, text in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in self._parts if scope["method"] != "HEAD" else ():  # inflates as it goes
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@dataclass(frozen=True, slots=True)
class _Handlers:
    """Answers the requests for each route."""

    exporter: PublishedState
    enable_lifecycle: bool
    threads: DaemonThreads
    selections: DaemonThreads
    page: StatusPage
    subuser_page: SubuserPage

    async def status(self, request: Request) -> Response:
        query, mistakes = Query.parse(request.query_params)
        entered = {name: request.query_params[name] for name in mistakes}
        html = await self.threads.run(
            lambda: self.page.render(self.exporter.accounts, query, mistakes, entered)
        )
        return HTMLResponse(html, 400 if mistakes else 200, headers=_HTML_HEADERS)

    async def subuser(self, request: Request) -> Response:
        if not _is_opened(request):
            text = "This page may cost requests to SendGrid: open it, and do not embed it.\n"
            return PlainTextResponse(text, 503)
        choice = await self.threads.run(
            lambda: choose_subuser(self.exporter.accounts, request.query_params)
        )
        if not isinstance(choice, Refusal):
            evidence = await self.exporter.explain(*choice, may_ask=request.method == "GET")
            if evidence:
                html = await self.threads.run(lambda: self.subuser_page.render(evidence))
                return HTMLResponse(html, headers=_SUBUSER_HEADERS)
            choice = Refusal(
                503, "The accounts are changing, or the exporter stops: reload this page."
            )
        html = await self.threads.run(lambda: self.subuser_page.render_refusal(choice))
        return HTMLResponse(html, choice.status, headers=_SUBUSER_HEADERS)

    async def metrics(self, request: Request) -> ASGIApp:
        exporter = self.exporter
        accounts = set(request.query_params.getlist("account"))
        chosen = choose_format(_header(request, "accept"))
        if accounts:
            if unknown := [name for name in accounts if name not in exporter.names]:
                return _no_account(min(unknown))
            # In a thread: to join hundreds of accounts takes tens of milliseconds.
            exposition, (own, volatile) = await self.selections.run(
                lambda: (
                    exporter.store.join(accounts),
                    exporter.telemetry.render_accounts(chosen, accounts),
                )
            )
        else:
            # Read once: a poll may replace it while it is sent.
            exposition = exporter.store.exposition
            own, volatile = exporter.telemetry.render(chosen)
        headers = {"Content-Type": chosen.content_type, "Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(_header(request, "accept-encoding")):
            member = exposition.gzipped(own, volatile)
            headers["Content-Encoding"] = "gzip"
            return PartsResponse(member, sum(map(len, member)), headers)
        text = chain(exposition.inflated(), own.inflated(), [volatile])
        size = exposition.size + own.size + len(volatile)
        return PartsResponse(text, size, headers)

    def answer(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            parameters, mistakes = endpoint.parameters.parse(request.query_params)
            if mistakes:
                return _json(_render(ErrorAnswer(errors=list(mistakes.values()))), 400)
            body = await self.threads.run(
                lambda: _render(endpoint.respond(self.exporter.accounts, parameters))
            )
            return _json(body)

        return answer

    async def openapi(self, request: Request) -> Response:
        return _json(await self.threads.run(_describe_api))

    async def healthy(self, request: Request) -> Response:
        return PlainTextResponse("seq-exporter is healthy.\n")

    async def ready(self, request: Request) -> Response:
        if waiting := self.exporter.unready:
            who = "1 account has" if waiting == 1 else f"{waiting} accounts have"
            its = "its" if waiting == 1 else "their"
            text = f"seq-exporter is not ready: {who} not finished {its} first poll.\n"
            return PlainTextResponse(text, 503)
        return PlainTextResponse("seq-exporter is ready.\n")

    async def reload(self, request: Request) -> Response:
        if not self.enable_lifecycle:
            text = "Reloading over HTTP is disabled: start with --web.enable-lifecycle.\n"
            return PlainTextResponse(text, 403)
        problem = await self.exporter.reload()
        if problem:
            return PlainTextResponse(f"{show_lines(problem)}\n", 500)
        return PlainTextResponse("Configuration reloaded.\n")


def _header(request: Request, name: str) -> str:
    """Return a header that is a list; several lines of it are one list (RFC 9110, 5.3)."""
    return ", ".join(request.headers.getlist(name))


def _is_opened(request: Request) -> bool:
    """Whether somebody opens the page, as far as the browser says.

    It may also prefetch a page that nobody opens later, or load it as an image of another site's.
    Browsers send Sec-Fetch-Dest over TLS only.
    """
    purposes = (_header(request, name) for name in ("sec-purpose", "purpose", "x-moz"))
    is_prefetch = any("prefetch" in purpose.lower() for purpose in purposes)
    is_page = _header(request, "sec-fetch-dest") in ("", "document")
    is_image = _header(request, "accept").startswith("image/")
    return is_page and not is_prefetch and not is_image


def _no_account(name: str) -> Response:
    text = f"No account is named '{show(name[:200])}': use a name of the configuration.\n"
    return PlainTextResponse(text, 404, {"X-Content-Type-Options": "nosniff"})


@functools.cache
def _describe_api() -> bytes:
    return json.dumps(describe_api(ENDPOINTS)).encode()


def _render(answer: Answer) -> bytes:
    return answer.model_dump_json(by_alias=True).encode()


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")
