"""A crowd of clients that costs next to nothing: raw sockets in one process, which only take stamps out of what comes.

A stamp is `@` digits `@`: the nanoseconds of the monotonic clock, which all processes share, when its bearer was sent.
"""

import os
import re
import selectors
import socket
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

#: Seconds that a crowd has to be let in, and that whatever it waits for may take.
PATIENCE = 60

_TEXT, _CLOSE, _PING = 0x81, 0x88, 0x89


class Seen(NamedTuple):
    """What one client was sent: stamps in order, and for each when it came."""

    stamps: Sequence[int]
    times: Sequence[int]


class Way(NamedTuple):
    """How a stream comes: the rest of the request's head, and what each piece has once, around its stamp.

    `whole` returns where the last whole piece ends in some bytes, and what is to be answered; it raises where the
    server closes.
    """

    headers: str
    stamp: re.Pattern[bytes]
    whole: Callable[[bytes], tuple[int, bytes]]


def _frames(data: bytes) -> tuple[int, bytes]:
    """Walk over the frames of RFC 6455, section 5.2; a ping has its pong."""
    at, end, answer = 0, len(data), b""
    while end - at >= 2:
        size, start = data[at + 1], at + 2
        if size >= 126:
            start += 2 if size == 126 else 8
            size = int.from_bytes(data[at + 2 : start], "big")
        if start + size > end:
            break
        if data[at] == _PING:
            # Masked with zeros: so it stays as it is.
            answer += bytes([0x8A, 0x80 | size, 0, 0, 0, 0]) + data[start : start + size]
        elif data[at] != _TEXT:
            raise RuntimeError(f"the server closed a stream: {data[at : start + size]!r}")
        at = start + size
    return at, answer


def _chunks(data: bytes) -> tuple[int, bytes]:
    """Walk over the chunks of RFC 9112, section 7.1."""
    at = 0
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line], 16)
        if size == 0:
            raise RuntimeError("the server ended a stream")
        if line + 2 + size + 2 > len(data):
            break
        at = line + 2 + size + 2
    return at, b""


WEBSOCKET = Way(
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    re.compile(rb'"(?:log":"|parents":\["/)@(\d+)@'),
    _frames,
)
SERVER_SENT = Way("Accept: text/event-stream\r\n", re.compile(rb'"object":"/@(\d+)@'), _chunks)


class Crowd:
    """The crowd as whoever measures sees it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def expect(self, pieces: int, seconds: float = PATIENCE) -> int:
        """Wait until so many pieces came since the last `seen`, or for so long; return how many there are."""
        self._pipe.send((pieces, seconds))
        came: int = self._pipe.recv()
        return came

    def seen(self) -> list[Seen]:
        """Return what each was sent since the last time, and forget it."""
        self._pipe.send(None)
        found: list[Seen] = self._pipe.recv()
        return found


@contextmanager
def gathered(url: str, way: Way, size: int, key: str = "") -> Iterator[Crowd]:
    """Let a crowd follow what is at a URL; on leaving it hangs up."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_live, args=(there, url, way is WEBSOCKET, size, key), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(PATIENCE):
            raise RuntimeError(f"{url} does not let a crowd in")
        here.recv()
        yield Crowd(here)
    finally:
        process.kill()
        process.join()


class _Client:
    def __init__(self, host: str, port: int, request: bytes, way: Way) -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.socket.sendall(request)
        self._way = way
        self._left = b""
        while b"\r\n\r\n" not in self._left:
            data = self.socket.recv(65536)
            if not data:
                raise RuntimeError(f"no stream: {self._left!r}")
            self._left += data
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")):
            raise RuntimeError(f"no stream: {head!r}")
        self.socket.settimeout(0)
        self.clear()

    def clear(self) -> None:
        self.stamps, self.times = array("q"), array("q")

    def take(self) -> int:
        """Take what came, and return how many pieces that were."""
        data = self.socket.recv(262_144)
        if not data:
            raise RuntimeError("the server hung up")
        now = time.monotonic_ns()
        data = self._left + data if self._left else data
        end, answer = self._way.whole(data)
        found = self._way.stamp.findall(data, 0, end)
        self._left = data[end:]
        self.stamps.extend(map(int, found))
        self.times.extend([now] * len(found))
        if answer:
            self.socket.sendall(answer)
        return len(found)


def _live(pipe: Connection, url: str, is_websocket: bool, size: int, key: str) -> None:  # noqa: FBT001  # no lambda goes through a pipe
    way = WEBSOCKET if is_websocket else SERVER_SENT
    _, _, host_and_port, path = url.split("/", 3)
    host, _, port = host_and_port.partition(":")
    request = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n{way.headers}\r\n".encode()
    clients = [_Client(host, int(port), request, way) for _ in range(size)]
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        selector.register(pipe, selectors.EVENT_READ)
        pipe.send(size)
        _loop(pipe, clients, selector)


def _loop(pipe: Connection, clients: list[_Client], selector: selectors.BaseSelector) -> None:
    came, expected, until = 0, 0, 0.0
    waits = False
    while True:
        for key, _ in selector.select(0.01 if waits else 1):
            if key.data is not None:
                came += key.data.take()
                continue
            asked = pipe.recv()
            if asked is None:
                pipe.send([Seen(client.stamps, client.times) for client in clients])
                for client in clients:
                    client.clear()
                came = 0
            else:
                expected, until, waits = asked[0], time.monotonic() + asked[1], True
        if waits and (came >= expected or time.monotonic() > until):
            waits = False
            pipe.send(came)


@contextmanager
def on_core(number: int) -> Iterator[None]:
    """Let this thread, and all that it starts meanwhile, run on one core only: server here, clients there."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[number % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
