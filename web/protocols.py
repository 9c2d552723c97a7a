"""uvicorn's protocols, with what our clients need beyond them."""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from deedbook.web.followers import HANG_UP
from deedbook.web.problems import body_of

#: How long a client that was hung up on may take to read what is buffered, in seconds.
_LAST_CHANCE = 10.0


class HttpProtocol(HttpToolsProtocol):
    """Answers requests that can't be parsed with the API's error, as every other."""

    def send_400_response(self, msg: str) -> None:
        """Answer and hang up."""
        body = body_of(msg)
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[400] + head + body)
        self.transport.close()


class FollowerProtocol(WebSocketsSansIOProtocol):
    """Can close a stream although its client does not read: uvicorn's own close waits until it does."""

    async def run_asgi(self) -> None:
        """Run the application, with `hang_up` among its extensions."""
        # The type of the scope knows only the extensions of the specification.
        self.scope["extensions"][HANG_UP] = self.hang_up  # type: ignore[assignment]
        await super().run_asgi()

    def hang_up(self, code: int, reason: str) -> None:
        """Put the close behind what is buffered, end the application's part, and drop who never reads it."""
        if self.close_sent or self.transport.is_closing() or not self.handshake_complete:
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.close_timer = asyncio.get_running_loop().call_later(_LAST_CHANCE, self.transport.abort)
