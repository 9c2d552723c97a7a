"""uvicorn's protocols, with what our clients need beyond them."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from deedbook.web.channels import CONNECTION, FRAMES, HANG_UP, Gone
from deedbook.web.problems import body_of

#: How long a client that was hung up on may take to read what is buffered, in seconds.
_LAST_CHANCE = 10.0

_STATUS = b"HTTP/1.1 "
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


class HttpProtocol(HttpToolsProtocol):
    """Sends head and body of an answer together, and answers what can't be parsed with the API's error.

    Two writes were two system calls, and a third of what an empty answer costs. It is the `Connection` of answers that
    are streams: uvicorn tells nobody that it stops, waits for who does not read, and of requests that came one behind
    the other lets only the last know that the client went.
    """

    on_shutdown: Callable[[], None] | None = None
    _active: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin a connection."""
        super().connection_made(_Corked(transport))  # type: ignore[arg-type]  # it is one in all that is used

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the request that is being answered know."""
        super().connection_lost(exc)
        self._abandon()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item]  # as in `FollowerProtocol`

    def shutdown(self) -> None:
        """Begin to stop: what is answered is answered, but a stream without an end ends."""
        super().shutdown()
        if self.on_shutdown is not None:
            self.on_shutdown()

    def hang_up(self, last: bytes, *, is_whole: bool) -> None:
        """Put `last` behind what is buffered, end the application's part, and drop who never reads it."""
        cycle = self._active
        if cycle is None or cycle.disconnected or cycle.response_complete or self.transport.is_closing():
            return
        if cycle.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(last), last) if last else b""
            self.transport.write(chunk + b"0\r\n\r\n" * is_whole)
        self._abandon()
        self.flow.resume_writing()
        self.transport.close()
        asyncio.get_running_loop().call_later(_LAST_CHANCE, self.transport.abort)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._active = cycle
        self.on_shutdown = None
        super()._start_asgi_task(cycle, app)

    def _abandon(self) -> None:
        cycle = self._active
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Answer and hang up."""
        body = body_of(msg)
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[400] + head + body)
        self.transport.close()


class _Corked:
    """A transport that keeps the head of an answer until its body is written."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._write = transport.write
        self._soon = asyncio.get_running_loop().call_soon

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write data, or keep it when it is a head that promises a body."""
        if data.startswith(_STATUS) and data.endswith(_END) and _LENGTH in data:
            self._head = data
            self._soon(self._flush)
        elif self._head:
            data, self._head = self._head + data, b""
            if not self._transport.is_closing():
                self._write(data)
        else:
            self._write(data)

    def close(self) -> None:
        """Close it when everything is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        """Send a head whose body did not follow at once: it was asked for by HEAD."""
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._write(head)


class _Handshake(ServerProtocol):
    """Refuses a handshake that is none by RFC 6455 with the API's error."""

    def reject(self, status: StatusLike, text: str) -> Response:
        """Return the refusal."""
        response = super().reject(status, text)
        response.body = body_of(text.strip())
        for name in ("Content-Type", "Content-Length"):
            del response.headers[name]
        response.headers["Content-Type"] = "application/json"
        response.headers["Content-Length"] = str(len(response.body))
        return response


class FollowerProtocol(WebSocketsSansIOProtocol):
    """Sends frames that are ready; can close a stream although its client does not read: uvicorn's own close waits."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _Handshake(max_size=config.ws_max_size, logger=logging.getLogger("uvicorn.error"))

    async def run_asgi(self) -> None:
        """Run the application, with `hang_up` and `send_frames` among its extensions."""
        # The type of the scope knows only the extensions of the specification.
        self.scope["extensions"][HANG_UP] = self.hang_up  # type: ignore[assignment]
        self.scope["extensions"][FRAMES] = self.send_frames  # type: ignore[assignment]
        await super().run_asgi()

    async def send_frames(self, frames: bytes) -> None:
        """Send whole frames of a server, as soon as the client takes them; raises `Gone` once it is gone."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self.close_sent or self.disconnected or self.transport.is_closing():
            raise Gone
        self.transport.write(frames)

    def hang_up(self, code: int, reason: str) -> None:
        """Put the close behind what is buffered, end the application's part, and drop who never reads it."""
        if self.close_sent or self.transport.is_closing() or not self.handshake_complete:
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.close_timer = asyncio.get_running_loop().call_later(_LAST_CHANCE, self.transport.abort)
