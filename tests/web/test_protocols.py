"""The server's HTTP: what an application hears and a client gets is what it is with uvicorn's own protocol."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import ClassVar, NamedTuple

import httptools
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deedbook.web.protocols import HttpProtocol, target


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was asked, in as many pieces and in the way that the query says."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    parts = ("method", "path", "raw_path", "query_string", "http_version", "scheme", "root_path", "headers", "state")
    answer = repr([*(scope[part] for part in parts), body]).encode()
    status = 204 if b"nothing" in scope["query_string"] else 200
    headers = [(b"x-said", b"caf\xe9")]
    if b"bye" in scope["query_string"]:
        headers.append((b"connection", b"close"))
    if b"pieces" in scope["query_string"]:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer, "more_body": True})
        await send({"type": "http.response.body", "body": b"."})
        return
    answer = b"" if status == 204 else answer
    headers += [] if status == 204 else [(b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def broken(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer what is no HTTP: its length is not the body's, or a value would end a line."""
    headers = {b"length": (b"content-length", b"3"), b"feed": (b"x-value", b"\r\nx: 1"), b"nul": (b"x-value", b"\0")}
    await send({"type": "http.response.start", "status": 200, "headers": [headers[scope["query_string"]]]})
    await send({"type": "http.response.body", "body": b"four"})


async def failing(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Fail between head and body."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-value", b"1")]})
    raise RuntimeError


async def bare(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer without a length."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Kept", b"as it is")]})
    await send({"type": "http.response.body", "body": b"four"})


@contextmanager
def serving(app: ASGIApp, protocol: type, keep_alive: int = 60) -> Iterator[int]:
    """Serve an application with a protocol, on the port that is given."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app,
            http=protocol,
            lifespan="off",
            access_log=False,
            log_level="critical",
            timeout_keep_alive=keep_alive,
            server_header=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def sent(port: int, data: bytes) -> bytes:
    """Send bytes, and return all that comes until the server hangs up, without the date."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(data)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return re.sub(rb"(?i)date: [^\r]*\r\n", b"", answer)


class Ports(NamedTuple):
    """Where the same application is served in both ways."""

    ours: int
    theirs: int


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    """Serve with our protocol, and with uvicorn's."""
    with serving(told, HttpProtocol) as ours, serving(told, HttpToolsProtocol) as theirs:
        yield Ports(ours, theirs)


TARGETS = st.builds(
    "/{}{}".format,
    st.lists(st.sampled_from(["a", "/", "%2F", "%C3%A9", "%", ".", "~;:@=+"]), max_size=5).map("".join),
    st.sampled_from(["", "?", "?a=1&b=%20", "?pieces", "?a?b", "?nothing", "?bye", "?pieces&bye", "#f", "?a#f"]),
)
BODIES = st.one_of(
    st.just("\r\n"),
    st.just("Content-Length: 0\r\n\r\n"),
    st.just("Content-Length: 5\r\n\r\nhello"),
    st.just("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    st.just("Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"),
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Draw requests one behind the other, behind the last of which the server hangs up."""
    several = []
    for _ in range(draw(st.integers(0, 3))):
        method = draw(st.sampled_from(["GET", "HEAD", "POST", "DELETE"]))
        version = draw(st.sampled_from(["1.1", "1.1", "1.1", "1.0"]))
        headers = draw(
            st.sampled_from(["", "", "X-One: 1\r\nx-ONE: 2\r\n", "Connection: close\r\n", "Upgrade: h2c\r\n"])
        )
        body = draw(BODIES)
        several.append(f"{method} {draw(TARGETS)} HTTP/{version}\r\nHost: a\r\n{headers}{body}")
    several.append("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    return "".join(several).encode()


@given(requests())
def test_it_speaks_as_uvicorn_does(ports: Ports, asked: bytes) -> None:
    """Whatever is asked, in whatever order, on one connection."""
    assert sent(ports.ours, asked) == sent(ports.theirs, asked)


@given(st.one_of(TARGETS, st.text(max_size=10), st.just("http://a/b?c")))
def test_a_target_is_taken_apart_as_by_the_parser(text: str) -> None:
    """Where its characters may be there at all, which the parser of requests sees to before."""
    url = text.encode()
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        return
    assert target(url) == (parsed.path, parsed.query or b"")


@pytest.mark.parametrize(("app", "wrong"), [(broken, "length"), (broken, "feed"), (broken, "nul"), (failing, "")])
def test_what_is_no_whole_answer_is_never_begun(app: ASGIApp, wrong: str) -> None:
    """The client gets an error, and nothing of the head that was to be."""
    with serving(app, HttpProtocol) as port:
        answer = sent(port, f"GET /?{wrong} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"x-" not in answer
    assert b"four" not in answer


def test_an_answer_without_a_length_gets_one() -> None:
    """It is there as a whole; and the names of its headers keep their case."""
    with serving(bare, HttpProtocol) as port:
        answer = sent(port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer == (b"HTTP/1.1 200 OK\r\nX-Kept: as it is\r\ncontent-length: 4\r\nconnection: close\r\n\r\nfour")


class Watched(HttpProtocol):
    """Notes what it writes, and which timers it has: each that is made is another object."""

    writes: ClassVar[list[bytes]] = []
    timers: ClassVar[set[object]] = set()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin a connection through what notes."""
        super().connection_made(_Noting(transport))  # type: ignore[arg-type]  # it is one in all that is used

    def on_response_complete(self) -> None:
        """Note the timer that there is behind an answer."""
        super().on_response_complete()
        self.timers.add(self.timeout_keep_alive_task)


class _Noting:
    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        Watched.writes.append(data)
        self._transport.write(data)


def test_an_answer_is_one_write_and_a_connection_has_one_timer() -> None:
    """However many requests come on it, one after the other."""
    with (
        serving(bare, Watched) as port,
        socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
    ):
        for _ in range(10):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(4096).endswith(b"\r\n\r\nfour")
    assert len(Watched.writes) == 10
    assert len(Watched.timers) == 1


def test_a_connection_without_requests_is_closed() -> None:
    """So long behind the last answer, not behind the first; and not while an answer is awaited."""
    release = threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await asyncio.to_thread(release.wait, 60)
        await bare(scope, receive, send)

    asked = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"
    with (
        serving(slow, HttpProtocol, keep_alive=3) as port,
        socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
    ):
        connection.sendall(asked % b"/")
        assert connection.recv(4096).endswith(b"four")
        connection.sendall(asked % b"/slow")
        threading.Timer(4.5, release.set).start()
        before = monotonic()
        assert connection.recv(4096).endswith(b"four")
        assert connection.recv(4096) == b""
        assert monotonic() - before > 7
