"""Bodies that are sent in slices: a client that does not read costs one slice, not a copy."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import h11
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import is_ssl

# How much of a body is handed to asyncio at once, which copies what the client does not take.
_SLICE_BYTES = 32 * 1024

# After so many writes, other connections have a turn, and a client that has left is noticed.
_WRITES_A_TURN = 4


class _ClientLeft(OSError):
    """The client has left, so the rest of its answer is not made."""


class SlicingProtocol(H11Protocol):
    """HTTP/1.1 on one connection; sends large bodies without a copy.

    uvicorn alone joins a body with what is around it, and hands it to asyncio as a whole.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._is_tls = False
        self._writes = 0
        self.app = self._answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take over a new connection."""
        super().connection_made(transport)
        self._is_tls = is_ssl(transport)
        # While asyncio has something to send, it is given nothing more.
        transport.set_write_buffer_limits(high=1)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Finish the answer to a client that will send nothing more; then close."""
        if self.is_answering:
            self.cycle.keep_alive = False
        return self.is_answering and not self._is_tls  # TLS cannot be closed on one side only

    @property
    def is_answering(self) -> bool:
        """Whether a request has not been answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app, and send the bodies of its answer in slices."""

        async def send_in_slices(message: Message) -> None:
            await self._wait_for_room()
            body = message.get("body", b"")
            if len(body) > _SLICE_BYTES and scope["method"] != "HEAD":
                for part in self.conn.send_with_data_passthrough(h11.Data(data=body)) or ():
                    await self._write(memoryview(part))
                body = b""
                message = {**message, "body": body}
            await send(message)
            self._writes += bool(body)

        try:
            await self.config.loaded_app(scope, receive, send_in_slices)
        except _ClientLeft:
            pass
        except asyncio.CancelledError:  # the server stops; uvicorn would log a traceback
            self.cycle.disconnected = True
            self.transport.abort()

    async def _write(self, body: memoryview) -> None:
        """Write `body` as the client takes it. Raises _ClientLeft."""
        while body:
            await self._wait_for_room()
            body = body[self._write_now(body) :]
            self.transport.write(body[:_SLICE_BYTES])
            body = body[_SLICE_BYTES:]
            self._writes += bool(body)

    async def _wait_for_room(self) -> None:
        """Wait until asyncio has sent what it has. Raises _ClientLeft."""
        if self.flow.write_paused:
            await self.flow.drain()
        elif self._writes >= _WRITES_A_TURN:
            await asyncio.sleep(0)
            self._writes = 0
        if self.transport.is_closing():
            self.cycle.disconnected = True  # uvicorn learns of it only later
            raise _ClientLeft

    def _write_now(self, body: memoryview) -> int:
        """Write what the socket takes at once, and return how much.

        asyncio would do so, too, but copy the rest of the body (Python 3.11).
        """
        if self._is_tls or self.transport.get_write_buffer_size():
            return 0
        try:
            return os.write(self.transport.get_extra_info("socket").fileno(), body)
        except OSError:  # nothing now; or the client has left, which asyncio finds out
            return 0
