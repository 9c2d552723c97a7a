"""The two streams as their clients see them: over real WebSockets, frame by frame."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

#: How long a frame may take to come, in seconds: long, since other tests may keep the machine busy.
PATIENCE = 30.0

# Any: a frame's values are of every type that JSON has.
Frame = dict[str, Any]

Headers = Mapping[str, str]


class Close(NamedTuple):
    """How the server ended a stream."""

    code: int
    reason: str


class Refusal(NamedTuple):
    """How a handshake was answered that opened no stream; `seconds`: how long that took."""

    status: int
    headers: Headers
    body: bytes
    seconds: float

    @property
    def error(self) -> str:
        """The sentence that tells why."""
        assert self.headers["content-type"] == "application/json"
        told = json.loads(self.body)
        assert list(told) == ["error"]
        return str(told["error"])


class Stream:
    """An open stream."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def frame(self) -> Frame:
        """Return the next frame."""
        found: Frame = json.loads(self.connection.recv(timeout=PATIENCE))
        return found

    def frames(self, count: int) -> list[Frame]:
        """Return the next `count` frames."""
        return [self.frame() for _ in range(count)]

    def rest(self) -> tuple[list[Frame], Close]:
        """Return all that comes until the server closes, and how it does; raises where it does so without a word."""
        frames = []
        while True:
            try:
                frames.append(self.frame())
            except ConnectionClosed as closed:
                if closed.rcvd is None:
                    raise
                return frames, Close(closed.rcvd.code, closed.rcvd.reason)

    def vanish(self) -> None:
        """Hang up without a word, as a client that is killed does."""
        hang_up(self.connection)


def bearer(key: str) -> dict[str, str]:
    """Return the headers that carry a key."""
    return {"Authorization": f"Bearer {key}"}


@contextmanager
def following(url: str, headers: Headers | None = None) -> Iterator[Stream]:
    """Open a stream, and close it at the end."""
    with _connected(url, headers) as connection:
        yield Stream(connection)


@contextmanager
def unread(url: str, headers: Headers | None = None) -> Iterator[Stream]:
    """Open a stream whose client takes next to nothing from the network until it is asked for a frame."""
    parts = url.split("/", 3)
    host, _, port = parts[2].partition(":")
    with socket.socket() as narrow:
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect((host, int(port)))
        with _connected(url, headers, sock=narrow, max_queue=1) as connection:
            try:
                yield Stream(connection)
            finally:
                # A close would wait behind all that was not read.
                hang_up(connection)


def refusal(url: str, headers: Headers | None = None) -> Refusal:
    """Return how a stream is refused."""
    begun = time.monotonic()
    try:
        with _connected(url, headers):
            raise AssertionError(f"{url} was not refused")
    except InvalidStatus as refused:
        answer = refused.response
        return Refusal(answer.status_code, answer.headers, bytes(answer.body or b""), time.monotonic() - begun)


def refusals(*handshakes: tuple[str, Headers | None]) -> list[Refusal]:
    """Return how each of some handshakes is refused; all are tried at once, since each answer comes late."""
    with ThreadPoolExecutor(len(handshakes)) as pool:
        return list(pool.map(lambda one: refusal(*one), handshakes))


def hang_up(connection: ClientConnection) -> None:
    """End a connection without a word, where the server has not."""
    with suppress(OSError):
        connection.socket.shutdown(socket.SHUT_RDWR)


# Any: what websockets takes.
def _connected(url: str, headers: Headers | None, **how: Any) -> ClientConnection:  # noqa: ANN401
    connected: ClientConnection = connect(
        url,
        additional_headers=headers,
        compression=None,
        proxy=None,
        open_timeout=PATIENCE,
        ping_interval=None,
        max_size=None,
        **how,
    )
    return connected
