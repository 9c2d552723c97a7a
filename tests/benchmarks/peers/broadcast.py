"""The least that a stream can cost here: uvicorn with the same WebSocket implementation, and a loop that sends.

Each line of what is posted goes to everybody who follows, as it is, as a WebSocket's frame or a piece of a body.

    python -m tests.benchmarks.peers.broadcast PORT
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

# Any: what ASGI passes.
Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


class Broadcast:
    """The application: plain ASGI, since even Starlette's objects would cost."""

    def __init__(self) -> None:
        self._sockets: list[Send] = []
        self._bodies: list[Send] = []
        self._telling: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Follow, or tell all who follow."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            self._sockets.append(send)
            while (await receive())["type"] != "websocket.disconnect":
                pass
            self._sockets.remove(send)
        elif scope["method"] == "GET":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b": \n", "more_body": True})
            self._bodies.append(send)
            while (await receive())["type"] != "http.disconnect":
                pass
            self._bodies.remove(send)
        else:
            telling = asyncio.create_task(self._tell(await _body(receive)))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    async def _tell(self, body: bytes) -> None:
        for line in body.splitlines():
            frame = {"type": "websocket.send", "text": line.decode()}
            for follower in self._sockets:
                await follower(frame)
            piece = {"type": "http.response.body", "body": b"data: %b\n\n" % line, "more_body": True}
            for follower in self._bodies:
                await follower(piece)


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


if __name__ == "__main__":
    uvicorn.run(
        Broadcast(), port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop", http="httptools",
        ws="websockets-sansio", ws_per_message_deflate=False, lifespan="off",
    )  # fmt: skip
