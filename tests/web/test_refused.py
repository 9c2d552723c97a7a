"""What can't be taken as a request: it is told so in its turn, and holds up nobody."""

import logging
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Receive, Scope, Send

from deedbook.web.protocols import HEAD, HttpProtocol
from tests.web.test_protocols import sent, serving, told

#: More than what a server may keep of a head.
ENDLESS = 16 * 1024 * 1024

LAST = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve what answers with what it was asked."""
    with serving(told, HttpProtocol) as port:
        yield port


def statuses(answers: bytes) -> list[int]:
    """Return the statuses of answers, in order."""
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]


def in_pieces(port: int, asked: bytes, cuts: set[int]) -> list[int]:
    """Send bytes in pieces, and return the statuses of what is answered."""
    places = [0, *sorted(cut for cut in cuts if cut < len(asked)), len(asked)]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in pairwise(places):
            connection.sendall(asked[start:end])
        return statuses(b"".join(iter(lambda: connection.recv(65536), b"")))


@given(
    padding=st.integers(-200, 200).map(lambda more: HEAD + more) | st.integers(0, HEAD * 2),
    is_of_target=st.booleans(),
    before=st.integers(0, 3),
    cuts=st.sets(st.integers(0, HEAD * 2), max_size=5),
)
def test_a_head_has_a_bound(port: int, padding: int, is_of_target: bool, before: int, cuts: set[int]) -> None:  # noqa: FBT001  # Hypothesis
    """However it is cut, and whatever was asked before on the connection, which is answered first."""
    target, value = (b"a" * padding, b"") if is_of_target else (b"", b"a" * padding)
    head = b"GET /%b HTTP/1.1\r\nX: %b\r\n%b" % (target, value, LAST)
    counted = len(b"/%bx%bconnectionclose" % (target, value))
    refused = 414 if is_of_target else 431
    ahead = b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nsome body" * before
    assert in_pieces(port, ahead + head, cuts) == [200] * before + [refused if counted > HEAD else 200]


@pytest.mark.parametrize(
    ("begun", "padding", "status"),
    [
        (b"GET /", b"a", 414),
        (b"GET / HTTP/1.1\r\nX: ", b"a", 431),
        (b"GET / HTTP/1.1\r\n", b"a", 431),
        (b"GET / HTTP/1.1\r\nX: ", b" ", 431),
        (b"", b"\n", 431),
    ],
)
def test_a_head_is_refused_before_its_end(port: int, begun: bytes, padding: bytes, status: int) -> None:
    """Nobody waits for what may never come: a target, a value, a name, or what is between or before them."""
    answer = sent(port, begun.ljust(HEAD + 1, padding))
    assert statuses(answer) == [status]
    assert b'"error":"The head of a request may have 65,536 bytes' in answer
    assert b"connection: close" in answer


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /health HTTP/1.1\r\nX: ",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ",
        b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nX: ",
    ],
    ids=["header", "trailer", "behind another"],
)
def test_a_head_without_an_end_is_not_kept(port: int, begun: bytes) -> None:
    """A value that is joined anew with every piece of it took all of a processor."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(begun.ljust(ENDLESS, b"a"))
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert statuses(answers)[-1:] == [431]


@given(
    pieces=st.lists(st.integers(1, 3 * HEAD), max_size=6),
    padding=st.integers(0, HEAD - 200),
    cuts=st.sets(st.integers(0, HEAD * 4), max_size=5),
)
def test_a_body_is_no_part_of_the_head(port: int, pieces: list[int], padding: int, cuts: set[int]) -> None:
    """In chunks or whole, and however large; nor is it of the head behind it."""
    body = b"b" * sum(pieces)
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, b"b" * size) for size in pieces)
    head = b"POST / HTTP/1.1\r\nX: %b\r\n" % (b"a" * padding)
    asked = (
        head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        + head + LAST
    )  # fmt: skip
    assert in_pieces(port, asked, cuts) == [200, 200, 200]


def test_chunks_of_a_byte_are_a_body_too(port: int) -> None:
    """What is around them is more than they are."""
    chunks = b"1\r\nb\r\n" * HEAD
    assert statuses(
        sent(port, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n%b" % LAST + chunks + b"0\r\n\r\n")
    ) == [200]


@pytest.mark.parametrize(
    ("line", "is_explained"),
    [
        ("GET /?q=josé HTTP/1.1", True),
        ("GET /josé/a?b=c HTTP/1.1", True),
        ("GET http://a/é HTTP/1.1", True),
        ("GET /\x01 HTTP/1.1\r\nX: é", False),
        ("GET /?q=a b HTTP/1.1", False),
        ("GÉT / HTTP/1.1", False),
        ("GET / HTTP/1.1\r\né: 1", False),
    ],
)
@pytest.mark.parametrize("ahead", [0, 2])
def test_what_is_no_http_is_told_so(port: int, line: str, is_explained: bool, ahead: int) -> None:  # noqa: FBT001  # as above
    """Behind the answers to what came before; and how to send what is not ASCII, where it is that."""
    answer = sent(port, b"GET / HTTP/1.1\r\n\r\n" * ahead + f"{line}\r\n\r\n".encode())
    assert statuses(answer) == [200] * ahead + [400]
    sentence = b"percent-encode all else, as `curl -G --data-urlencode" if is_explained else b"Invalid HTTP request"
    assert sentence in answer


def test_a_target_that_is_cut_at_a_byte_beyond_ascii_is_explained(port: int) -> None:
    """Its line need not be whole."""
    assert b"--data-urlencode" in sent(port, "GET /?q=josé".encode())


async def hasty(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer whatever the body is."""
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("app", [told, hasty])
@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_a_body_that_is_none_is_refused_once(
    caplog: pytest.LogCaptureFixture, app: ASGIApp, expect: bytes, ahead: int
) -> None:
    """Behind the answers to what came before; an application that answers all the same breaks nothing."""
    asked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + expect + b"\r\nno size\r\n"
    with serving(app, HttpProtocol) as port:
        logging.getLogger("uvicorn.error").addHandler(caplog.handler)
        caplog.set_level(logging.ERROR, "uvicorn.error")
        answered = statuses(sent(port, b"GET / HTTP/1.1\r\n\r\n" * ahead + asked))
    assert answered == [401 if app is hasty else 200] * ahead + [400]
    logging.getLogger("uvicorn.error").removeHandler(caplog.handler)
    assert not caplog.records
