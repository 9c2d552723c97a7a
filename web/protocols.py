"""uvicorn's protocols, with what our clients need beyond them."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from deedbook.web.channels import CONNECTION, FRAMES, HANG_UP, Gone
from deedbook.web.exchange import Exchange
from deedbook.web.problems import Problem, bad, body_of

#: The head of a request may have so many bytes. The parser joins the pieces of a value anew with each that comes.
HEAD = 64 * 1024

#: How long a client that was hung up on may take to read what is buffered, in seconds.
_LAST_CHANCE = 10.0


class HttpProtocol(HttpToolsProtocol):
    """Answers for half of what uvicorn's own takes, and what can't be parsed with the API's error.

    Measured, in CPU of an empty answer: one write for head and body (`Exchange`) saves a quarter of it, one timer for
    all requests of a connection a fifth, and a scope that is made at once a tenth. It is the `Connection` of answers
    that are streams: uvicorn tells nobody that it stops, waits for who does not read, and of requests that came one
    behind the other lets only the last know that the client went.
    """

    on_shutdown: Callable[[], None] | None = None
    url = b""
    _active: RequestResponseCycle | None = None
    #: Since when no request is under way, in seconds of the loop's clock; None while one is.
    _idle: float | None = None
    #: The bytes of the last read; of all since a head ended or a part of a body came; and of the read with that in it.
    _read = _since = _shared = 0
    #: What is said when all before is answered; behind it nothing is read.
    _refusal: bytes | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the request that is being answered know."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        self._abandon()

    def data_received(self, data: bytes) -> None:
        """Take what was read. A head that has no end is refused before it is whole, and so are trailers."""
        if self._refusal is not None:
            return
        self._idle = None
        self._read = len(data)
        self._since += self._read
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Problem) else _unreadable(error, data))
        else:
            if self._since - self._shared > HEAD:
                self._refuse(self._too_long())

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._since = self._shared = self._read
        super().on_body(body)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Pass a request on when its head is there, or let it wait until those before it are answered.

        Raises the 414 or 431 where it is too long.
        """
        if self._since > HEAD and len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD:
            raise self._too_long()
        self._since = self._shared = self._read
        version = self.parser.get_http_version()
        raw_path, query = target(self.url)
        path = raw_path.decode("ascii")
        self.scope = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "method": self.parser.get_method().decode("ascii"),
            "scheme": self.scheme or "http",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": self.headers,
            "client": self.client,
            "server": self.server,
            "state": {},
            "extensions": {CONNECTION: self},  # type: ignore[dict-item]  # as in `FollowerProtocol`
        }
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        before: RequestResponseCycle | None = self.cycle
        self.cycle = Exchange(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_response_complete(self) -> None:
        """Go on with the request behind, or begin to wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._hang_up_with(self._refusal)
        else:
            self._idle = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_handler()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which no request came for so long, or look again when that may be."""
        self.timeout_keep_alive_task = None
        if self._idle is None or self.transport.is_closing():
            return
        left = self._idle + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Begin to stop: what is answered is answered, but a stream without an end ends."""
        super().shutdown()
        if self.on_shutdown is not None:
            self.on_shutdown()

    def hang_up(self, last: bytes, *, is_whole: bool) -> None:
        """Put `last` behind what is buffered, end the application's part, and drop who never reads it."""
        cycle = self._active
        if cycle is None or cycle.disconnected or cycle.response_complete or self.transport.is_closing():
            return
        if cycle.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(last), last) if last else b""
            self.transport.write(chunk + b"0\r\n\r\n" * is_whole)
        self._abandon()
        self.flow.resume_writing()
        self.transport.close()
        asyncio.get_running_loop().call_later(_LAST_CHANCE, self.transport.abort)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._active = cycle
        self.on_shutdown = None
        super()._start_asgi_task(cycle, app)

    def _abandon(self) -> None:
        cycle = self._active
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _too_long(self) -> Problem:
        if len(self.url) > HEAD // 2:
            return Problem(414, f"The head of a request may have {HEAD:,} bytes; ask with a shorter path and query.")
        return Problem(431, f"The head of a request may have {HEAD:,} bytes; send fewer or shorter headers.")

    def _refuse(self, problem: Problem) -> None:
        """Answer what can't be taken, once all before it is answered, and hang up."""
        body = body_of(str(problem))
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._refusal = STATUS_LINE[problem.status] + head + body
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self._hang_up_with(self._refusal)
        elif cycle.more_body and cycle is self._active:
            # Its own body breaks off: this is its answer, unless there is a part of one already.
            self._abandon()
            cycle.waiting_for_100_continue = False
            self._hang_up_with(b"" if cycle.response_started else self._refusal)
        elif cycle.more_body:
            self.pipeline.popleft()

    def _hang_up_with(self, last: bytes) -> None:
        """Say the last, and go when the client does: a reset could cost it what it has not read (RFC 9112, 9.6)."""
        if not self.transport.is_closing():
            self.transport.write(last)
            self.transport.write_eof()
            self.loop.call_later(_LAST_CHANCE, self.transport.abort)


def _unreadable(error: httptools.HttpParserError, data: bytes) -> Problem:
    """Return the problem of a read that is no HTTP."""
    *lines, last = data.split(b"\r\n")
    targets = [last, *(line for line in lines if b" HTTP/" in line)]
    if isinstance(error, httptools.HttpParserInvalidURLError) and not b"".join(targets).isascii():
        return bad("Path and query are ASCII: percent-encode all else, as `curl -G --data-urlencode q=...` does.")
    return bad("Invalid HTTP request received.")


def target(url: bytes) -> tuple[bytes, bytes]:
    """Return path and query of a request target; raises `HttpParserInvalidURLError`.

    Nearly every one is in origin-form (RFC 9112, section 3.2.1), a path and what is behind the first question mark.
    """
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""


class _Handshake(ServerProtocol):
    """Refuses a handshake that is none by RFC 6455 with the API's error."""

    def reject(self, status: StatusLike, text: str) -> Response:
        """Return the refusal."""
        response = super().reject(status, text)
        response.body = body_of(text.strip())
        for name in ("Content-Type", "Content-Length"):
            del response.headers[name]
        response.headers["Content-Type"] = "application/json"
        response.headers["Content-Length"] = str(len(response.body))
        return response


class FollowerProtocol(WebSocketsSansIOProtocol):
    """Sends frames that are ready; can close a stream although its client does not read: uvicorn's own close waits."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _Handshake(max_size=config.ws_max_size, logger=logging.getLogger("uvicorn.error"))

    async def run_asgi(self) -> None:
        """Run the application, with `hang_up` and `send_frames` among its extensions."""
        # The type of the scope knows only the extensions of the specification.
        self.scope["extensions"][HANG_UP] = self.hang_up  # type: ignore[assignment]
        self.scope["extensions"][FRAMES] = self.send_frames  # type: ignore[assignment]
        await super().run_asgi()

    async def send_frames(self, frames: bytes) -> None:
        """Send whole frames of a server, as soon as the client takes them; raises `Gone` once it is gone."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self.close_sent or self.disconnected or self.transport.is_closing():
            raise Gone
        self.transport.write(frames)

    def hang_up(self, code: int, reason: str) -> None:
        """Put the close behind what is buffered, end the application's part, and drop who never reads it."""
        if self.close_sent or self.transport.is_closing() or not self.handshake_complete:
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.close_timer = asyncio.get_running_loop().call_later(_LAST_CHANCE, self.transport.abort)
