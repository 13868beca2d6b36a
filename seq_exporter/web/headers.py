"""The headers that the web configuration adds to every answer."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq_exporter.web.live import LiveSettings


class ConfiguredHeaders:
    """ASGI middleware that sets them, in place of those of the same name."""

    def __init__(self, app: ASGIApp, live: LiveSettings) -> None:
        self._app = app
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and change what comes back."""
        configured = self._live.current.headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in configured.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)
