"""What is followed: every change of an action's life, and an action's output line by line; and both over plain HTTP."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from starlette.types import Message, Receive, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from deedbook.domain.errors import DeedbookError, StoreFailed, Undecodable
from deedbook.domain.keys import ApiKey, Right, rights_of
from deedbook.domain.log import EventLog
from deedbook.domain.output import OutputLine
from deedbook.web.call import JSON, NDJSON, Call, Reply, Streamed
from deedbook.web.channels import STOPPING, UNREADABLE, BodyChannel, Channel, EventSourceChannel, Gone, SocketChannel
from deedbook.web.event_stream import EventStream, ServerSentEvents
from deedbook.web.followers import Follower, Followers
from deedbook.web.gate import Gate
from deedbook.web.negotiation import preferred
from deedbook.web.numbers import whole_number
from deedbook.web.output_stream import OutputAsked, OutputStream, Replay, as_ndjson, as_text
from deedbook.web.problems import Problem, bad, body_of, not_found, problem_of
from deedbook.web.sought import NARROWING, sought
from deedbook.web.sse import EVENT_STREAM
from deedbook.web.tail import Tail
from deedbook.web.wanted import CREDENTIALS, FILTERS, wanted

#: Clients that were refused come back at once, hundreds of times a second: they are answered a second late.
REFUSAL_DELAY = 1.0

#: Lines of output that a WebSocket is sent before the live ones, unless `tail` says otherwise.
TAIL = 300

TEXT = b"text/plain"

#: How an action's output is written into the body of an answer.
_WRITTEN: Mapping[bytes, tuple[bytes, Callable[[OutputLine], bytes]]] = {
    TEXT: (b"text/plain; charset=utf-8", as_text),
    NDJSON: (NDJSON, as_ndjson),
}

#: What comes is of the moment, for who asked, and passes at once: no proxy keeps or gathers it, nor a browser
#: guesses at it.
_LIVE: Mapping[bytes, bytes] = {
    b"cache-control": b"no-store",
    b"x-accel-buffering": b"no",
    b"x-content-type-options": b"nosniff",
}

_NEEDS_UPGRADE = "This is a stream: open it as a WebSocket, or ask with Accept: text/event-stream."

_log = logging.getLogger(__name__)

Stream = Callable[[Follower], Awaitable[tuple[int, str]]]


class Streams(NamedTuple):
    """Answers what is followed."""

    gate: Gate
    log: EventLog
    tail: Tail
    followers: Followers

    async def events(self, call: Call) -> Reply | Streamed:
        """Send events as server-sent events; tell who asks for nothing of that kind what the path needs."""
        if preferred(call, (JSON, EVENT_STREAM)) != EVENT_STREAM:
            raise Problem(426, _NEEDS_UPGRADE, {"Upgrade": "websocket", "Connection": "Upgrade"})
        self.followers.check(call.key)
        which = wanted(call.query, call.namespace)
        head = self.log.head()
        stream = ServerSentEvents(self.log, self.tail, which, _resumed(call, head), head)
        return Streamed(
            self.sending(call, EventSourceChannel, stream.run, lambda: f"after={stream.position}"),
            EVENT_STREAM,
            head,
            _LIVE,
        )

    async def output(self, call: Call) -> Reply | Streamed:
        """Send the lines of an action's output that there are: all, the last `tail`, or those behind line `after`.

        Of those, `q`, `timestamp__gte` and `limit` choose.
        """
        if not self.gate.is_visible(call):
            raise not_found(f"action {call.scope['path_params']['uuid']}")
        if "follow" in call.query:
            raise bad("follow is for WebSockets; open one, or leave it out for the lines that there are.")
        _known(call, ("tail", "after", *NARROWING))
        which = sought(call.query)
        self.followers.check(call.key)
        head = self.log.head()
        end = self.log.output_end(call.action).lines
        after = whole_number(call.query, "after", max(0, end - whole_number(call.query, "tail", end)), end)
        media, written = _WRITTEN[preferred(call, tuple(_WRITTEN))]
        stream = Replay(self.log, OutputAsked(call.action, after, end), written, which)
        return Streamed(self.sending(call, BodyChannel, stream.run, lambda: f"after={stream.line}"), media, head, _LIVE)

    async def follow_events(self, socket: WebSocket) -> None:
        """Send a frame for every change of an action that the caller may see, from `after` on, or from now on."""

        async def begin(call: Call) -> tuple[Follower, Stream]:
            which = wanted(call.query, call.namespace, (*FILTERS, *CREDENTIALS))
            head = self.log.head()
            # The head is taken before the handshake is answered: what is recorded behind it is sent.
            stream = EventStream(self.log, self.tail, which, whole_number(call.query, "after", head, head))
            return Follower(channel, call.key, lambda: f"after={stream.position}"), stream.run

        channel = SocketChannel(socket)
        await self._serve(socket, channel, begin)

    async def follow_output(self, socket: WebSocket) -> None:
        """Send an action's last `tail` lines, or those behind line `after`; then, with `follow`, each new one."""

        async def begin(call: Call) -> tuple[Follower, Stream]:
            if not self.gate.is_visible(call):
                raise not_found(f"action {call.scope['path_params']['uuid']}")
            _known(call, ("tail", "follow", "after", *CREDENTIALS))
            end = self.log.output_end(call.action).lines
            after = whole_number(call.query, "after", max(0, end - whole_number(call.query, "tail", TAIL)), end)
            asked = OutputAsked(call.action, after, end, _flag(call, "follow", default=True))
            stream = OutputStream(self.log, self.tail, asked)
            return Follower(channel, call.key, lambda: f"after={stream.line}"), stream.run

        channel = SocketChannel(socket)
        await self._serve(socket, channel, begin)

    async def unknown(self, socket: WebSocket) -> None:
        """Refuse a WebSocket on a path that has none."""
        await self._refuse(socket, not_found(f"stream at {socket.scope['path']}"))

    async def _serve(
        self, socket: WebSocket, channel: Channel, begin: Callable[[Call], Awaitable[tuple[Follower, Stream]]]
    ) -> None:
        try:
            follower, stream = await begin(self._admitted(socket))
        except Problem as problem:
            await self._refuse(socket, problem)
            return
        except DeedbookError as error:
            await self._refuse(socket, problem_of(error))
            return
        await self._follow(channel, follower, stream)

    def sending(
        self, call: Call, kind: type[BodyChannel], stream: Stream, where: Callable[[], str]
    ) -> Callable[[Message, Receive, Send], Awaitable[None]]:
        """Return what sends a stream as the body of an answer; `where` tells how to go on where it broke off."""

        async def run(start: Message, receive: Receive, send: Send) -> None:
            channel = kind(call.scope, receive, send, start)
            try:
                await self._follow(channel, Follower(channel, call.key, where), stream)
            except asyncio.CancelledError:
                # The server ends, and waited as long as it could.
                channel.hang_up(STOPPING, "the server stops")
            except Exception:  # noqa: BLE001  # whatever it is, the client sees that this is not whole, the log why
                _log.exception("%s %s broke off.", call.scope["method"], call.scope["path"])
                channel.hang_up(UNREADABLE, f"something went wrong here; resume with {where()}")

        return run

    async def _follow(self, channel: Channel, follower: Follower, stream: Stream) -> None:
        self.followers.enter(follower)
        try:
            await channel.open()
            await _until_either(channel, follower, stream)
        finally:
            self.followers.leave(follower)

    async def _refuse(self, socket: WebSocket, problem: Problem) -> None:
        """Refuse a handshake with the status that HTTP would have, late."""
        self.gate.refusals.note(problem)
        await asyncio.sleep(REFUSAL_DELAY)
        headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.send({
                "type": "websocket.http.response.start",
                "status": problem.status,
                "headers": [(b"content-type", b"application/json"), *headers],
            })  # fmt: skip
            await socket.send({"type": "websocket.http.response.body", "body": body_of(str(problem))})

    def _admitted(self, socket: WebSocket) -> Call:
        key = self.gate.admit(socket.scope)
        _may_read(key)
        self.followers.check(key)
        return Call(socket.scope, socket.receive, key, self.gate.proxies)


async def _until_either(channel: Channel, follower: Follower, stream: Stream) -> None:
    """Run a stream until it ends or its client goes."""
    sending = asyncio.create_task(_send_then_close(channel, follower, stream))
    gone = asyncio.create_task(_gone(channel))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, gone):
            task.cancel()
        outcomes = await asyncio.gather(sending, gone, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _send_then_close(channel: Channel, follower: Follower, stream: Stream) -> None:
    # A client that went, or was hung up on, is no error: `_gone` hears of it too.
    with contextlib.suppress(Gone):
        try:
            code, reason = await stream(follower)
        except StoreFailed:
            code, reason = UNREADABLE, f"the log can't be read now; resume with {follower.where()}"
        except Undecodable as error:
            where = f"resume with {follower.where()}"
            code, reason = UNREADABLE, f"the event at position {error.position} can't be read here; {where}"
        await channel.close(code, reason)


async def _gone(channel: Channel) -> None:
    """Read until the client goes: what it says is of no interest."""
    while True:
        message: Message = await channel.receive()
        if message["type"] in ("websocket.disconnect", "http.disconnect"):
            return


def _resumed(call: Call, head: int) -> int | None:
    """Return the position that a stream of server-sent events goes on behind, None where the client said none.

    Last-Event-ID goes before `after`: a browser that comes back has the one of its first request still in its URL.
    """
    value = call.headers.get(b"last-event-id")
    if value is None:
        return whole_number(call.query, "after", head, head) if "after" in call.query else None
    return whole_number({"Last-Event-ID": [value.decode("latin-1")]}, "Last-Event-ID", head, head)


def _may_read(key: ApiKey) -> None:
    if Right.READ not in rights_of(key.role):
        raise Problem(403, f"The role {key.role} may not read.")


def _known(call: Call, names: Iterable[str]) -> None:
    for name in call.query:
        if name not in names:
            *others, last = (one for one in names if one not in CREDENTIALS)
            raise bad(f"There is no parameter {name}; known are {', '.join(others)} and {last}.")


def _flag(call: Call, name: str, *, default: bool) -> bool:
    text = call.query.get(name, [str(default)])[-1].lower()
    if text not in ("true", "false", "1", "0"):
        raise bad(f"{name} is true or false, not {text!r}.")
    return text in ("true", "1")
