"""Servers that are broken in one place: a real application, with something around it that breaks what it carries."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deedbook.domain.lifecycle import FINAL
from deedbook.web.main import running
from deedbook.web.protocols import FollowerProtocol, HttpProtocol
from deedbook.web.settings import Settings
from tests.support.server import free_port

#: Takes path, status and body of an answer, and returns another status and body.
Answering = Callable[[str, int, bytes], tuple[int, bytes]]


def answering(change: Answering) -> Callable[[ASGIApp], ASGIApp]:
    """Return what changes the answers of an application that come whole; those piece by piece go on as they are."""

    def around(app: ASGIApp) -> ASGIApp:
        async def changed(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            path, begun = scope["path"], list[Message]()

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start" and b"content-length" in dict(message["headers"]):
                    begun.append(message)
                    return
                if not begun:
                    await send(message)
                    return
                status, body = change(path, begun[0]["status"], message["body"])
                headers = [(name, value) for name, value in begun[0]["headers"] if name != b"content-length"]
                length = (b"content-length", b"%d" % len(body))
                await send({**begun[0], "status": status, "headers": [*headers, length]})
                await send({**message, "body": body})

            await app(scope, receive, sending)

        return changed

    return around


def without_idempotency_keys(app: ASGIApp) -> ASGIApp:
    """Lose the header on the way, as a proxy may."""

    async def changed(scope: Scope, receive: Receive, send: Send) -> None:
        kept = [(name, value) for name, value in scope["headers"] if name != b"idempotency-key"]
        await app({**scope, "headers": kept}, receive, send)

    return changed


def late_cancel_is_accepted(path: str, status: int, body: bytes) -> tuple[int, bytes]:
    """Answer 202 to a cancel of what has ended."""
    has_ended = any(b"An action in state %b can't be canceled" % state.encode() in body for state in FINAL)
    return (202 if path.rstrip("/").endswith("/cancel") and status == 409 and has_ended else status), body


def total_drifts(path: str, status: int, body: bytes) -> tuple[int, bytes]:
    """Count one more than there are."""
    if body.startswith(b'{"meta"') and path.rstrip("/").endswith("/action"):
        # Any: a page of the list.
        page: Any = json.loads(body)
        page["meta"]["total_count"] += page["meta"]["total_count"] > 0
        return status, json.dumps(page).encode()
    return status, body


def finish_fails(path: str, status: int, body: bytes) -> tuple[int, bytes]:
    """Break down where a worker reports."""
    if path.rstrip("/").endswith("/finish"):
        return 500, b'{"error": "Something went wrong here."}'
    return status, body


@contextmanager
def serving_broken(folder: Path, around: Callable[[ASGIApp], ASGIApp]) -> Iterator[str]:
    """Serve the store in a folder, broken, in a thread; give the address."""
    port = free_port()
    settings = Settings(url=f"sqlite:///{folder.resolve()}/log.db")
    listening = socket.create_server(("127.0.0.1", port))
    servers: list[uvicorn.Server] = []
    is_up = threading.Event()

    async def serve() -> None:
        async with running(settings) as app:
            servers.append(
                uvicorn.Server(
                    uvicorn.Config(
                        around(app), http=HttpProtocol, ws=FollowerProtocol, log_level="critical", lifespan="off"
                    )
                )
            )
            is_up.set()
            await servers[0].serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert is_up.wait(30)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        servers[0].should_exit = True
        thread.join()


class CuttingProxy:
    """Hands TCP on to a server, but closes the connection on requests with these numbers, as a restarted proxy would.

    `cut` are the numbers, from 1, of what clients send by `methods`; an even one has reached the server, an odd one has
    not.
    """

    def __init__(self, port: int, cut: set[int], methods: tuple[bytes, ...] = (b"GET", b"POST", b"DELETE")) -> None:
        self._to = port
        self._methods = methods
        self._cut = cut
        self.requests = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=[client], daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as server:
            threading.Thread(target=_pump, args=[server, client], daemon=True).start()
            while asked := _received(client):
                is_request = asked.startswith(self._methods)
                self.requests += is_request
                is_cut = is_request and self.requests in self._cut
                if not is_cut or self.requests % 2 == 0:
                    server.sendall(asked)
                if is_cut:
                    break
            for end in (client, server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def _received(end: socket.socket) -> bytes:
    with suppress(OSError):
        return end.recv(1 << 20)
    return b""


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while told := source.recv(1 << 20):
            sink.sendall(told)
        sink.shutdown(socket.SHUT_RDWR)
