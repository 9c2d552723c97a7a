"""What a stream is sent through: a WebSocket, server-sent events, or the body of an answer."""

from collections.abc import Callable
from typing import Protocol

from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from deedbook.web import sse

#: The extension by which the server's WebSocket protocol lets a stream be closed although its client does not read.
HANG_UP = "deedbook.hang_up"

#: The extension by which a stream sends frames that are ready.
FRAMES = "deedbook.frames"

#: The extension that is an HTTP request's `Connection`.
CONNECTION = "deedbook.connection"

#: The kinds of ways to a client: a WebSocket, server-sent events, the body of an answer.
TRANSPORTS = ("websocket", "sse", "body")

#: How a stream ends (RFC 6455, section 7.4): all sent, key revoked, log not to be read, server stops, client too slow.
WHOLE, REVOKED, UNREADABLE, STOPPING, TOO_SLOW = 1000, 1008, 1011, 1012, 1013


class Gone(Exception):
    """The client went, or was hung up on."""


class HangUp(Protocol):
    """Closes a WebSocket at once: the frame goes out behind what is buffered."""

    def __call__(self, code: int, reason: str) -> None:
        """Close it, with a code of RFC 6455 section 7.4 and a reason of at most 123 bytes."""


class SendFrames(Protocol):
    """Sends WebSocket frames that are ready: whatever makes them, makes them once for a crowd."""

    async def __call__(self, frames: bytes) -> None:
        """Send whole frames, as soon as the client takes them; raises `Gone` once it is gone."""


class Connection(Protocol):
    """The server's side of an HTTP request, for answers that are streams."""

    #: Called when the server stops.
    on_shutdown: Callable[[], None] | None

    def hang_up(self, last: bytes, *, is_whole: bool) -> None:
        """Put `last` behind what is buffered and close; unless the answer is whole, its body breaks off."""


class Channel(Protocol):
    """The way to one client."""

    #: What kind of way it is: one of `TRANSPORTS`.
    transport: str

    async def receive(self) -> Message:
        """Return what comes from the client, or that it went."""

    async def open(self) -> None:
        """Let the stream begin."""

    async def send(self, piece: bytes) -> None:
        """Send a piece in the way's own form, as soon as the client takes it; raises `Gone` once it is gone."""

    async def close(self, code: int, reason: str) -> None:
        """End the stream behind what was sent; `code` is one of those above, `reason` has at most 123 bytes."""

    def hang_up(self, code: int, reason: str) -> None:
        """The same at once, whether the client reads or not."""


class SocketChannel:
    """A WebSocket: each piece is one or more frames."""

    transport = "websocket"

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._frames: SendFrames = socket.scope["extensions"][FRAMES]

    async def receive(self) -> Message:
        """See `Channel.receive`."""
        return await self._socket.receive()

    async def open(self) -> None:
        """Accept the handshake."""
        await self._socket.accept()

    async def send(self, piece: bytes) -> None:
        """See `Channel.send`."""
        await self._frames(piece)

    async def close(self, code: int, reason: str) -> None:
        """See `Channel.close`."""
        try:
            await self._socket.close(code, reason)
        except WebSocketDisconnect:
            raise Gone from None

    def hang_up(self, code: int, reason: str) -> None:
        """See `Channel.hang_up`."""
        hang_up: HangUp = self._socket.scope["extensions"][HANG_UP]
        hang_up(code, reason)


class BodyChannel:
    """The body of an answer: it ends as a body does only where it is whole, so that nobody takes a part for all."""

    transport = "body"

    def __init__(self, scope: Scope, receive: Receive, send: Send, start: Message) -> None:
        self._receive = receive
        self._send = send
        self._start = start
        self._connection: Connection = scope["extensions"][CONNECTION]

    async def receive(self) -> Message:
        """See `Channel.receive`."""
        return await self._receive()

    async def open(self) -> None:
        """Send the head, which would wait for the first piece."""
        await self._send(self._start)
        await self.send(b"")

    async def send(self, piece: bytes) -> None:
        """See `Channel.send`."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def close(self, code: int, reason: str) -> None:
        """See `Channel.close`."""
        if code == WHOLE:
            await self._send({"type": "http.response.body", "body": b""})
        else:
            self.hang_up(code, reason)

    def hang_up(self, _code: int, _reason: str) -> None:
        """See `Channel.hang_up`."""
        self._connection.hang_up(b"", is_whole=False)


class EventSourceChannel(BodyChannel):
    """Server-sent events: the last one says why they end, and the client comes back with the id of the one before."""

    transport = "sse"

    async def open(self) -> None:
        """Send the head; when the server stops, end at once."""
        self._connection.on_shutdown = lambda: self.hang_up(STOPPING, "the server stops")
        await super().open()

    async def close(self, code: int, reason: str) -> None:
        """See `Channel.close`."""
        await self.send(_farewell(code, reason))
        await super().close(WHOLE, reason)

    def hang_up(self, code: int, reason: str) -> None:
        """See `Channel.hang_up`."""
        self._connection.hang_up(_farewell(code, reason), is_whole=True)


def _farewell(code: int, reason: str) -> bytes:
    return sse.comment(reason) if code == STOPPING else sse.error(f"{reason[:1].upper()}{reason[1:]}.")
