"""One request and its answer on a connection of uvicorn, where head and body of an answer are one write.

uvicorn writes the head when it comes, and the body when that comes: two system calls for what fits in one packet. ASGI
lets a server keep the head until the body begins ("Response Start" in the HTTP message format, from 2.4 on), also to
put an error in its place; this does.
"""

from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent, HTTPResponseStartEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

#: What no line of a head may hold (RFC 9110, section 5.5).
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09})

#: Statuses whose answers have no body, and tell no length (RFC 9110, section 8.6; 304 may).
_BODILESS = (204, 304)


class Exchange(RequestResponseCycle):
    """Answers a request: in one write where the body comes whole, else piece by piece as uvicorn does."""

    _start: HTTPResponseStartEvent | None = None

    async def send(self, message: ASGISendEvent) -> None:
        """Take a message of the application; raises RuntimeError where it is not its turn, or makes no HTTP."""
        if message["type"] == "http.response.start" and not self.response_started:
            # Where there was one, the application failed behind it, and this is the 500 that uvicorn sends then.
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await super().send(message)
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            await self._send_whole(start, message)
        else:
            await super().send(start)
            await super().send(message)

    async def _send_whole(self, start: HTTPResponseStartEvent, message: HTTPResponseBodyEvent) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        body = message.get("body", b"")
        head = self._head(start["status"], [*self.default_headers, *start.get("headers", ())], len(body))
        self.response_started = self.response_complete = True
        self.transport.write(head if self.scope["method"] == "HEAD" else head + body)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _head(self, status: int, headers: list[tuple[bytes, bytes]], size: int) -> bytes:
        """Return the head of an answer with so many bytes of body. Names keep their case."""
        named = dict(headers)
        length = named.get(b"content-length")
        has_body = status not in _BODILESS and self.scope["method"] != "HEAD"
        if length is None and has_body:
            headers.append((b"content-length", b"%d" % size))
        elif length is not None and int(length) != size and has_body:
            raise RuntimeError(f"The body of an answer has {size} bytes, and its head says {int(length)}.")
        if b"close" in named.get(b"connection", b"").lower():
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append((b"connection", b"close"))
        lines = [STATUS_LINE[status]]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        if len(head) - len(head.translate(None, _CONTROLS)) != 2 * (len(headers) + 2):
            raise RuntimeError("A control character would break the head of an answer.")
        return head
