"""The two streams: every change of an action's life, and an action's output line by line."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple
from uuid import UUID

from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from deedbook.domain.errors import DeedbookError, StoreFailed, Undecodable
from deedbook.domain.keys import MAY, ApiKey, Right
from deedbook.domain.log import EventLog
from deedbook.web.call import Call, Reply
from deedbook.web.followers import Follower, Followers
from deedbook.web.frames import Frame, Frames, Wanted, log_frame, wanted
from deedbook.web.gate import Gate
from deedbook.web.problems import Problem, bad, body_of, not_found, problem_of
from deedbook.web.tail import HELD, Output, Ring, Tail

#: Clients that were refused come back at once, hundreds of times a second: they are answered a second late.
REFUSAL_DELAY = 1.0

#: Lines of output that are sent before the live ones, unless `tail` says otherwise.
TAIL = 300

Stream = Callable[[Follower], Awaitable[tuple[int, str]]]


class Streams(NamedTuple):
    """Answers what is followed."""

    gate: Gate
    log: EventLog
    tail: Tail
    followers: Followers

    async def needs_upgrade(self, call: Call) -> Reply:
        """Tell who asks for a stream without a WebSocket that it needs one."""
        if "uuid" in call.scope["path_params"] and not self.gate.is_visible(call):
            raise not_found(f"action {call.scope['path_params']['uuid']}")
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        raise Problem(426, "This is a stream: open it as a WebSocket.", headers)

    async def follow_events(self, socket: WebSocket) -> None:
        """Send a frame for every change of an action that the caller may see, from `after` on, or from now on."""

        async def begin(call: Call) -> tuple[Follower, Stream]:
            which = wanted(call.query, call.namespace)
            head = self.log.head()
            # The head is taken before the handshake is answered: what is recorded behind it is sent.
            stream = EventStream(self.log, self.tail, which, _number(call, "after", head, head))
            return Follower(socket, call.key, lambda: f"after={stream.position}"), stream.run

        await self._serve(socket, begin)

    async def follow_output(self, socket: WebSocket) -> None:
        """Send an action's last `tail` lines, or those behind line `after`; then, with `follow`, each new one."""

        async def begin(call: Call) -> tuple[Follower, Stream]:
            if not self.gate.is_visible(call):
                raise not_found(f"action {call.scope['path_params']['uuid']}")
            _known(call, ("tail", "follow", "after", "user", "token"))
            end = self.log.output_end(call.action).lines
            tail = _number(call, "tail", TAIL, None)
            after = _number(call, "after", max(0, end - tail), end)
            asked = OutputAsked(call.action, after, end, _flag(call, "follow", default=True))
            stream = OutputStream(self.log, self.tail, asked)
            return Follower(socket, call.key, lambda: f"after={stream.line}"), stream.run

        await self._serve(socket, begin)

    async def unknown(self, socket: WebSocket) -> None:
        """Refuse a WebSocket on a path that has none."""
        await _refuse(socket, not_found(f"stream at {socket.scope['path']}"))

    async def _serve(self, socket: WebSocket, begin: Callable[[Call], Awaitable[tuple[Follower, Stream]]]) -> None:
        try:
            follower, stream = await begin(self._admitted(socket))
        except Problem as problem:
            await _refuse(socket, problem)
            return
        except DeedbookError as error:
            await _refuse(socket, problem_of(error))
            return
        self.followers.enter(follower)
        try:
            await socket.accept()
            await _until_either(socket, follower, stream)
        finally:
            self.followers.leave(follower)

    def _admitted(self, socket: WebSocket) -> Call:
        key = self.gate.admit(socket.scope)
        _may_read(key)
        self.followers.check(key)
        return Call(socket.scope, socket.receive, key, self.gate.proxies)


class EventStream:
    """One follower's way through the events; `position` is the last that it has dealt with."""

    def __init__(self, log: EventLog, tail: Tail, which: Wanted, after: int) -> None:
        self._log = log
        self._tail = tail
        self._wanted = which
        self.position = after

    async def run(self, follower: Follower) -> tuple[int, str]:
        """Send until the client goes; return the close that tells why it ends here."""
        ring = self._tail.follow_events()
        try:
            while True:
                await self._send_all(follower, ring)
                if self._tail.stopped is not None and self.position >= self._tail.stopped.position - 1:
                    return _stopped(self._tail.stopped)
                await ring.moved()
        except Undecodable as error:
            return _stopped(error)
        finally:
            self._tail.leave(ring)

    async def _send_all(self, follower: Follower, ring: Ring[Frame]) -> None:
        """Send what there is: from the ring, or from the log where this follower is behind the ring."""
        while self.position < ring.head:
            found = ring.after(self.position)
            if found is None:
                await self._send_old(follower)
                continue
            for position, frame in found:
                await self._send(follower, frame)
                self.position = position
            if not found:
                self.position = ring.head
            await asyncio.sleep(0)

    async def _send_old(self, follower: Follower) -> None:
        frames = Frames(self._log)
        for happened in self._log.read(self.position, HELD):
            frame = frames.of(happened)
            if frame is not None:
                await self._send(follower, frame)
            self.position = happened.position
        await asyncio.sleep(0)

    async def _send(self, follower: Follower, frame: Frame) -> None:
        if self._wanted.holds(frame):
            await follower.send(frame.text)


class OutputAsked(NamedTuple):
    """What a follower of output asked for: lines behind `after`, those that there were (`end`) and, to follow, more."""

    action: UUID
    after: int
    end: int
    follow: bool


class OutputStream:
    """One follower's way through an action's output; `line` is the last that was sent."""

    def __init__(self, log: EventLog, tail: Tail, asked: OutputAsked) -> None:
        self._log = log
        self._tail = tail
        self._asked = asked
        self.line = asked.after

    async def run(self, follower: Follower) -> tuple[int, str]:
        """Send until the action has ended and all its lines are out; without `follow`, until those there are."""
        ring = self._tail.follow_output(self._asked.action)
        try:
            while True:
                await self._send_all(follower, ring)
                if not self._asked.follow:
                    return 1000, "these are the lines that there are"
                if ring.ended is not None and self.line >= ring.ended:
                    return 1000, "the action has ended"
                await ring.moved()
        finally:
            self._tail.leave(ring)

    async def _send_all(self, follower: Follower, ring: Output) -> None:
        while self.line < max(ring.head, ring.ended or 0, self._asked.end):
            for line, text in self._next(ring):
                await follower.send(text)
                self.line = line
            await asyncio.sleep(0)

    def _next(self, ring: Output) -> Iterable[tuple[int, str]]:
        """Return a few lines: from the ring, or from the log where they are not, or not yet, in the ring."""
        found = ring.after(self.line)
        if found:
            return found
        old = self._log.output(self._asked.action, self.line, HELD)
        return ((line.line, log_frame(line)) for line in old)


async def _until_either(socket: WebSocket, follower: Follower, stream: Stream) -> None:
    """Run a stream until it ends or its client goes."""
    sending = asyncio.create_task(_send_then_close(socket, follower, stream))
    gone = asyncio.create_task(_gone(socket))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, gone):
            task.cancel()
        outcomes = await asyncio.gather(sending, gone, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _send_then_close(socket: WebSocket, follower: Follower, stream: Stream) -> None:
    # A client that went, or was hung up on, is no error: `_gone` hears of it too.
    with contextlib.suppress(WebSocketDisconnect):
        try:
            code, reason = await stream(follower)
        except StoreFailed:
            code, reason = 1011, f"the log can't be read now; resume with {follower.where()}"
        await socket.close(code, reason)


async def _gone(socket: WebSocket) -> None:
    """Read until the client goes: what it says is of no interest."""
    while True:
        message: Message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return


async def _refuse(socket: WebSocket, problem: Problem) -> None:
    """Refuse a handshake with the status that HTTP would have, late."""
    await asyncio.sleep(REFUSAL_DELAY)
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.send({
            "type": "websocket.http.response.start",
            "status": problem.status,
            "headers": [(b"content-type", b"application/json"), *headers],
        })  # fmt: skip
        await socket.send({"type": "websocket.http.response.body", "body": body_of(str(problem))})


def _stopped(error: Undecodable) -> tuple[int, str]:
    return 1011, f"the event at position {error.position} can't be read here; resume with after={error.position - 1}"


def _may_read(key: ApiKey) -> None:
    if Right.READ not in MAY[key.role]:
        raise Problem(403, f"The role {key.role} may not read.")


def _known(call: Call, names: Iterable[str]) -> None:
    for name in call.query:
        if name not in names:
            raise bad(f"There is no parameter {name}; known are tail, follow and after.")


def _number(call: Call, name: str, default: int, most: int | None) -> int:
    values = call.query.get(name)
    if values is None:
        return default
    text = values[-1]
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004  # 64 bits
        raise bad(f"{name} is a whole number from 0 on, not {text!r}.")
    if most is not None and int(text) > most:
        raise bad(f"{name} is {text}, but there is only {most} so far.")
    return int(text)


def _flag(call: Call, name: str, *, default: bool) -> bool:
    text = call.query.get(name, [str(default)])[-1].lower()
    if text not in ("true", "false", "1", "0"):
        raise bad(f"{name} is true or false, not {text!r}.")
    return text in ("true", "1")
